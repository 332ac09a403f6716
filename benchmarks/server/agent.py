"""An agent's conversation far beyond the cap: never an error, the first token in time, facts found.

Each turn the agent is asked to look something up, calls a tool, and gets some 500 tokens of a log,
in which now and then a key is told. Later it is asked for that key. The same questions are put to
the same reader with the oldest messages cut off, as Ollama does it; and it is counted which
requests a server refuses that has nothing but its context. Everything runs in this process, as the
server does it, without HTTP. Writes ``agent.jsonl``, a row a request, and ``agent.md``.

    python -m benchmarks.server.agent --turns 60 --cap 2048
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.common.machine import machine

from edgelingua import load_compressor
from edgelingua.integrations.server.answering import Answerer
from edgelingua.integrations.server.calls import Call
from edgelingua.integrations.server.patience import Patience
from edgelingua.integrations.server.requests import chat_request
from edgelingua.integrations.server.written import Finish
from edgelingua.llama.model import LlamaModel, Sampling
from edgelingua.models.registry import find_reader

HERE = Path(__file__).parent
TOOL = {
    "type": "function",
    "function": {
        "name": "read_log",
        "description": "Reads an hour of the log",
        "parameters": {"type": "object", "properties": {"hour": {"type": "integer"}}},
    },
}
SYSTEM = "You keep an eye on a data centre. Answer in a few words."
TOWNS = ["Lisbon", "Oslo", "Vienna", "Dublin", "Prague", "Athens", "Riga", "Turin", "Lyon", "Basel"]
LONGEST = 24
"""Tokens of an answer."""
ASK_EVERY = 6
"""Turns; the fact that is asked for was told some 20 turns before, if there have been so many."""


def conversation(turns: int) -> Iterator[tuple[list[dict[str, Any]], str]]:
    """Yield what comes before each request, and the key that is asked for, if one is."""
    dice = random.Random(7)
    keys = {town: f"{dice.choice('KQXZ')}-{dice.randint(1000, 9999)}" for town in TOWNS}
    told: list[tuple[int, str]] = []
    for turn in range(turns):
        lines = [
            f"10:{i:02d}:{dice.randint(10, 59)} INFO worker-{dice.randint(1, 40)} handled "
            f"{dice.randint(100, 9999)} items in {dice.randint(2, 900)} ms"
            for i in range(18)
        ]
        if turn % ASK_EVERY == 2 and len(told) < len(TOWNS):
            town = TOWNS[len(told)]
            at = dice.randint(3, 14)
            lines[at] = f"10:07:31 WARN vault: the rack key of {town} is {keys[town]}"
            told.append((turn, town))
        call = Call("read_log", json.dumps({"hour": turn}), f"call_{turn}")
        yield (
            [
                {"role": "user", "content": f"Look at hour {turn} of the log."},
                {"role": "assistant", "content": None, "tool_calls": [call.value]},
                {"role": "tool", "tool_call_id": call.id, "content": "\n".join(lines)},
            ],
            "",
        )
        if turn % ASK_EVERY == ASK_EVERY - 1:
            old = [town for when, town in told if when <= turn - 18] or [told[0][1]]
            town = old[-1]
            question = f"What is the rack key of {town}?"
            yield [{"role": "user", "content": question}], keys[town]


class Reader:
    """The server's own parts, and what a request took."""

    def __init__(self, cap: int, threads: int) -> None:
        self.model = LlamaModel(find_reader("smollm2-135m-instruct"), threads=threads)
        self.cap = cap
        compressor = load_compressor(count=self.model.count)
        self.answerer = Answerer(
            self.model, compressor, lambda: self.model.session(cap), cap=cap, sessions=2
        )

    def ask(self, messages: list[dict[str, Any]]) -> dict[str, Any]:
        """Answer a request."""
        body = {
            "model": "m",
            "messages": messages,
            "tools": [TOOL],
            "temperature": 0,
            "max_tokens": LONGEST,
        }
        started, first, text = time.perf_counter(), 0.0, ""
        request, patience = chat_request(body, Sampling(), LONGEST), Patience(3600)
        laid = self.answerer.prepare(request, patience)
        for piece in self.answerer.write(request, laid, patience):
            if isinstance(piece, Finish):
                cached = piece.cached
            else:
                first = first or time.perf_counter() - started
                text += piece.text
        shown = b"".join(self.model.pieces(laid.tokens)).decode(errors="replace")
        return {
            "before": laid.before,
            "read": len(laid.tokens),
            "cached": cached,
            "first": round(first, 2),
            "text": text,
            "shown": shown,
        }

    def cut(self, messages: list[dict[str, Any]], room: int) -> list[dict[str, Any]]:
        """Leave out the oldest messages but the system prompt, until the rest fits."""
        system, *rest = messages
        while rest and self.size([system, *rest]) > room:
            rest = rest[1:]
        return [system, *rest]

    def size(self, messages: list[dict[str, Any]]) -> int:
        """Return the tokens of messages with all around them, without reading them."""
        texts = [f"{m.get('content') or ''}{m.get('tool_calls') or ''}" for m in messages]
        return 200 + sum(self.model.count(text) + 8 for text in texts)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=60)
    parser.add_argument("--cap", type=int, default=2048)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--table", action="store_true", help="only write agent.md again")
    options = parser.parse_args()
    if options.table:
        lines = (HERE / "agent.jsonl").read_text(encoding="utf-8").splitlines()
        page = table([json.loads(line) for line in lines], options.cap, options.threads)
        (HERE / "agent.md").write_text(page, encoding="utf-8")
        return
    ours = Reader(options.cap, options.threads)
    messages: list[dict[str, Any]] = [{"role": "system", "content": SYSTEM}]
    rows = []
    with (HERE / "agent.jsonl").open("w", encoding="utf-8") as file:
        for new, key in conversation(options.turns):
            messages += new
            row = ours.ask(messages)
            shown = row.pop("shown")
            if key:
                row |= {"key": key, "shown": key in shown, "answered": key in row["text"]}
                cut = ours.cut(messages, options.cap - LONGEST)
                row["cut_shown"] = any(key in str(message) for message in cut)
                # What is not there is not answered; that need not be tried.
                row["cut_answered"] = row["cut_shown"] and key in ours.ask(cut)["text"]
            messages.append({"role": "assistant", "content": row["text"]})
            rows.append(row)
            file.write(json.dumps(row) + "\n")
            file.flush()
            print(row, flush=True)
    (HERE / "agent.md").write_text(table(rows, options.cap, options.threads), encoding="utf-8")


