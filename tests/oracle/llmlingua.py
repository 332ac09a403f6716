"""LLMLingua and LongLLMLingua as llmlingua 0.2.2 computes them, oddities included.

Documents, then sentences, then tokens: Jiang et al. 2023, arXiv:2310.05736 and arXiv:2310.06839.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgelingua.compat.result import summary
from edgelingua.errors import InputError
from tests.oracle.documents import Extent, choose_documents, extents, merged
from tests.oracle.engine import Engine
from tests.oracle.iterative import LoopOptions, Pruned, prune
from tests.oracle.losses import TextLosses
from tests.oracle.options import OracleOptions, Segment
from tests.oracle.ranking import rank
from tests.oracle.sentence_filter import filter_sentences
from tests.oracle.tokenizer import ReferenceTokenizer
from tests.oracle.windows import Window, plan, structured_plan

_PREFIX_HEAD = 100
"""Tokens that stay of the front of a question too long for the model."""


def compress(engine: Engine, context: Sequence[str], options: OracleOptions) -> dict[str, Any]:
    """Compress contexts with a causal LM.

    Raises
    ------
    InputError
        The reference fails on this input too: see the message.
    """
    everything = [options.instruction, *context, options.question]
    tokens_in = engine.count("\n\n".join(everything).strip())
    middle = Compression(engine, options).text(context)
    parts = [options.instruction] if options.instruction else []
    if middle.strip():
        parts.append(middle)
    if options.question and options.concate_question:
        parts.append(options.question)
    prompt = "\n\n".join(parts)
    return summary(prompt, tokens_in, engine.count(prompt))


def target(engine: Engine, options: OracleOptions, size: int) -> float:
    """Return the tokens that may stay of contexts of ``size`` tokens."""
    instruction, question = (
        len(engine.tokenizer.ids(text, special=True))
        for text in (options.instruction, options.question)
    )
    allowed = (instruction + question + size) * options.rate - instruction
    return allowed - (question if options.concate_question else 0)


@dataclass(frozen=True)
class _Chosen:
    """Documents on their way through the steps; ``stretches`` is empty where there are no tags."""

    texts: list[str]
    deltas: list[float]
    parts: Sequence[Sequence[Segment]] | None
    stretches: list[list[Extent]]


class Compression:
    """One call of `compress`, step by step.

    After `text`, ``documents`` are the indices of the documents used (``None``: all), ``filtered``
    what the sentence filter left of them, and ``pruned`` what the token loop did.
    """

    def __init__(self, engine: Engine, options: OracleOptions) -> None:
        self._engine = engine
        self._losses = TextLosses(engine)
        self._options = options
        self._condition, self._prefixed = _condition(options)
        self.documents: list[int] | None = None
        self.filtered: list[str] | None = None
        self.pruned: Pruned | None = None

    def text(self, context: Sequence[str]) -> str:
        """Return what is left of the contexts, joined."""
        sizes = [self._losses.size(text) for text in context]
        allowed = self._options.target_token
        if allowed == -1:
            allowed = target(self._engine, self._options, sum(sizes))
        chosen = self._choose(context, sizes, allowed)
        if self._options.use_sentence_level_filter:
            self.filtered, stretches = filter_sentences(
                self._losses, chosen.texts, chosen.parts, allowed, self._condition, self._options
            )
        else:
            self.filtered = chosen.texts
            stretches = [extents(own) for own in chosen.parts or ()]
        stretches = [merged(own) for own in stretches]
        if not self._options.use_token_level_filter:
            return "\n\n".join(self.filtered)
        prefix, start = self._prefix(self.filtered)
        ids = self._losses.tokenizer.ids("\n\n".join([*prefix, *self.filtered]))
        windows = self._windows(_Chosen(self.filtered, chosen.deltas, None, stretches),
                                ids[start:], allowed, start)  # fmt: skip
        self.pruned = prune(
            self._losses,
            np.asarray(ids, dtype=np.int64),
            windows,
            LoopOptions(
                self._options.iterative_size,
                start,
                self._options.condition_compare,
                self._options.keep_split,
            ),
        )
        left = self._losses.tokenizer.decode(self.pruned.ids.tolist())
        return left.replace("<s> ", "").replace("<s>", "")

    def _choose(self, context: Sequence[str], sizes: Sequence[int], allowed: float) -> _Chosen:
        options = self._options
        if len(context) < 2 or not options.use_context_level_filter:
            return _Chosen(list(context), [0.0] * len(context), options.segments, [])
        order = rank(self._losses, context, options.question, options.rank_method, self._condition)
        found = choose_documents(order, sizes, allowed, options)
        self.documents = found.indices
        # The reference passes over what is too high; a negative index counts from the end.
        valid = [index for index in found.indices if index < len(context)]
        if min(valid) < -len(context):
            raise InputError(f"force_context_ids: {min(valid)}, there are {len(context)} contexts")
        parts = options.segments
        if parts is not None:
            parts = tuple(parts[index] for index in valid)
        return _Chosen([context[index] for index in valid], found.deltas, parts, [])

    def _prefix(self, context: Sequence[str]) -> tuple[list[str], int]:
        """Return the question as a context in front, and where in the tokens it ends.

        Nothing where tokens are not judged behind it.
        """
        if not self._prefixed:
            return [], 0
        prefix = self._options.question
        if self._options.add_instruction:
            prefix += "\n\n" + self._options.instruction
        room = 2 * self._options.iterative_size
        tokenizer, longest = self._losses.tokenizer, self._losses.longest
        if self._losses.size(prefix + "\n\n") + room > longest:
            ids = tokenizer.ids(prefix)
            tail = len(ids) - longest + 2 + _PREFIX_HEAD + room
            prefix = tokenizer.decode(ids[:_PREFIX_HEAD] + ids[tail:])
        return [prefix], _prefix_length(tokenizer, prefix + "\n\n", context[0])

    def _windows(
        self, chosen: _Chosen, ids: Sequence[int], allowed: float, start: int
    ) -> list[Window]:
        tokenizer, window = self._losses.tokenizer, self._options.iterative_size
        if chosen.stretches:
            return structured_plan(tokenizer, ids, chosen.texts, chosen.stretches, window)
        sizes = [len(tokenizer.ids(text)) + 2 for text in chosen.texts]
        return plan(sizes, chosen.deltas, allowed, window)


def _condition(options: OracleOptions) -> tuple[str, bool]:
    """Return where the question stands in ranking, and if tokens are judged behind it."""
    where = options.condition_in_question
    if options.condition_compare and "_condition" not in where:
        where += "_condition"
    if options.rank_method == "longllmlingua" and where == "none":
        where = "after"
    elif options.rank_method == "llmlingua":
        where = "none_condition" if "_condition" in where else "none"
    return where.removesuffix("_condition"), where.endswith("_condition")


def _prefix_length(tokenizer: ReferenceTokenizer, prefix: str, text: str) -> int:
    """Return how many tokens of prefix and text together are the prefix's.

    Raises
    ------
    InputError
        A token spans the border.
    """
    text = text[:100]
    ids = tokenizer.ids(prefix + text)
    first = max(len(tokenizer.ids(prefix)) - 3, 1)
    heads = [tokenizer.decode(ids[:end]) for end in range(first, len(ids))]
    at = next((first + n for n, head in enumerate(heads) if head == prefix), None)
    if at is None:
        at = len(ids) - 1
    if at < first or tokenizer.decode(ids[at:]) != text:
        raise InputError(
            "no border between the tokens of the question and those of the text behind it; "
            "llmlingua 0.2.2 fails here too"
        )
    return at
