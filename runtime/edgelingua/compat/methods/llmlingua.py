"""LLMLingua and LongLLMLingua behind the reference's interface, and prompts with tags."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from edgelingua.budget import Budget
from edgelingua.compat import effects
from edgelingua.compat.checks import check_range, check_rate
from edgelingua.compat.methods.documents import extra_of, order_of, whole_documents
from edgelingua.compat.methods.parts import (
    check_target,
    compressible,
    within,
)
from edgelingua.compat.methods.pruners import coarse_to_fine, token_pruner
from edgelingua.compat.options import CompressOptions, Engine
from edgelingua.compat.result import summary
from edgelingua.compat.tags import Part
from edgelingua.compressors import Compressor
from edgelingua.errors import InputError
from edgelingua.prompt import SEPARATOR, Prompt, Ranges, Role, Segment
from edgelingua.scorers import ClassifierScorer
from edgelingua.text.boundaries import sentences


def compress(
    engine: Engine,
    contexts: Sequence[Sequence[Part]],
    options: CompressOptions,
    given: frozenset[str],
) -> dict[str, Any]:
    """Compress contexts, given in parts; ``given``: see `effects.given`."""
    tagged = any(part.rate or not part.compress for parts in contexts for part in parts)
    texts = ["".join(part.text for part in parts) for parts in contexts]
    if not tagged:  # tags that say nothing: a context is one again, and can be ranked as one
        pairs = zip(texts, contexts, strict=True)
        contexts = [[Part(text)] if parts else [] for text, parts in pairs]
    kind = _kind(engine, options, len(contexts), tagged=tagged)
    _check(options, len(contexts), tagged=tagged)
    effects.warn(kind, given, options)

    segments = _segments(contexts, options, tagged=tagged)
    before = "".join(segment.text for segment in segments)
    tokens_in = engine.count(before)
    tokens = tokens_in  # where the rates of the parts decide
    if options.target_token > 0:
        tokens = math.floor(options.target_token)
    elif not tagged:
        tokens = math.floor(options.rate * tokens_in)
    hidden = SEPARATOR + options.question if segments and options.question else options.question
    if options.concate_question:
        hidden = ""
    if kind == "unchanged" or not compressible(segments):
        text = before
    elif kind == "documents":
        text, hidden = whole_documents(engine, texts, options, max(1, tokens)), ""
    else:
        compressor: Compressor
        if isinstance(engine.scorer, ClassifierScorer):
            compressor = token_pruner(engine, [] if tagged else texts, options)
            if kind == "structured llmlingua2" and not options.filters_text:
                tokens = tokens_in  # whole contexts, a share of them
        else:
            compressor = coarse_to_fine(engine, options, [] if tagged else texts)
        budget = Budget(
            tokens=max(1, tokens + engine.count(hidden)), count=engine.count, strict=True
        )
        text = within(compressor, Prompt(tuple(segments)), budget).text
    text = text.removesuffix(hidden)
    return summary(text, tokens_in, engine.count(text))


def _kind(engine: Engine, options: CompressOptions, contexts: int, *, tagged: bool) -> effects.Kind:
    choice = options.use_context_level_filter and contexts > 1 and not tagged
    if not (options.filters_text or choice):
        return "unchanged"
    if isinstance(engine.scorer, ClassifierScorer):
        return "tagged llmlingua2" if tagged else "structured llmlingua2"
    if tagged:
        return "tagged"
    return "llmlingua" if options.filters_text else "documents"


def _check(options: CompressOptions, contexts: int, *, tagged: bool) -> None:
    check_target(options.target_token)
    if options.target_token < 0:
        check_rate("rate", options.rate)
    check_range(options.force_context_ids, contexts)
    order_of(options.reorder_context)
    if not tagged:
        extra_of(options.context_budget)
    if options.token_budget_ratio <= 0 or options.dynamic_context_compression_ratio < 0:
        raise InputError(
            "expected token_budget_ratio above 0 and dynamic_context_compression_ratio not below, "
            f"got {options.token_budget_ratio} and {options.dynamic_context_compression_ratio}"
        )


def _segments(
    contexts: Sequence[Sequence[Part]], options: CompressOptions, *, tagged: bool
) -> list[Segment]:
    segments: list[Segment] = []

    def add(piece: str, role: Role) -> None:
        if piece and segments:
            segments.append(Segment(SEPARATOR, "instruction"))
        if piece:
            segments.append(Segment(piece, role, compress=False))

    add(options.instruction, "instruction")
    for parts in contexts:
        if segments and parts:
            whole = tagged or segments[-1].role == "instruction"
            segments.append(Segment(SEPARATOR, "instruction" if whole else "separator", False))
        for part in parts:
            # In a tagged prompt what has no rate of its own has that of the whole.
            rate = part.rate or (options.rate if tagged and options.target_token <= 0 else None)
            rate = rate if part.compress else None
            pins = _pins(part.text, options)
            segments.append(Segment(part.text, "context", part.compress, pinned=pins, rate=rate))
    add(options.question, "question")
    return segments


def _pins(text: str, options: CompressOptions) -> Ranges:
    """Ranges of the first and last sentences, and of the blank lines, that are to be kept."""
    first, last = options.keep_first_sentence, options.keep_last_sentence
    spans = [(int(a), int(b)) for a, b in sentences(text).tolist() if text[a:b].strip()]
    pins = spans[:first] + (spans[-last:] if last > 0 else [])
    if options.keep_split:
        pins += [match.span() for match in re.finditer(r"\n\n", text)]
    return tuple(pins)
