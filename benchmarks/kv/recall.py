"""Three facts told at the beginning of a chat, asked for at turns 10, 25 and 50.

    OPENBLAS_NUM_THREADS=1 python -m benchmarks.kv.recall

The user tells three made-up facts, one a turn, then makes small talk; both are drawn by a seed. The
model replies with at most 16 tokens. Questions are put to a fork of the chat, so that the chat
itself never hears them, and answers are judged as `retrieval` does: the reply has begun, and each
token of its rest must be the likeliest one. The compressor has nothing to say in a chat without
documents: it would be `streaming`, which here is truncation by turns too, as the system prompt and
the template of turns stay.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from benchmarks.kv.common import (
    Job,
    Variant,
    chosen,
    judged,
    losses,
    parser,
    policies,
    setting,
    weights,
    work_off,
)
from benchmarks.kv.log import Row, read_rows
from benchmarks.kv.tasks import Told, facts

from edgelingua import Chat, LlamaModel
from edgelingua.kv.policies import POLICIES, Streaming
from edgelingua.models import registry

FACTS = 3
TURNS = (10, 25, 50)
REPLY = 16
SYSTEM = "You are a friendly assistant. Answer in one short sentence."

_TOPICS = [
    *["bread", "cheese", "rain", "snow", "trains", "bicycles", "mountains", "rivers"],
    *["chess", "football", "gardens", "bees", "coffee", "tea", "novels", "poems"],
    *["museums", "ships", "stars", "maps", "bridges", "castles", "candles", "shoes"],
]
_REMARKS = ("Tell me something about {}.", "What do people like about {}?")


def main() -> None:
    """Measure what the file does not have yet."""
    options = parser(__doc__, "recall")
    options.add_argument("--caps", type=int, nargs="+", default=[512])
    options.add_argument("--names", nargs="+", help="only these variants")
    options.add_argument("--seeds", type=int, nargs="+", default=list(range(8)))
    arguments = options.parse_args()
    if not arguments.tables:
        reader = LlamaModel(registry.find_reader(arguments.reader), threads=arguments.threads)
        work_off(jobs(reader, arguments), arguments, setting(reader))
    if not arguments.shard:
        write(arguments.results)


def jobs(reader: LlamaModel, arguments: argparse.Namespace) -> Iterator[Job]:
    """All rows, seed by seed."""
    for seed in arguments.seeds:
        for variant in chosen(variants(arguments.caps), arguments.names):
            key = {**weights(reader), "seed": seed, "name": variant.name, "cap": variant.cap}
            yield key, partial(measure, reader, variant, seed)


def variants(caps: list[int]) -> list[Variant]:
    """The full cache, and all policies but the compressor."""
    names = tuple(name for name in POLICIES if name != "compressor")
    made = [Variant("full cache", 0, Streaming())]
    for cap in caps:
        made += policies(cap, names)
    return made


def script(seed: int) -> tuple[list[Told], list[str]]:
    """What is told, and what the user says turn by turn."""
    draw = random.Random(seed)
    told = facts(draw, FACTS)
    talk = [remark.format(topic) for remark in _REMARKS for topic in _TOPICS]
    draw.shuffle(talk)
    said = [f"Remember this: {fact.sentence}" for fact in told] + talk
    return told, said[: TURNS[-1]]


def measure(reader: LlamaModel, variant: Variant, seed: int) -> Row:
    """Run one chat, and ask for the facts on the way."""
    cap = variant.cells(reader) or reader.trained_length
    session = reader.session(cap, variant.policy, cache=variant.cache)
    chat = Chat(reader, session, SYSTEM)
    told, said = script(seed)
    answers = []
    for turn, words in enumerate(said, start=1):
        chat.say(words, limit=REPLY)
        if turn in TURNS:
            answers += [{"turn": turn, **_asked(chat, fact)} for fact in told]
    statistics = chat.session.statistics
    return {"peak": statistics.peak, "evicted": statistics.evicted, "answers": answers}


def _asked(chat: Chat, fact: Told) -> Row:
    """Ask a fork for a fact: whether the rest of the answer is the likeliest, and its nats."""
    fork, reader = chat.fork(), chat.reader
    fork.say(fact.ask, limit=0)
    cue, value = reader.tokenize(fact.cue), reader.tokenize(fact.value)
    logits = judged(fork.session, np.concatenate([cue, value]))[len(cue) - 1 : -1]
    return {
        "ask": fact.ask,
        "nats": round(float(losses(logits, value).sum()), 3),
        "right": bool((logits.argmax(axis=1) == value).all()),
    }


def write(results: Path) -> None:
    """Write ``.md`` beside the rows."""
    results.with_suffix(".md").write_text(table(read_rows(results)), encoding="utf-8")


def table(rows: list[dict[str, Any]]) -> str:
    """Right answers and mean nats, per policy and turn."""
    out = [
        "| policy | cap | " + " | ".join(f"turn {turn}" for turn in TURNS) + " |",
        "|---|---|" + "---|" * len(TURNS),
    ]
    for name, cap in dict.fromkeys((row["name"], row["cap"]) for row in rows):
        mine = [row for row in rows if (row["name"], row["cap"]) == (name, cap)]
        cells = []
        for turn in TURNS:
            found = [a for row in mine for a in row["answers"] if a["turn"] == turn]
            right = sum(answer["right"] for answer in found)
            cells.append(f"{right} of {len(found)}, {mean(a['nats'] for a in found):.2f} nats")
        out.append(f"| {name} | {cap or '-'} | " + " | ".join(cells) + " |")
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    main()
