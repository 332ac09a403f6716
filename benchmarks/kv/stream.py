"""Facts recalled from a stream far longer than the cache, by how long ago they were read.

    python -m benchmarks.kv.stream --data DIR --policies streaming,default

A text of ``--tokens`` tokens is read under ``--cap`` cells, with facts planted in it ("The code of
the red barn is 4831."), some at each distance from the end. At the end the session is forked for
each fact, reads "The code of the red barn is", and the NLL of the number is taken, beside that of
the same number after the same words in a session that never read the fact: a reader this small
answers badly, but expects what it remembers. Adds a row a policy and fact to ``stream.jsonl``.
"""

from __future__ import annotations

import argparse
import time
from itertools import product
from pathlib import Path

import numpy as np
from benchmarks.common.machine import machine
from benchmarks.quality.reader import negative_log_likelihood
from benchmarks.quality.rows import Rows
from numpy.typing import NDArray

from edgelingua import LlamaModel
from edgelingua.kv.policies import load_policy
from edgelingua.kv.session import Session
from edgelingua.models.registry import DEFAULT_READER, find_reader

HERE = Path(__file__).parent
KEY = ("policy", "tokens", "cap", "distance", "fact")
DISTANCES = (100, 300, 700, 1500, 3000, 6000, 12000, 25000, 50000, 95000)
EACH = 3
"""Facts at each distance."""

THINGS = ("barn", "bridge", "cellar", "tower", "wagon", "garden", "boat", "mill", "chapel", "well")
COLOURS = ("red", "green", "white")
_STEP = 1024
_RECENT = 256
"""Tokens of the text's end that the session without the facts reads."""


def main() -> None:
    """Read the stream with each policy."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the development sets")
    parser.add_argument("--text", default="text/wiki.test.raw", help="the text, inside --data")
    parser.add_argument("--policies", default="streaming,default")
    parser.add_argument("--tokens", type=int, default=100_000)
    parser.add_argument("--cap", type=int, default=1024)
    options = parser.parse_args()
    reader = LlamaModel(find_reader(DEFAULT_READER), threads=1)
    text = (options.data / options.text).read_text(encoding="utf-8")
    ids = reader.tokenize(text[: 6 * options.tokens])[: options.tokens]
    rows = Rows(HERE / "stream.jsonl", KEY)
    facts = planted(options.tokens)
    for name in options.policies.split(","):
        if rows.has(name, len(ids), options.cap, facts[0][0], 0):
            continue
        policy = reader.default_policy if name == "default" else load_policy(name)
        session = reader.session(options.cap, policy)
        started, at = time.process_time(), 0
        for distance, _, told, _ in facts:
            read(session, ids[at : len(ids) - distance])
            at = len(ids) - distance
            session.feed(reader.tokenize_part(told))
        read(session, ids[at:])
        spent = time.process_time() - started
        untold = reader.session(options.cap, policy)
        untold.feed(ids[-_RECENT:])
        for distance, number, _, asked in facts:
            question, value = asked
            words, figure = (reader.tokenize_part(part) for part in (f"\n{question}", f" {value}"))
            known = nll(session.fork(), words, figure)
            unknown = nll(untold.fork(), words, figure)
            where = {"policy": name, "tokens": len(ids), "cap": options.cap}
            found = {"nll": round(known, 4), "untold": round(unknown, 4)}
            rows.add({**where, "distance": distance, "fact": number, **found})
        print(name, f"{spent:.0f} s", session.statistics, machine()["cpu"], flush=True)


def planted(tokens: int) -> list[tuple[int, int, str, tuple[str, str]]]:
    """Facts in the order in which they are read: distance, number, what is told and asked."""
    rng = np.random.default_rng(7)
    made = []
    for at, (distance, number) in enumerate(product(DISTANCES, range(EACH))):
        thing = f"{COLOURS[number]} {THINGS[at // EACH]}"
        value = str(int(rng.integers(1000, 9999)))
        told = f"\nThe code of the {thing} is {value}.\n"
        if distance < tokens:
            made.append(
                (distance + 25 * number, number, told, (f"The code of the {thing} is", value))
            )
    return sorted(made, key=lambda fact: -fact[0])


def read(session: Session, ids: NDArray[np.int32]) -> None:
    """Feed tokens bit by bit."""
    for start in range(0, len(ids), _STEP):
        session.feed(ids[start : start + _STEP])


def nll(session: Session, words: NDArray[np.int32], figure: NDArray[np.int32]) -> float:
    """NLL in nats of a figure behind words, all its tokens."""
    session.feed(words)
    return float(negative_log_likelihood(session, figure).sum())


if __name__ == "__main__":
    main()
