"""Tables of `benchmarks.faithfulness.crowding`."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.faithfulness.cells import Row, means, most, shares, table
from benchmarks.faithfulness.crowding import PLACES, STUFFED
from benchmarks.faithfulness.hostile import ATTACKS

BEFORE = "0.2.0"
"""Folder of the results with rows of an earlier version, made by these scripts in its checkout."""


def crowd(rows: Sequence[Row]) -> str:
    """What stays beside hostile documents."""
    measured = [("guard", False), ("guard", True), ("answer", True)]
    labels = ["guardrail, no question", "guardrail, question", "answer"]
    columns = [("", "hostile"), ("", "ordinary")]
    columns += [(BEFORE, "hostile")] if _made(rows, BEFORE) else []
    head = ["hostile document", "n"]
    head += [
        f"{label}: {f'{beside} {made}'.strip()}" for label in labels for made, beside in columns
    ]
    head.append("least, % of ordinary")
    kinds = [kind for kind in ATTACKS if any(row["attack"] == kind for row in rows)]
    lines = []
    for label, group in [*((kind, [kind]) for kind in kinds), ("**all**", kinds)]:
        chosen = [row for row in rows if row["attack"] in group]
        cells = []
        for what, asked in measured:
            for made, beside in columns:
                own = [row for row in _made(chosen, made) if row["question"] == asked]
                cells.append(means(own, f"{what}_{beside}"))
        least = min(_part(chosen, what, asked) for what, asked in measured)
        lines.append([label, most(chosen), *cells, f"{100 * least:.0f}"])
    return table(head, lines)


def _part(rows: Sequence[Row], what: str, asked: bool) -> float:
    """Give what stays beside hostile documents as a part of what stays beside ordinary ones.

    The least of all rates.
    """
    own = [row for row in _made(rows, "") if row["question"] == asked]
    pairs = [
        (
            sum(row[f"{what}_hostile"] for row in own if row["rate"] == rate),
            sum(row[f"{what}_ordinary"] for row in own if row["rate"] == rate),
        )
        for rate in {row["rate"] for row in own}
    ]
    parts = [float(hostile / max(ordinary, 1e-9)) for hostile, ordinary in pairs]
    return min(parts, default=1.0)


def inject(rows: Sequence[Row]) -> str:
    """What stays of hidden instructions."""
    lines = []
    for place in PLACES:
        chosen = [row for row in rows if row["place"] == place]
        cells = [
            means(_made(chosen, made), which)
            for made in _versions(rows)
            for which in ("injected", "around")
        ]
        lines.append([place, most(chosen), *cells])
    return table(_head("place", ["instruction", "prose"], rows), lines)


def stuff(rows: Sequence[Row]) -> str:
    """What happens beside documents full of what is protected."""
    lines = []
    for kind in STUFFED:
        chosen = [row for row in rows if row["stuffed"] == kind]
        cells = []
        for made in _versions(rows):
            own = _made(chosen, made)
            cells += [shares(own, "refused", "texts"), means(own, "guard")]
        lines.append([kind, most(chosen), *cells])
    return table(_head("full of", ["refused", "guardrail"], rows), lines)


def _head(first: str, columns: Sequence[str], rows: Sequence[Row]) -> list[str]:
    names = [f"{column} {made}".strip() for made in _versions(rows) for column in columns]
    return [first, "n", *names]


def _versions(rows: Sequence[Row]) -> list[str]:
    """Give this version, and the earlier one where there are rows of it."""
    return ["", BEFORE] if _made(rows, BEFORE) else [""]


def _made(rows: Sequence[Row], version: str) -> list[Row]:
    """Rows of the earlier version, or of this one."""
    return [row for row in rows if row.get("method", "") == version]
