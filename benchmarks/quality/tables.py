"""Markdown tables from rows of results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from operator import itemgetter

import numpy as np
from benchmarks.quality.compare import SLOW, Comparison, common
from benchmarks.quality.methods import CONTENDERS
from benchmarks.quality.rows import Row, timed
from benchmarks.quality.survival import RATES

SETS = {
    "nq": ("NaturalQuestions, nine BM25-nearest passages beside", "answer"),
    "hotpotqa": ("HotpotQA, bridge questions, ten paragraphs", "answer"),
    "musique": ("MuSiQue, twenty paragraphs", "answer"),
    "2wikimultihop": ("2WikiMultihopQA, ten paragraphs, answers that are spans", "answer"),
    "squad": ("SQuAD 2.0, one paragraph", "answer"),
    "qmsum": ("QMSum, whole meetings: words of the evidence sentences", "evidence"),
}
"""Title of each set, and the figure that it is measured by."""

ENOUGH = 5
"""Cases below which a mean or an interval says next to nothing."""


def label(method: str) -> str:
    """Name of a method in a table."""
    others = {"whole": "no compression", "nothing": "no text at all", "latest": "the last words"}
    others |= {"reordered": "no compression, nearest by BM25 first"}
    return others.get(method) or CONTENDERS[method].label


def with_question(method: str) -> str:
    """Name of a method that says whether it sees the question."""
    return label(method) + (" with the question" if CONTENDERS[method].asks else "")


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Lay out a Markdown table."""
    return "\n".join(
        "| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *lines)
    )


def glance(
    rows: Sequence[Row],
    rate: float = 0.2,
    *,
    quick: bool = False,
    sets: Sequence[str] = tuple(SETS),
) -> str:
    """Sets of enough cases at one rate: share that survives, on the cases that all have.

    ``quick``: of the methods that read with no causal LM, which have met more cases.
    """
    head, columns = [f"% at rate {rate}", "sees the question"], []
    for name in sets:
        mine = [row for row in rows if row["set"] == name]
        methods = _quick(mine) if quick else list(CONTENDERS)
        found = common(mine, methods, itemgetter(SETS[name][1]))
        if len(found.cases) < ENOUGH:
            continue
        head.append(f"{name}, n = {len(found.cases)}")
        columns.append({m: 100 * found.mean(m)[RATES.index(rate)] for m in found.values})
    lines = []
    for method, contender in CONTENDERS.items():
        cells = [f"{column[method]:.0f}" if method in column else "" for column in columns]
        if any(cells):
            lines.append([contender.label, "yes" if contender.asks else "–", *cells])
    return table(head, lines) + "\n"


def beside_slow(rows: Sequence[Row], sets: Sequence[str], rate: float = 0.2) -> str:
    """Each method that reads with a causal LM, and mini on the same cases."""
    lines = []
    for method in (name for name in CONTENDERS if name in SLOW):
        asks = CONTENDERS[method].asks
        mini = "mini-question" if asks else "mini"
        cells = []
        for name in sets:
            mine = [row for row in rows if row["set"] == name]
            found = common(mine, [method, mini], itemgetter(SETS[name][1]))
            at = RATES.index(rate)
            pair = " / ".join(f"{100 * found.mean(each)[at]:.0f}" for each in (method, mini))
            cells.append(f"{pair} (n = {len(found.cases)})")
        lines.append([label(method), "yes" if asks else "–", *cells])
    head = [f"% at rate {rate}: it / edgelingua-mini", "sees the question", *sets]
    return table(head, lines) + "\n"


def survival_tables(rows: Sequence[Row]) -> str:
    """Tables a set: all methods; the quick ones; of these, those without the question."""
    parts = []
    for name, (title, figure) in SETS.items():
        mine = [row for row in rows if row["set"] == name]
        everyone = common(mine, list(CONTENDERS), itemgetter(figure))
        fast = _quick(mine)
        quick = common(mine, fast, itemgetter(figure))
        unasked = common(mine, [m for m in fast if not CONTENDERS[m].asks], itemgetter(figure))
        parts.append(f"### {title}\n")
        shown: set[tuple[int, ...]] = set()
        for comparison in (everyone, quick, unasked):
            if comparison.values and comparison.cases not in shown:
                parts.append(_survival_table(comparison) + "\n")
                shown.add(comparison.cases)
        missing = [with_question(name) for name in CONTENDERS if name not in everyone.values]
        if missing:
            parts.append(f"Not measured here: {', '.join(missing)}.\n")
    return "\n".join(parts)


def _quick(rows: Sequence[Row]) -> list[str]:
    """Methods that read with no causal LM and have enough cases."""
    cases = Counter(row["method"] for row in rows)
    return [name for name in CONTENDERS if name not in SLOW and cases[name] >= ENOUGH]


def _survival_table(comparison: Comparison) -> str:
    best = {
        asks: np.max(
            [comparison.mean(m) for m in comparison.values if CONTENDERS[m].asks == asks], axis=0
        )
        for asks in {CONTENDERS[m].asks for m in comparison.values}
    }
    lines = []
    for method in comparison.values:
        contender = CONTENDERS[method]
        means, (low, high) = comparison.mean(method), comparison.interval(method)
        cells = []
        for at in range(len(RATES)):
            figure = f"{100 * means[at]:.0f}"
            figure = f"**{figure}**" if means[at] >= best[contender.asks][at] else figure
            spread = f" [{100 * low[at]:.0f}–{100 * high[at]:.0f}]"
            cells.append(figure + (spread if len(comparison.cases) >= ENOUGH else ""))
        lines.append([contender.label, "yes" if contender.asks else "–", *cells])
    head = [f"% at rate, n = {len(comparison.cases)}", "sees the question", *map(str, RATES)]
    return table(head, lines)


def speed_table(rows: Sequence[Row], rate: float = 0.2) -> str:
    """Seconds of processor time to compress a case, and how much sooner than LongLLMLingua."""
    lines: dict[str, list[str]] = {name: [] for name in CONTENDERS}
    head = [f"median CPU seconds at rate {rate}"]
    for name in SETS:
        mine = [row for row in timed(rows) if row["set"] == name]
        found = common(mine, list(CONTENDERS), lambda row: row["cpu"][RATES.index(rate)])
        if not found.values:
            continue
        size = np.median([r["tokens_in"] for r in mine if r["case"] in found.cases])
        head.append(f"{name}, {size:.0f} tokens, n = {len(found.cases)}")
        slowest = found.values.get("longllmlingua")
        for method in CONTENDERS:
            values = found.values.get(method)
            if values is None:
                lines[method].append("")
                continue
            seconds = float(np.median(values))
            ratio = "" if slowest is None else f" ({np.median(slowest) / seconds:.0f}x)"
            lines[method].append(f"{seconds:.2f}{ratio}")
    shown = []
    for method, cells in lines.items():
        if any(cells):
            shown.append([with_question(method), *cells])
    return (
        "One thread on a machine that had other work; a text's scores serve all rates here, and "
        "their time is counted at each. In brackets: how many times LongLLMLingua's time.\n\n"
        + table(head, shown)
        + "\n"
    )