def table(rows: list[dict[str, Any]], cap: int, threads: int) -> str:
    """Return the page of these rows."""
    asked = [row for row in rows if "key" in row]
    beyond = [row for row in rows if row["before"] > cap]
    third = max(1, len(beyond) // 3)
    whole = f"{len(rows)} of {len(rows)}"

    def share(name: str) -> str:
        return f"{sum(row[name] for row in asked)} of {len(asked)}"

    def middle(values: list[float]) -> str:
        thirds = median(values[:third]), median(values[-third:])
        return " | ".join(f"{value:,.1f}" for value in (median(values), *thirds, max(values)))

    new = [row["read"] - row["cached"] for row in beyond]
    again = sum(2 * row["cached"] < row["read"] for row in beyond)
    cached = sum(row["cached"] for row in beyond) / sum(row["read"] for row in beyond)
    about = machine()
    return f"""# An agent's conversation far beyond the cap

{len(rows)} requests, {rows[-1]["before"]:,} tokens at the end, a cap of {cap:,}; SmolLM2-135M in
Q4_1, threads: {threads}, {about["cpu"]}, edgelingua {about["edgelingua"]}.

| | edgelingua | the oldest messages cut | a plain context |
|---|---|---|---|
| requests answered | {whole} | {whole} | {len(rows) - len(beyond)} of {len(rows)} |
| keys of earlier turns in what is read | {share("shown")} | {share("cut_shown")} | - |
| keys answered | {share("answered")} | {share("cut_answered")} | - |

The {len(beyond)} requests beyond the cap: {cached:.0%} of what they read was in the cache, and
{again} were compressed anew.

| | median | first third | last third | most |
|---|---|---|---|---|
| tokens read anew | {middle(new)} |
| seconds to the first token | {middle([row["first"] for row in beyond])} |
"""


if __name__ == "__main__":
    main()
