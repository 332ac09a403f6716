"""What the proxy adds to the time until the first byte of an answer, where nothing is compressed.

In turn, the same request straight to a server that answers at once, and through
``edgelingua serve --upstream``, over connections that are kept. Three conversations: a short one;
an agent's whose last turn is another in each request (``--rate 1``); and that with tool outputs
that were compressed before (``--rate 0.5``), which are put in place again. Then the memory of the
proxy over 2,000 requests. Writes ``overhead.jsonl`` and ``overhead.md``.

    python -m benchmarks.server.overhead
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from statistics import quantiles
from typing import Any

from benchmarks.common.machine import machine

HERE = Path(__file__).parent
GOAL = 5
UPSTREAM = [sys.executable, "-c", "from benchmarks.server.upstream import main; main()"]
"""Milliseconds that may be added."""

TURNS = 60
OUTPUT = "\n".join(
    f"12:{i:02d}:07 INFO worker-{i % 7} handled {i * 37} in {i} ms" for i in range(25)
)
"""A tool's output of some 500 tokens."""


def agent(turns: int) -> list[dict[str, Any]]:
    """Return the messages of an agent that has read so many outputs."""
    said: list[dict[str, Any]] = [{"role": "user", "content": "Why did worker-3 fail?"}]
    for turn in range(turns):
        function = {"name": "logs", "arguments": json.dumps({"hour": turn})}
        call = {"id": f"c{turn}", "type": "function", "function": function}
        said.append({"role": "assistant", "content": None, "tool_calls": [call]})
        output = OUTPUT.replace("worker", f"host{turn}")
        said.append({"role": "tool", "tool_call_id": f"c{turn}", "content": output})
    return said


SHORT = [{"role": "user", "content": "Name three colours."}]


@contextmanager
def started(command: list[str], port: str) -> Iterator[tuple[int, int]]:
    """Run a server; yield the port that it names, and its process."""
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            while not (found := re.search(port, _all(log))):
                if process.poll() is not None:
                    raise SystemExit(f"{command} failed:\n{_all(log)}")
                time.sleep(0.1)
            yield int(found[1]), process.pid
        finally:
            process.terminate()
            process.wait(60)


def _all(log: Any) -> str:
    log.seek(0)
    return str(log.read())


def first_byte(wire: http.client.HTTPConnection, messages: list[dict[str, Any]]) -> float:
    """Send a request; return the milliseconds until the first byte of its answer's body."""
    body = json.dumps({"model": "m", "stream": True, "messages": messages})
    begun = time.perf_counter()
    wire.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
    response = wire.getresponse()
    response.read(1)
    taken = time.perf_counter() - begun
    response.read()
    if response.status != 200:
        raise SystemExit(f"status {response.status}")
    return 1000 * taken


def processor(process: int) -> float:
    """Return the milliseconds that a process has had a processor."""
    tasks = Path(f"/proc/{process}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e6


def proxy(upstream: int, folder: str, rate: str) -> tuple[list[str], str]:
    """Return the command of a proxy, and where it says its port."""
    command = [sys.executable, "-m", "edgelingua", "serve", "--port", "0", "--rate", rate]
    command += ["--upstream", f"http://127.0.0.1:{upstream}", "--state", f"{folder}/state"]
    return command, r"at http://127\.0\.0\.1:(\d+)"


def endurance(upstream: int, requests: int) -> list[dict[str, Any]]:
    """Return the resident memory every so many requests, each with a question not asked before."""
    rows = []
    with (
        tempfile.TemporaryDirectory() as folder,
        started(*proxy(upstream, folder, "0.5")) as (port, process),
    ):
        wire = http.client.HTTPConnection("127.0.0.1", port)
        for at in range(1, requests + 1):
            said = [*agent(2), {"role": "user", "content": f"And what of {at % 50}?"}]
            said[0] = {"role": "user", "content": f"Conversation {at // 50}."}
            first_byte(wire, said)
            if at % (requests // 10) == 0:
                pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
                mb = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
                rows.append({"case": "memory", "requests": at, "mb": round(mb, 1)})
    return rows


def measure(upstream: int, rounds: int, rate: str, name: str) -> list[dict[str, Any]]:
    """Return a row for each round of a conversation."""
    rows = []
    with (
        tempfile.TemporaryDirectory() as folder,
        started(*proxy(upstream, folder, rate)) as (port, process),
    ):
        warm = http.client.HTTPConnection("127.0.0.1", port)
        first_byte(warm, SHORT if name == "short" else agent(TURNS))
        warm.close()
        direct = http.client.HTTPConnection("127.0.0.1", upstream)
        proxied = http.client.HTTPConnection("127.0.0.1", port)
        for at in range(-5, rounds):  # the first ones open connections
            said = SHORT if name == "short" else agent(TURNS)
            if name != "short":
                # Another last turn in each round: that one is new.
                said = [*said, {"role": "user", "content": f"And what else, {at}?"}]
            row = {"direct": first_byte(direct, said)}
            before = processor(process)
            row["proxied"] = first_byte(proxied, said)
            row["processor"] = processor(process) - before
            if at >= 0:
                rows.append({"case": name, "characters": len(json.dumps(said)), **row})
    return rows


CASES = {
    "short": ("1", "a question"),
    "agent": ("1", f"an agent's {TURNS} turns, nothing compressed"),
    "again": ("0.5", f"an agent's {TURNS} turns, compressed before"),
}


def main() -> None:
    """Measure in turn; write the rounds and their quantiles."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--requests", type=int, default=2000)
    options = parser.parse_args()
    rounds, requests = options.rounds, options.requests
    rows: list[dict[str, Any]] = []
    with started(UPSTREAM, r"^(\d+)$") as (upstream, _):
        for name, (rate, _) in CASES.items():
            rows += measure(upstream, rounds, rate, name)
        memory = endurance(upstream, requests)
    versions = {name: metadata.version(name) for name in ("httpx", "starlette", "uvicorn")}
    about = machine() | versions | {"load": round(os.getloadavg()[0], 1)}
    lines = [
        "| ms to the first byte, p50 and p95 | characters | direct | proxied | added | processor |",
        "|---|---|---|---|---|---|",
    ]
    for name, (_, title) in CASES.items():
        own = [row for row in rows if row["case"] == name]
        figures = []
        for key in ("direct", "proxied"):
            figures.append([row[key] for row in own])
        figures.append([row["proxied"] - row["direct"] for row in own])
        figures.append([row["processor"] for row in own])
        cells = " | ".join(
            f"{q[9]:.1f}, {q[18]:.1f}" for f in figures for q in [quantiles(f, n=20)]
        )
        lines.append(f"| {title} | {own[-1]['characters']:,} | {cells} |")
    lines.append(
        f"\nOf {rounds} rounds each, in turn; *added* is the difference within a round, "
        "*processor* what the proxy had of it for the whole answer. "
        f"{about['cpus']} CPUs, load {about['load']} at the end.\n\n"
        f"Resident memory after {memory[0]['requests']:,} to {requests:,} requests, one in 50 of a "
        f"new conversation: {', '.join(str(row['mb']) for row in memory)} MB."
    )
    (HERE / "overhead.jsonl").write_text(
        "".join(f"{json.dumps(row)}\n" for row in (about, *rows, *memory)), encoding="utf-8"
    )
    (HERE / "overhead.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
