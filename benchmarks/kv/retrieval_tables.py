"""Tables and a plot of the retrieval's rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.kv.log import read_rows
from benchmarks.kv.plots import panels, style

Answer = dict[str, Any]


def write(results: Path) -> None:
    """Write ``.md`` and ``.svg`` beside the rows."""
    rows = read_rows(results)
    results.with_suffix(".md").write_text(tables(rows), encoding="utf-8")
    plot(rows, results.with_suffix(".svg"))


def answers(rows: list[dict[str, Any]], **key: Any) -> list[Answer]:
    """All answers of the rows with these values."""
    found = [row for row in rows if all(row[name] == key[name] for name in key)]
    return [answer for row in found for answer in row["answers"]]


def names(rows: list[dict[str, Any]]) -> list[str]:
    """Variants under a cap, in the order of their first row."""
    return list(dict.fromkeys(row["name"] for row in rows if row["cap"]))


def tables(rows: list[dict[str, Any]]) -> str:
    """Share of right answers and mean nats, per variant and cap; once known, once not."""
    caps = sorted({row["cap"] for row in rows if row["cap"]})
    out = []
    for known in (False, True):
        mine = [row for row in rows if row["known"] == known]
        if not mine:
            continue
        full = answers(mine, name="full cache")
        kinds = {
            kind: [answer for answer in full if answer["kind"] == kind]
            for kind in ("needle", "code")
        }
        told = ", ".join(f"{kind} {_right(of_kind)}" for kind, of_kind in kinds.items())
        out += [
            f"Questions {'known' if known else 'unknown'} at eviction; {len(full)} answers; "
            f"full cache: {_cell(full)} ({told}).",
            "",
            "| policy | " + " | ".join(f"cap {cap}" for cap in caps) + " |",
            "|---|" + "---|" * len(caps),
        ]
        for name in names(mine):
            cells = [_cell(answers(mine, name=name, cap=cap)) for cap in caps]
            out.append(f"| {name} | " + " | ".join(cells) + " |")
        out.append("")
    return "\n".join(out)


def _right(found: list[Answer]) -> str:
    return f"{np.mean([answer['right'] for answer in found]):.0%}" if found else "-"


def _cell(found: list[Answer]) -> str:
    if not found:
        return "-"
    return f"{_right(found)}, {np.mean([answer['nats'] for answer in found]):.2f} nats"


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """Nats by depth, a panel for each cap; the questions not known above, known below."""
    caps = sorted({row["cap"] for row in rows if row["cap"]})
    with panels(path, 2, len(caps)) as axes:
        for line, known in zip(axes, (False, True), strict=True):
            mine = [row for row in rows if row["known"] == known]
            for panel, cap in zip(line, caps, strict=True):
                for name in names(mine):
                    _draw(panel, answers(mine, name=name, cap=cap), name)
                _draw(panel, answers(mine, name="full cache"), "full cache")
                panel.set_title(f"cap {cap}, questions {'known' if known else 'unknown'}")
            line[0].set_ylabel("nats of an answer (less is better)")
        for panel in axes[-1]:
            panel.set_xlabel("depth in the text")


def _draw(panel: Any, found: list[Answer], name: str) -> None:
    """Means of two neighbouring depths, a needle and a line together."""
    depths = sorted({answer["depth"] for answer in found})
    pairs = [depths[at : at + 2] for at in range(0, len(depths), 2)]
    means = [np.mean([a["nats"] for a in found if a["depth"] in pair]) for pair in pairs]
    if means:
        panel.plot([np.mean(pair) for pair in pairs], means, **style(name))
