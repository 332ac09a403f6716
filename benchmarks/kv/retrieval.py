"""Facts found again in a text longer than the cap, by depth; questions known before, or not.

    OPENBLAS_NUM_THREADS=1 python -m benchmarks.kv.retrieval --data DIR

Made-up sentences and key-value lines stand among about 1,900 tokens of a novel. Each variant reads
the text once and is forked for each question. Questions that are "known" stand before the text,
pinned, five at a time, so that a text is read twice for its ten. In any case a question stands,
pinned, behind the text with the beginning of its answer. Counted: whether each token of the rest of
the answer is the likeliest one (what greedy decoding gets right), and the nats they cost.
"truncation" reads the last tokens that fit, from nothing. "q8_0" has as many cells as take the
bytes of ``cap`` cells in f16. The compressor's importance comes from a classifier bundle, told the
questions if known.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.kv.common import (
    Job,
    Variant,
    book,
    bundle_of,
    chosen,
    importance,
    judged,
    losses,
    parser,
    policies,
    setting,
    weights,
    work_off,
)
from benchmarks.kv.retrieval_tables import write
from benchmarks.kv.tasks import Haystack, Question, body, haystack, prose
from numpy.typing import NDArray

from edgelingua import LlamaModel
from edgelingua.kv.policies import Streaming
from edgelingua.models import registry

CHARACTERS = 7600
ASIDE = 48
"""Cells that truncation leaves to a question and its answer."""


@dataclass(frozen=True)
class Reading:
    """A text to read, with what stands pinned before it; empty if the questions are not known."""

    reader: LlamaModel
    bundle: Path
    text: str
    asks: tuple[str, ...]

    @cached_property
    def preface(self) -> NDArray[np.int32]:
        """Tokens before the text."""
        known = "".join(f"{ask}\n" for ask in self.asks)
        head = f"Questions:\n{known}\nText:\n" if self.asks else "Text:\n"
        return self.reader.tokenize(head, begin=True)

    @cached_property
    def tokens(self) -> NDArray[np.int32]:
        """Tokens of the text."""
        return self.reader.tokenize(self.text)

    @cached_property
    def importance(self) -> NDArray[np.float32]:
        """What the compressor makes of each token of the text."""
        found = importance(self.reader, self.bundle, self.text, " ".join(self.asks))
        return found[: len(self.tokens)]


def main() -> None:
    """Measure what the file does not have yet."""
    options = parser(__doc__, "retrieval")
    options.add_argument("--book", default="sherlock_holmes")
    options.add_argument("--caps", type=int, nargs="+", default=[256, 512, 1024])
    options.add_argument("--texts", type=int, nargs="+", default=list(range(6)))
    options.add_argument("--known", type=int, nargs="+", default=[0, 1], help="0: unknown")
    options.add_argument("--names", nargs="+", help="only these variants")
    arguments = options.parse_args()
    if not arguments.tables:
        reader = LlamaModel(registry.find_reader(arguments.reader), threads=arguments.threads)
        work_off(jobs(reader, arguments), arguments, setting(reader, bundle_of(arguments)))
    if not arguments.shard:
        write(arguments.results)


def jobs(reader: LlamaModel, arguments: argparse.Namespace) -> Iterator[Job]:
    """All rows, text by text: the questions not known, then one half of them, then the other."""
    novel, bundle = body(book(arguments.data, arguments.book)), bundle_of(arguments)
    for number in arguments.texts:
        stack = haystack(prose(novel, 20_000 * (number + 1), CHARACTERS), number)
        for known in map(bool, arguments.known):
            for part in (0, 1) if known else (0,):
                questions = half(stack, part) if known else stack.questions
                asks = tuple(question.ask for question in questions) if known else ()
                reading = Reading(reader, bundle, stack.text, asks)
                for variant in chosen(variants(arguments.caps), arguments.names):
                    key = {
                        **weights(reader, bundle if variant.compresses else None),
                        "book": arguments.book,
                        "text": number,
                        "known": known,
                        "part": part,
                        "name": variant.name,
                        "cap": variant.cap,
                    }
                    yield key, partial(measure, reading, variant, questions)


def half(stack: Haystack, part: int) -> tuple[Question, ...]:
    """Five of the ten questions, or the other five."""
    by_depth = sorted(stack.questions, key=lambda question: question.depth)
    pattern = ((0, 3, 4, 7, 8), (1, 2, 5, 6, 9))[part]
    return tuple(by_depth[at] for at in pattern)


def variants(caps: list[int]) -> list[Variant]:
    """The full cache, and all that live under the caps."""
    made = [Variant("full cache", 0, Streaming())]
    for cap in caps:
        made += [Variant("truncation", cap, Streaming()), *policies(cap)]
    return made


def measure(reading: Reading, variant: Variant, questions: tuple[Question, ...]) -> dict[str, Any]:
    """Read the text once, ask every question of a fork."""
    reader, preface, tokens = reading.reader, reading.preface, reading.tokens
    hints = np.full(len(tokens), np.nan, dtype=np.float32)
    if variant.compresses:
        hints = reading.importance
    if variant.name == "truncation":
        tokens = tokens[-(variant.cells(reader) - len(preface) - ASIDE) :]
        hints = hints[-len(tokens) :]
    cap = variant.cells(reader) or len(preface) + len(tokens) + 2 * ASIDE
    session = reader.session(cap, variant.policy, cache=variant.cache)
    session.feed(preface, bool(reading.asks))
    session.feed(tokens, importance=hints)
    answers = []
    for question in questions:
        fork = session.fork()
        fork.feed(reader.tokenize(f"\n\nQuestion: {question.ask}\nAnswer:"), True)
        cue, value = reader.tokenize(f" {question.cue}"), reader.tokenize(question.value)
        logits = judged(fork, np.concatenate([cue, value]))[len(cue) - 1 : -1]
        right = bool((logits.argmax(axis=1) == value).all())
        nats = round(float(losses(logits, value).sum()), 3)
        answers.append(
            {"kind": question.kind, "depth": question.depth, "nats": nats, "right": right}
        )
    return {"tokens": len(tokens), "evicted": session.statistics.evicted, "answers": answers}


if __name__ == "__main__":
    main()
