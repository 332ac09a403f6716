"""Tables of Markdown, and what stands in their cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

Row = dict[str, Any]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Make a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(each)} |\n" for each in lines)


def _all_rates(rows: Sequence[Row]) -> list[float]:
    return sorted({row["rate"] for row in rows}, reverse=True)


def rates(rows: Sequence[Row]) -> str:
    """Rates of the rows, from the highest."""
    return " / ".join(map(str, _all_rates(rows)))


def shares(rows: Sequence[Row], part: str, whole: str) -> str:
    """Share in per cent, rate by rate."""
    groups = [[row for row in rows if row["rate"] == rate] for rate in _all_rates(rows)]
    return " / ".join(percent(total(group, part), total(group, whole)) for group in groups)


def means(rows: Sequence[Row], name: str) -> str:
    """Mean of what is a mean over texts in each row, in per cent, rate by rate."""
    weighted = [{**row, "part": row[name] * row["texts"]} for row in rows]
    return shares(weighted, "part", "texts")


def total(rows: Sequence[Row], name: str) -> float:
    """Sum of a column."""
    return float(sum(row[name] for row in rows))


def most(rows: Sequence[Row]) -> str:
    """How many texts the rows are of."""
    return str(max((row["texts"] for row in rows), default=0))


def percent(part: float, whole: float) -> str:
    """Share in per cent; neither 0 nor 100 where it is not."""
    if not whole:
        return "–"
    share = 100 * part / whole
    if 0 < share < 0.5:
        return "<1"
    return ">99" if 99.5 <= share < 100 else f"{share:.0f}"
