"""Facts recalled from a stream far longer than the cache, by how long ago they were read.

    python -m benchmarks.kv.stream --data DIR --policies streaming,recursive-8,recursive-8:keep

A text of ``--tokens`` tokens is read under ``--cap`` cells, with facts planted in it ("The code of
the red barn is 4831."), five at each distance from the end. At the end the session is forked for
each fact, reads "The code of the red barn is", and the NLL of the number is taken, beside that of
the same number for a thing of which nothing was told: a reader this small answers badly, but
expects what it remembers. ``recursive-8`` is a `RecursiveMemory` of half the cap with eight tokens
for each new cell, behind a colon the adapter that writes it. Adds a row a policy and fact to
``stream.jsonl``; writes ``stream.md``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean

import numpy as np
from benchmarks.common.machine import machine
from benchmarks.quality.reader import negative_log_likelihood
from benchmarks.quality.rows import Row, Rows
from numpy.typing import NDArray

from edgelingua import LlamaModel, MemoryAdapter, RecursiveMemory
from edgelingua.kv.policies import load_policy
from edgelingua.kv.session import Session
from edgelingua.models.registry import DEFAULT_READER, find_reader

HERE = Path(__file__).parent
ADAPTERS = HERE.parents[1] / "models" / "edgelingua-memory"
KEY = ("policy", "tokens", "cap", "distance", "fact")
DISTANCES = (100, 300, 700, 1500, 3000, 6000, 12000, 25000, 50000, 95000)
EACH = 5
"""Facts at each distance."""

SURE = 2.0
"""Nats from which a fact counts as recalled."""

THINGS = ("barn", "bridge", "cellar", "tower", "wagon", "garden", "boat", "mill", "chapel", "well")
COLOURS, UNTOLD = ("red", "green", "white", "yellow", "grey"), "black"
_APART = 10
"""Tokens between facts of a distance, beside those of the facts."""


def main() -> None:
    """Read the stream with each policy."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the development sets")
    parser.add_argument("--text", default="text/wiki.test.raw", help="the text, inside --data")
    parser.add_argument("--policies", default="streaming,default")
    parser.add_argument("--tokens", type=int, default=100_000)
    parser.add_argument("--cap", type=int, default=1024)
    parser.add_argument("--reader", default=DEFAULT_READER, help="a name or a GGUF file")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--adapters", type=Path, default=ADAPTERS, help="folder of adapters")
    parser.add_argument("--results", type=Path, default=HERE / "stream.jsonl")
    options = parser.parse_args()
    reader = LlamaModel(find_reader(options.reader), threads=options.threads)
    text = (options.data / options.text).read_text(encoding="utf-8")
    ids = reader.tokenize(text[: 6 * options.tokens])[: options.tokens]
    rows = Rows(options.results, KEY)
    facts = planted(options.tokens)
    for name in options.policies.split(","):
        if rows.has(name, len(ids), options.cap, facts[0][0], 0):
            continue
        read, asked = reading(reader, name, options.cap, options.adapters)
        clock, spent, at = time.perf_counter(), time.process_time(), 0
        for distance, number, thing, value in facts:
            end = len(ids) - distance - _APART * number
            read(said(reader, ids[at:end]))
            at = end
            read(f"\nThe code of the {thing} is {value}.\n")
        read(said(reader, ids[at:]))
        clock, spent = time.perf_counter() - clock, time.process_time() - spent
        session = asked()
        for distance, number, thing, value in facts:
            known, unknown = (
                nll(
                    session.fork(),
                    reader.tokenize_part(f"\nThe code of the {one} is"),
                    reader.tokenize_part(f" {value}"),
                )
                for one in (thing, f"{UNTOLD} {thing.split()[1]}")
            )
            where = {"policy": name, "tokens": len(ids), "cap": options.cap}
            found = {"nll": round(known, 4), "untold": round(unknown, 4)}
            took = {"seconds": round(clock), "cpu": round(spent), "peak": session.statistics.peak}
            rows.add({**where, "distance": distance, "fact": number, **found, **took})
        print(name, f"{clock:.0f} s", session.statistics, machine()["cpu"], flush=True)
    options.results.with_suffix(".md").write_text(table(list(rows)), encoding="utf-8")


def reading(
    reader: LlamaModel, name: str, cap: int, adapters: Path
) -> tuple[Callable[[str], None], Callable[[], Session]]:
    """What reads on under a policy, or with a recursive memory, and gives a session to ask."""
    kind, _, folder = name.partition(":")
    if kind.startswith("recursive-"):
        adapter = MemoryAdapter.load(adapters / folder, reader) if folder else None
        ratio = int(kind.removeprefix("recursive-"))
        memory = RecursiveMemory(reader, cap, cap // 2, adapter=adapter, ratio=ratio)
        return memory.read, memory.session
    session = reader.session(cap, reader.default_policy if name == "default" else load_policy(name))
    return lambda text: session.feed(reader.tokenize_part(text)), lambda: session


def said(reader: LlamaModel, ids: NDArray[np.int32]) -> str:
    """Tokens as text."""
    return "".join(reader.stream_text(iter(ids.tolist())))


def planted(tokens: int) -> list[tuple[int, int, str, str]]:
    """Facts in the order in which they are read: distance, number, thing, value."""
    rng = np.random.default_rng(7)
    made = [
        (distance, number, f"{COLOURS[number]} {THINGS[at]}", str(int(rng.integers(1000, 9999))))
        for at, distance in enumerate(DISTANCES)
        for number in range(EACH)
    ]
    return sorted(
        (fact for fact in made if fact[0] < tokens), key=lambda fact: (-fact[0], -fact[1])
    )


def nll(session: Session, words: NDArray[np.int32], figure: NDArray[np.int32]) -> float:
    """NLL in nats of a figure behind words, all its tokens."""
    session.feed(words)
    return float(negative_log_likelihood(session, figure).sum())


def table(rows: list[Row]) -> str:
    """Nats by which a figure is expected more than that of a thing of which nothing was told."""
    settings = sorted({(row["tokens"], row["cap"]) for row in rows}, reverse=True)
    return "\n".join(
        _table(tokens, cap, [row for row in rows if (row["tokens"], row["cap"]) == (tokens, cap)])
        for tokens, cap in settings
    )


def _table(tokens: int, cap: int, rows: list[Row]) -> str:
    far = sorted({row["distance"] for row in rows})
    lines = [
        f"| {tokens:,} tokens, {cap} cells | {' | '.join(f'{d:,} ago' for d in far)} |",
        "| --- |" + " --- |" * len(far),
    ]
    for name in dict.fromkeys(row["policy"] for row in rows):
        gains = {
            d: [r["untold"] - r["nll"] for r in rows if (r["policy"], r["distance"]) == (name, d)]
            for d in far
        }
        cells = [
            f"{mean(some):.1f}, {sum(g > SURE for g in some)} of {len(some)}"
            for some in gains.values()
        ]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
