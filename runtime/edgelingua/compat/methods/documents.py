"""Whole documents, best first: the context filter by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np

from edgelingua.compat.methods.parts import worth
from edgelingua.compat.options import CompressOptions, Engine
from edgelingua.compressors.parts.document_filter import Order
from edgelingua.compressors.parts.documents import arranged
from edgelingua.errors import InputError
from edgelingua.prompt import SEPARATOR
from edgelingua.system.caller import warn_caller

_BUDGET = re.compile(r"\s*([+-])\s*(\d+(?:\.\d+)?)\s*")


def order_of(reorder: str) -> Order:
    """Return the order that ``reorder_context`` names.

    Raises
    ------
    InputError
        It names none.
    """
    names: dict[str, Order] = {
        "original": "original", "two_stage": "two_stage", "rank": "rank", "sort": "rank",
    }  # fmt: skip
    if reorder not in names:
        raise InputError(f"reorder_context: expected one of {', '.join(names)}, got {reorder!r}")
    return names[reorder]


def extra_of(context_budget: str) -> float:
    """Return the tokens of contexts beyond the budget that ``context_budget`` names.

    Raises
    ------
    InputError
        It is neither ``+N`` nor ``-N``.
    """
    match = _BUDGET.fullmatch(context_budget)
    if not match:
        raise InputError(
            f"context_budget: expected +N or -N tokens, as in +100, got {context_budget!r:.60}"
        )
    number = float(match[2])
    return number if match[1] == "+" else -number


def whole_documents(
    engine: Engine, texts: Sequence[str], options: CompressOptions, tokens: int
) -> str:
    """Return instruction, the best contexts that fit and question: at most ``tokens`` tokens.

    A context too long for what room is left is passed over. Those that are forced stay in any case,
    with a warning where they do not fit; another one says that no context does.
    """
    question = options.question if options.concate_question else ""

    def laid_out(numbers: Iterable[int]) -> str:
        pieces = [options.instruction, *(texts[number] for number in numbers), question]
        return SEPARATOR.join(piece for piece in pieces if piece)

    asked = options.question if options.rank_method != "llmlingua" else ""
    values = worth(engine, texts, options.rank_method, asked)
    ranking = [n for n in np.argsort(-values, kind="stable").tolist() if texts[n].strip()]
    kept = {number for number in options.force_context_ids if texts[number].strip()}
    most = len(texts) if options.force_context_number is None else options.force_context_number
    taken = 0
    for number in ranking:
        if number not in kept and taken < most:
            fits = engine.count(laid_out(sorted({*kept, number}))) <= tokens
            kept |= {number} if fits else set()
            taken += fits
    if not kept:
        warn_caller(f"no context fits whole into the {tokens} tokens: none is left")
    chosen = [number for number in ranking if number in kept]
    text = laid_out(arranged(chosen, order_of(options.reorder_context)))
    if kept and engine.count(text) > tokens:
        warn_caller(
            f"what must stay has {engine.count(text)} tokens, the budget {tokens}; kept all the "
            "same"
        )
    return text
