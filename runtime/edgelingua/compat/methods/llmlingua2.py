"""LLMLingua-2 behind the reference's interface: whole words, exact budgets, forced text kept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from edgelingua.budget import Budget
from edgelingua.compat import effects
from edgelingua.compat.checks import check_range, check_rate
from edgelingua.compat.methods.classifier import pruner_of
from edgelingua.compat.methods.parts import (
    check_target,
    compressible,
    context_rate,
    forced_ranges,
    solid_numbers,
    within,
)
from edgelingua.compat.options import Engine, Llmlingua2Options
from edgelingua.compat.result import summary, with_list
from edgelingua.compressed import Compressed, Reason
from edgelingua.compressors.llmlingua2 import RULES
from edgelingua.errors import InputError
from edgelingua.prompt import SEPARATOR, Prompt, Segment


def compress(
    engine: Engine, context: Sequence[str], options: Llmlingua2Options, given: frozenset[str]
) -> dict[str, Any]:
    """Compress contexts with a token classifier; ``given``: see `effects.given`."""
    _check(engine, context, options)
    effects.warn("llmlingua2", given)
    segments: list[Segment] = []
    for text in context:
        if segments:
            segments.append(Segment(SEPARATOR, "separator", compress=False))
        pins = forced_ranges(text, options.force_tokens, digits=options.force_reserve_digit)
        segments.append(Segment(text, pinned=pins))
    tokens_in = sum(engine.count(text) for text in context)
    if not compressible(segments):
        blank = SEPARATOR.join(context)
        tokens = engine.count(blank)
        return with_list(summary(blank, tokens, tokens), list(context))
    prompt = Prompt(tuple(segments))
    tokens = engine.count(prompt.text)
    if options.use_token_level_filter:
        wanted = options.target_token
        tokens = math.floor(wanted if wanted > 0 else options.rate * tokens)
    marks = options.force_tokens if options.drop_consecutive else ()
    rules = replace(RULES, drop_consecutive=marks)
    compressor = replace(
        pruner_of(engine, rules, first=options.token_to_word == "first"),
        document_rate=context_rate(len(context), tokens_in, options),
        forced_documents=solid_numbers(context, options.force_context_ids),
    )
    compressed = within(
        compressor, prompt, Budget(tokens=max(1, tokens), count=engine.count, strict=True)
    )
    texts = [
        text
        for text, segment in zip(compressed.segment_texts(), segments, strict=True)
        if segment.role == "context" and text
    ]
    result = with_list(summary(compressed.text, tokens_in, compressed.tokens_out), texts)
    if options.return_word_label:
        result["fn_labeled_original_prompt"] = options.word_sep.join(
            f"{word}{options.label_sep}{label}" for word, label in _labels(compressed)
        )
    return result


def _check(engine: Engine, context: Sequence[str], options: Llmlingua2Options) -> None:
    if len(options.force_tokens) > engine.max_force_tokens:
        raise InputError(
            f"force_tokens: {len(options.force_tokens)}, more than the {engine.max_force_tokens} "
            "that max_force_token allows"
        )
    check_target(options.target_token)
    if options.target_token < 0:
        check_rate("rate", options.rate)
    check_rate("context_level_rate", options.context_level_rate)
    check_range(options.force_context_ids, len(context))


def _labels(compressed: Compressed) -> list[tuple[str, int]]:
    """Words and whether they were kept; one by one, as callers split them at the separators."""
    text = compressed.prompt.text
    return [
        (word, int(reason != Reason.DROPPED))
        for (start, end), reason in zip(
            compressed.units.tolist(), compressed.reasons.tolist(), strict=True
        )
        for word in text[start:end].split()
    ]
