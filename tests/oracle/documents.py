"""The coarse steps of llmlingua 0.2.2: which documents, then which sentences, may stay."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from edgelingua.compressors.parts.documents import arranged
from edgelingua.errors import InputError
from tests.oracle.options import OracleOptions, Segment

_OPERATIONS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}


@dataclass(frozen=True)
class Documents:
    """Documents chosen: their indices in the order they are to appear, and each one's share.

    ``deltas`` are added to the rate of a document's tokens.
    """

    indices: list[int]
    deltas: list[float]


def choose_documents(
    order: Sequence[int], sizes: Sequence[int], target: float, options: OracleOptions
) -> Documents:
    """Take documents in rank order until the budget is exceeded.

    What is forced to stay does not count. The reference looks at ``force_context_number`` before
    any document is in: only 0, or less, has an effect, and takes one document.

    Parameters
    ----------
    order, sizes
        Indices in rank order; tokens per document.
    target
        Tokens that may stay.
    options
        The call's.

    Raises
    ------
    InputError
        ``context_budget`` is no arithmetic.
    """
    room = with_context_budget(target if target >= 0 else 100, options.context_budget)
    used = list(options.force_context_ids)
    if options.segments is not None and options.strict_preserve_uncompressed:
        kept = [i for i, parts in enumerate(options.segments) if not all(p[2] for p in parts)]
        used += [index for index in kept if index not in used]
    only_one = options.force_context_number is not None and options.force_context_number <= 0
    for index in order:
        room -= sizes[index]
        if index not in used:
            used.append(index)
        if room < 0 or only_one:
            break
    shares = dict(zip(used, _shares(len(used), options), strict=True))
    used = arranged(used, options.reorder_context)
    return Documents(used, [shares[index] for index in used])


def _shares(count: int, options: OracleOptions) -> list[float]:
    """Return shares in rank order: as much more for the best as less for the worst."""
    spread = options.dynamic_context_compression_ratio
    if spread <= 0 or count < 2:
        return [0.0] * count
    return [step * (abs(spread) / (count - 1)) for step in range(count - 1, -count, -2)]


def with_context_budget(target: float, budget: str) -> float:
    """Return what the reference has Python evaluate: the target, then the budget, "+100" say.

    Raises
    ------
    InputError
        It is anything but numbers and + - * / // %.
    """
    try:
        return _value(ast.parse(f"target{budget}", mode="eval").body, target)
    except (SyntaxError, ValueError, ZeroDivisionError):
        raise InputError(
            f"context_budget: expected arithmetic to go on with, like '+100' or '*1.5', "
            f"got {budget!r:.60}"
        ) from None


def _value(node: ast.expr, target: float) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return node.value
    if isinstance(node, ast.Name) and node.id == "target":
        return target
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.UAdd, ast.USub)):
        value = _value(node.operand, target)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        left, right = _value(node.left, target), _value(node.right, target)
        return _OPERATIONS[type(node.op)](left, right)
    raise ValueError("not arithmetic")


Extent = tuple[int, float, bool]
"""A stretch of a document: its characters, the rate of it to keep, whether it is compressed."""


def extents(parts: Sequence[Segment]) -> list[Extent]:
    """Stretches of a document's tagged parts."""
    return [(len(text), rate, wanted) for text, rate, wanted in parts]


def merged(stretches: Sequence[Extent]) -> list[Extent]:
    """Join neighbours with the same rate and the same fate."""
    joined: list[Extent] = []
    for length, rate, wanted in stretches:
        if joined and joined[-1][1:] == (rate, wanted):
            length += joined.pop()[0]  # noqa: PLW2901
        joined.append((length, rate, wanted))
    return joined
