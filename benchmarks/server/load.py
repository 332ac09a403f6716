"""Requests a second with 1, 4 and 16 clients, and memory over many requests.

``edgelingua serve`` as people start it, with SmolLM2-135M; each request asks something else in a
few words and gets up to 8 tokens. Writes ``load.jsonl`` and ``load.md``.

    python -m benchmarks.server.load --each 40 --requests 2000
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from benchmarks.common.machine import machine
from benchmarks.server.overhead import started

HERE = Path(__file__).parent
CLIENTS = (1, 4, 16)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--each", type=int, default=40, help="requests for each number of clients")
    parser.add_argument("--requests", type=int, default=2000, help="requests in all")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    command = [sys.executable, "-m", "edgelingua", "serve", "--port", "0", "--cap", "512"]
    command += ["--waiting", "64", "--threads", str(options.threads)]
    rows: list[dict[str, float]] = []
    asked = 0
    with (
        started(command, r"at http://127\.0\.0\.1:(\d+)/v1") as (port, _),
        httpx.Client() as client,
    ):
        url = f"http://127.0.0.1:{port}"
        model = client.get(f"{url}/v1/models").json()["data"][0]["id"]

        def ask(number: int) -> None:
            said = [{"role": "user", "content": f"What comes after {number}?"}]
            body = {"model": model, "messages": said, "max_tokens": 8}
            client.post(f"{url}/v1/chat/completions", json=body, timeout=600).raise_for_status()

        def memory() -> float:
            page = client.get(f"{url}/metrics").text
            (found,) = re.findall(r"^edgelingua_resident_megabytes (\S+)", page, re.M)
            return float(found)

        ask(0)
        while asked < options.requests:
            clients = CLIENTS[len(rows)] if len(rows) < len(CLIENTS) else CLIENTS[-1]
            many = min(options.each, options.requests - asked)
            began = time.perf_counter()
            with ThreadPoolExecutor(clients) as pool:
                list(pool.map(ask, range(asked, asked + many)))
            asked += many
            rate = many / (time.perf_counter() - began)
            rows.append({"clients": clients, "requests": asked, "rate": rate, "mb": memory()})
            print(rows[-1], flush=True)
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (HERE / "load.jsonl").write_text(lines, encoding="utf-8")
    (HERE / "load.md").write_text(table(rows, options.threads), encoding="utf-8")


def table(rows: list[dict[str, float]], threads: int) -> str:
    """Return the page of these rows."""
    about = machine()
    first = rows[: len(CLIENTS)]
    rates = "".join(f"| {row['clients']} | {row['rate']:.2f} |\n" for row in first)
    later = rows[len(CLIENTS) :] or rows[-1:]
    return f"""# Requests a second, and memory

SmolLM2-135M in Q4_1, threads: {threads}, {about["cpu"]}, edgelingua {about["edgelingua"]}; some 20
tokens in, up to 8 out. One request is served at a time: more clients wait longer, and no more is
done.

| clients | requests a second |
|---|---|
{rates}
Resident memory after {later[0]["requests"]:,.0f} requests {later[0]["mb"]:.1f} MB, after
{rows[-1]["requests"]:,.0f} requests {rows[-1]["mb"]:.1f} MB.
"""


if __name__ == "__main__":
    main()
