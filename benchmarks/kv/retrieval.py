"""Facts found again in a text longer than the cap, by depth; questions known before, or not.

    OPENBLAS_NUM_THREADS=1 python -m benchmarks.kv.retrieval --data DIR --bundle CLASSIFIER

Made-up sentences and key-value lines stand among about 1,900 tokens of a novel. Each variant reads
the text once and is forked for each question. A question that is "known" stands before the text,
pinned, with four others; in any case it stands, pinned, behind the text with the beginning of its
answer. Counted: whether each token of the rest of the answer is the likeliest one (what greedy
decoding gets right), and the nats they cost. "truncation" reads the last tokens that fit, from
nothing. "q8_0" has as many cells as take the bytes of ``cap`` cells in f16. The compressor's
importance comes from a classifier bundle, told the questions if known.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.kv.common import (
    RECENT,
    Log,
    Variant,
    book,
    chosen,
    chunked,
    judged,
    losses,
    parser,
    policies,
    setting,
)
from benchmarks.kv.retrieval_tables import write
from benchmarks.kv.tasks import Haystack, Question, body, haystack, prose
from numpy.typing import NDArray

from edgelingua import Budget, LlamaModel, Prompt, load_compressor, models
from edgelingua.kv.options import CacheOptions
from edgelingua.kv.policies import Chunked, KNorm, Streaming
from edgelingua.ort import RunOptions
from edgelingua.planning import token_importance

CHARACTERS = 7600
ASIDE = 48
"""Cells that truncation leaves to a question and its answer."""


@dataclass(frozen=True)
class Reading:
    """A text to read, with what stands pinned before it; empty if the questions are not known."""

    reader: LlamaModel
    bundle: Path | None
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
        compressor = load_compressor(
            "llmlingua2", self.bundle, count=self.reader.count, options=RunOptions(threads=1)
        )
        prompt = Prompt.build(self.text, question=" ".join(self.asks))
        compressed = compressor.compress(prompt, Budget(rate=1.0))
        pieces = self.reader.pieces(self.reader.tokenize(compressed.text))
        return token_importance(compressed, pieces)[: len(self.tokens)]


def main() -> None:
    """Measure what the file does not have yet."""
    options = parser(__doc__, "retrieval")
    options.add_argument("--bundle", type=Path, help="for the compressor policy; shipped: mini")
    options.add_argument("--book", default="sherlock_holmes")
    options.add_argument("--caps", type=int, nargs="+", default=[256, 512, 1024])
    options.add_argument("--texts", type=int, nargs="+", default=[0, 1])
    options.add_argument("--known", type=int, nargs="+", default=[0, 1], help="0: unknown")
    options.add_argument("--names", nargs="+", help="only these variants")
    arguments = options.parse_args()
    if not arguments.tables:
        reader = LlamaModel(models.find_reader(arguments.reader), threads=arguments.threads)
        log = Log(arguments.results, setting(reader))
        novel = body(book(arguments.data, arguments.book))
        for number in arguments.texts:
            stack = haystack(prose(novel, 20_000 * (number + 1), CHARACTERS), number)
            for known in map(bool, arguments.known):
                questions = half(stack, number) if known else stack.questions
                asks = tuple(question.ask for question in questions) if known else ()
                reading = Reading(reader, arguments.bundle, stack.text, asks)
                for variant in chosen(variants(arguments.caps), arguments.names):
                    key = {"text": number, "known": known, "name": variant.name, "cap": variant.cap}
                    if not log.has(**key):
                        log.add({**key, **measure(reading, variant, questions)})
    write(arguments.results)


def half(stack: Haystack, number: int) -> tuple[Question, ...]:
    """Five of the ten questions, the other five in the next text."""
    by_depth = sorted(stack.questions, key=lambda question: question.depth)
    pattern = (0, 3, 4, 7, 8) if number % 2 == 0 else (1, 2, 5, 6, 9)
    return tuple(by_depth[at] for at in pattern)


def variants(caps: list[int]) -> list[Variant]:
    """The full cache, and all that live under the caps."""
    made = [Variant("full cache", 0, Streaming())]
    cache = CacheOptions(keys="q8_0", values="q8_0")
    for cap in caps:
        made += [Variant("truncation", cap, Streaming()), *policies(cap), *chunked(cap)]
        rounded = Variant(f"{RECENT}, chunks, q8_0", cap, Chunked(KNorm(recent=cap // 4)), cache)
        made.append(rounded)
    return made


def measure(reading: Reading, variant: Variant, questions: tuple[Question, ...]) -> dict[str, Any]:
    """Read the text once, ask every question of a fork."""
    reader, preface, tokens = reading.reader, reading.preface, reading.tokens
    importance = np.full(len(tokens), np.nan, dtype=np.float32)
    if variant.name.startswith("compressor"):
        importance = reading.importance
    if variant.name == "truncation":
        tokens = tokens[-(variant.cells(reader) - len(preface) - ASIDE) :]
        importance = importance[-len(tokens) :]
    cap = variant.cells(reader) or len(preface) + len(tokens) + 2 * ASIDE
    session = reader.session(cap, variant.policy, cache=variant.cache)
    session.feed(preface, bool(reading.asks))
    session.feed(tokens, importance=importance)
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
