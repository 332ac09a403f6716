"""Prompts with ``<llmlingua>`` tags, as llmlingua 0.2.2 reads them.

What the tags cannot express goes: text between two tagged parts, and a part with a "<" in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from edgelingua.compat.options import Llmlingua2Options
from edgelingua.errors import InputError
from edgelingua.scorers import ClassifierScorer
from tests.oracle import llmlingua, llmlingua2
from tests.oracle.engine import Engine
from tests.oracle.options import OracleOptions, Segment

OPEN, CLOSE = "<llmlingua", "</llmlingua>"
_RATE = r"(?:,\s*rate\s*=\s*([\d.]+))?"
_COMPRESS = r"(?:,\s*compress\s*=\s*(True|False))?"
_TAGGED = re.compile(rf"{OPEN}\s*" + rf"{_RATE}\s*{_COMPRESS}\s*" * 2 + rf">([^<]+){CLOSE}")


def compress(engine: Engine, context: Sequence[str], options: OracleOptions) -> dict[str, Any]:
    """Compress contexts whose tagged parts have rates of their own.

    With a classifier the tags are removed and otherwise ignored.

    Raises
    ------
    InputError
        A rate is no number or more than 1, or the prompt cannot be compressed.
    """
    tokenizer = engine.tokenizer
    # Through the tokenizer and back: what its normalizer changes is changed before anything else.
    context = [tokenizer.decode(tokenizer.ids(text)) for text in context]
    sizes = [len(tokenizer.ids(text, special=True)) for text in context]
    options = _with_target(engine, options, sum(sizes))
    segments = tuple(parse(text, options.rate) for text in context)
    texts = ["".join(part for part, _, _ in parts) for parts in segments]
    if isinstance(engine.scorer, ClassifierScorer):
        return llmlingua2.compress(
            engine,
            texts,
            Llmlingua2Options(
                rate=options.rate,
                target_token=options.target_token,
                use_context_level_filter=options.use_context_level_filter,
                use_token_level_filter=options.use_token_level_filter,
                force_context_ids=options.force_context_ids,
            ),
        )
    return llmlingua.compress(engine, texts, replace(options, segments=segments))


def parse(text: str, rate: float) -> tuple[Segment, ...]:
    """Return the tagged parts of a text; ``rate`` is that of parts which name none.

    Raises
    ------
    InputError
        A rate is no number or more than 1.
    """
    if not text.startswith(OPEN):
        text = f"{OPEN}>{text}"
    if not text.endswith(CLOSE):
        text += CLOSE
    segments: list[Segment] = []
    for rate_before, flag_before, rate_after, flag_after, part in _TAGGED.findall(text):
        wanted = (flag_before or flag_after or "True") == "True"
        try:
            own = float(rate_before or rate_after or 0)
        except ValueError:
            raise InputError(f"the rate of segment {len(segments) + 1} is not a number") from None
        # A rate of 0 is taken for none.
        own = own or (rate if wanted else 1.0)
        if own > 1:
            raise InputError(f"a segment's rate is the fraction to keep, at most 1; got {own}")
        segments.append((part, own, wanted))
    return tuple(segments)


def _with_target(engine: Engine, options: OracleOptions, size: int) -> OracleOptions:
    """Turn the rate into a target, or the target into a rate; tags count as tokens."""
    if options.target_token == -1:
        return replace(options, target_token=llmlingua.target(engine, options, size))
    if size == 0:
        raise InputError("a target for a prompt without tokens; in llmlingua 0.2.2 it fails too")
    return replace(options, rate=options.target_token / size)
