"""What the comparison was to show, and whether it does."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

import numpy as np
from benchmarks.quality.compare import Comparison, common
from benchmarks.quality.methods import CONTENDERS
from benchmarks.quality.rows import Row, timed
from benchmarks.quality.speed import LABELS, ratios
from benchmarks.quality.survival import RATES
from benchmarks.quality.tables import SETS, table

TARGETED = ("nq", "hotpotqa", "musique", "squad", "qmsum")
"""Sets that the targets were set for; what others show is told, and decides nothing."""

NANO_LOSES = 0.08
"""Most of mini's retention that nano may lose with the question, at each of `NANO_RATES`."""
NANO_RATES = (0.5, 0.2)
NANO_FASTER = 4
"""How many times nano's time mini's is to take."""

NQ_TARGETS = {0.5: 99, 0.2: 95, 0.1: 85, 0.05: 70}
"""Share (%) of NQ's answers that is to survive with the question, by rate."""


def claims(rows: Sequence[Row], speed: Sequence[Row] = ()) -> str:
    """A table: each target, what was measured, and whether it is met.

    ``speed``: rows of `benchmarks.quality.speed`.
    """
    lines = [
        *_question_free(rows),
        *_nq(rows),
        *_over_bm25(rows),
        *_over_longllmlingua(rows),
        *_nano(rows),
        *_nano_speed(speed),
    ]
    return table(["edgelingua-mini", "measured", "met"], lines) + "\n"


def _of_set(rows: Sequence[Row], name: str, methods: Sequence[str]) -> Comparison:
    figure = SETS[name][1]
    return common([row for row in rows if row["set"] == name], methods, itemgetter(figure))


def _line(target: str, measured: str, met: bool, missing: Sequence[str] = ()) -> list[str]:
    verdict = "yes" if met else "**no**"
    if missing:
        verdict += f"; not measured: {', '.join(missing)}"
    return [target, measured, verdict]


def _question_free(rows: Sequence[Row]) -> list[list[str]]:
    """Against each method on the cases that it shares with mini: slow ones have fewer."""
    others = [n for n, c in CONTENDERS.items() if not c.asks and not c.ours]
    ahead, notes = 0, []
    for name in SETS:
        pairs = {other: _of_set(rows, name, ["mini", other]) for other in others}
        if any(len(found.values) < 2 for found in pairs.values()):
            continue
        behind = [
            f"{CONTENDERS[other].label} at {rate}"
            for other, found in pairs.items()
            for at, rate in enumerate(RATES)
            if found.mean(other)[at] >= found.mean("mini")[at]
        ]
        ahead += name in TARGETED and not behind
        sizes = sorted({len(found.cases) for found in pairs.values()})
        n = " or ".join(map(str, sizes))
        notes.append(f"{name} (n = {n}): " + (", ".join(behind) or "none"))
    if not notes:
        return []
    measured = f"on {ahead} of {len(TARGETED)}. Not ahead of: " + "; ".join(notes)
    target = (
        "without the question: ahead of every method without it that is not ours, at every rate, "
        f"on 4 of {', '.join(TARGETED)}; each on the cases that both have"
    )
    return [_line(target, measured, ahead >= 4)]


def _nq(rows: Sequence[Row]) -> list[list[str]]:
    found = _of_set(rows, "nq", ["mini-question"])
    if not found.values:
        return []
    means = 100 * found.mean("mini-question")
    low, high = 100 * found.interval("mini-question")
    return [
        _line(
            f"with the question, NQ: at least {target} % at {rate}",
            f"{means[at]:.1f} % [{low[at]:.1f}–{high[at]:.1f}], n = {len(found.cases)}",
            bool(means[at] >= target),
        )
        for rate, target in NQ_TARGETS.items()
        for at in [RATES.index(rate)]
    ]


def _over_bm25(rows: Sequence[Row]) -> list[list[str]]:
    found = _of_set(rows, "hotpotqa", ["mini-question", "bm25"])
    if len(found.values) < 2:
        return []
    lead = (100 * (found.mean("mini-question") - found.mean("bm25"))).round(6)
    measured = ", ".join(f"{x:+.0f} at {rate}" for x, rate in zip(lead, RATES, strict=True))
    target = "HotpotQA: 10 points ahead of BM25 sentences at every rate"
    return [_line(target, f"{measured}; n = {len(found.cases)}", bool((lead >= 10).all()))]


def _over_longllmlingua(rows: Sequence[Row]) -> list[list[str]]:
    behind: dict[str, list[str]] = {}
    ratios, sizes = {}, {}
    for name in SETS:
        found = _of_set(rows, name, ["mini-question", "longllmlingua"])
        if len(found.values) < 2:
            continue
        sizes[name] = len(found.cases)
        lead = found.mean("mini-question") - found.mean("longllmlingua")
        behind[name] = [
            f"{name} at {rate} ({100 * x:+.0f})"
            for x, rate in zip(lead, RATES, strict=True)
            if x <= 0
        ]
        mine = [row for row in timed(rows) if row["set"] == name and row["case"] in found.cases]
        times = common(mine, ["mini-question", "longllmlingua"], itemgetter("cpu"))
        if len(times.values) == 2:
            ratios[name] = np.median(times.values["longllmlingua"], axis=0) / np.median(
                times.values["mini-question"], axis=0
            )
    if not sizes:
        return []
    missing = [name for name in TARGETED if name not in sizes]
    n = ", ".join(f"{name} n = {size}" for name, size in sizes.items())
    places = ", ".join(place for some in behind.values() for place in some)
    ahead = f"{n}; not ahead: {places or 'nowhere'}"
    met = not any(behind.get(name) for name in TARGETED)
    target = f"ahead of LongLLMLingua at every rate on {', '.join(TARGETED)}"
    lines = [_line(target, ahead, met, missing)]
    if ratios:
        every = np.concatenate(list(ratios.values()))
        speed = f"{every.min():.1f} to {every.max():.1f} times (CPU time, over sets and rates)"
        untimed = [name for name in TARGETED if name not in ratios]
        lines.append(_line("at 10 times its speed", speed, bool(every.min() >= 10), untimed))
    return lines


def _nano_speed(rows: Sequence[Row]) -> list[list[str]]:
    lines = []
    for what, label in LABELS.items():
        found = [ratios(rows, what, asks).get("all") for asks in (True, False)]
        times = [each for each in found if each is not None]
        if len(times) == len(found):
            measured = "{:.1f} times with a question, {:.1f} without".format(*times)
            target = f"nano is {NANO_FASTER} times as fast as mini: {label}"
            lines.append(_line(target, measured, min(times) >= NANO_FASTER))
    return lines


def _nano(rows: Sequence[Row]) -> list[list[str]]:
    found = {name: _of_set(rows, name, ["mini-question", "nano-question"]) for name in SETS}
    found = {name: each for name, each in found.items() if len(each.values) == 2}
    changes = {
        name: 100 * each.change("nano-question", "mini-question") for name, each in found.items()
    }
    lines = []
    for rate in NANO_RATES:
        change = {name: each[:, RATES.index(rate)] for name, each in changes.items()}
        measured = ", ".join(
            f"{name} {x:+.0f} % [{low:+.0f}, {high:+.0f}] (n = {len(found[name].cases)})"
            for name, (x, low, high) in change.items()
        )
        target = (
            f"with the question, nano keeps at {rate} within {NANO_LOSES:.0%} of what mini keeps"
        )
        met = all(x >= -100 * NANO_LOSES for x, _, _ in change.values())
        missing = [name for name in SETS if name not in found]
        lines += [_line(target, measured, met, missing)] if found else []
    return lines
