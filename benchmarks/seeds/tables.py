"""Tables of the published tasks: what was kept of them, and what the reader made of it.

    python -m benchmarks.seeds.tables

Reads ``kept.jsonl`` (`benchmarks.seeds.run`) and ``answers.jsonl`` (`benchmarks.seeds.answer`),
writes ``seeds.md``. Brackets: 95 % bootstrap interval of the difference from the whole context, the
cases drawn in pairs. A task without rows is left out.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.common import jsonl
from benchmarks.quality.compare import interval
from benchmarks.quality.methods import CONTENDERS
from benchmarks.quality.tables import label, table
from benchmarks.seeds.tasks import LANGUAGES, PLACES, TASKS
from numpy.typing import NDArray

HERE = Path(__file__).parent
_Key = tuple[str, float]
"""Method and rate."""

TITLES = {
    "gsm8k": "GSM8K behind the prompt of the hardest examples",
    "bbh": "BIG-Bench-Hard behind its chain-of-thought prompts, 13 tasks",
    "nq-20": "NaturalQuestions among twenty passages, by the place of the right one",
    "qmsum": "QMSum: whole meetings",
    "humaneval": "HumanEval behind eight solved problems",
    "languages": "Questions in five languages, ten passages each",
    "longbench": "LongBench: questions about long documents in Chinese",
}


GROUPS: Mapping[str, Sequence[str]] = {
    "nq-20": [f"{place:02}" for place in PLACES],
    "languages": LANGUAGES,
}
"""Tasks whose groups stand in columns."""


def main() -> None:
    """Write the page."""
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    kept, told = (jsonl.read(HERE / f"{name}.jsonl") for name in ("kept", "answers"))
    (HERE / "seeds.md").write_text(page(kept, told), encoding="utf-8")


def page(kept: Sequence[dict[str, Any]], told: Sequence[dict[str, Any]]) -> str:
    """Return the page of these rows."""
    readers = sorted({row["reader"] for row in told})
    parts = [
        "# The tasks of the papers\n",
        "Rates are shares of the context's tokens as Qwen2.5 counts them; what sees a question "
        "compresses a context anew for each. Made by `benchmarks.seeds.tables`.\n",
    ]
    parts += [
        f"Asked: {each} (the GGUF in PyTorch, bfloat16, greedy). In brackets the 95 % interval of "
        "the difference from the whole context.\n"
        for each in readers
    ]
    for name, title in TITLES.items():
        rows = [row for row in told if row["task"] == name]
        mine = [row for row in kept if row["task"] == name]
        if rows or mine:
            parts.append(f"## {title}\n")
        if name in GROUPS and mine:
            parts.append(_kept_by_group(name, mine))
        elif mine:
            parts += _kept(name, mine)
        if rows:
            parts += _answered(name, rows)
    return "\n".join(parts)


def _kept(name: str, rows: Sequence[dict[str, Any]]) -> Iterable[str]:
    """What stays, in percent, by method and rate."""
    figures = [each for each in ("numbers", "steps", "answer", "evidence") if each in rows[0]]
    if not figures:
        return
    lines = []
    for method in dict.fromkeys(row["method"] for row in rows):
        own = [row for row in rows if row["method"] == method and figures[0] in row]
        means = [np.mean([row[each] for row in own], axis=0) for each in figures]
        cells = [" / ".join(f"{100 * mean[at]:.0f}" for mean in means) for at in _rates(name)]
        lines.append([label(method), _asks(method), str(len(own)), *cells])
    head = [f"{' / '.join(figures)} kept, %", "sees the question", "contexts"]
    yield table([*head, *map(str, TASKS[name].rates)], lines) + "\n"


def _kept_by_group(name: str, rows: Sequence[dict[str, Any]]) -> str:
    """Answers that stay, in percent, by method, rate and group."""
    lines = []
    for method in dict.fromkeys(row["method"] for row in rows):
        own = [row for row in rows if row["method"] == method]
        for at, rate in enumerate(TASKS[name].rates):
            found = [[r["answer"][at] for r in own if r["group"] == g] for g in GROUPS[name]]
            cells = [f"{100 * np.mean(each):.0f}" if each else "" for each in found]
            every = 100 * np.asarray([[value] for each in found for value in each])
            low, high = interval(every)[:, 0]
            spread = f"{every.mean():.0f} [{low:.0f}–{high:.0f}]"
            lines.append([label(method), _asks(method), f"{rate:g}", *cells, spread])
    size = max(len([r for r in rows if r["method"] == m]) for m in {r["method"] for r in rows})
    what = f"answers kept, %, n = {size // len(GROUPS[name])} each"
    groups = [group.lstrip("0") for group in GROUPS[name]]
    return table([what, "sees the question", "rate", *groups, "all"], lines) + "\n"


def _answered(name: str, rows: Sequence[dict[str, Any]]) -> Iterable[str]:
    """What the reader answers right, and how surprising solutions are."""
    if name in GROUPS:
        yield _by_group(rows, GROUPS[name], "right, %")
    elif "right" in rows[0]:
        what = {"qmsum": "ROUGE-L, %", "longbench": "F1 of characters, %"}.get(name, "right, %")
        yield _by_rate(name, rows, "right", what, 100)
    if any("nll" in row for row in rows):
        yield _by_rate(name, rows, "nll", "nats a token of the solution, less is better", 1)


def _by_rate(
    name: str, rows: Sequence[dict[str, Any]], figure: str, what: str, times: float
) -> str:
    found = values(rows, figure)
    digits = 0 if times > 1 else 3
    whole = found["whole", 1.0]
    lines = []
    for method in dict.fromkeys(row["method"] for row in rows):
        cells = []
        for rate in TASKS[name].rates:
            own = found.get((method, rate))
            cells.append(_beside(own, whole, times, digits) if own else "")
        if any(cells):
            lines.append([label(method), _asks(method), *cells])
    ends = [f"{each} {times * np.mean(list(one.values())):.{digits}f}"
            for each, key in (("whole", ("whole", 1.0)), ("no context", ("nothing", 0.0)))
            if (one := found.get(key))]  # fmt: skip
    head = [f"{what} ({', '.join(ends)}; n = {len(whole)})", "sees the question"]
    return table([*head, *map(str, TASKS[name].rates)], lines) + "\n"


def _by_group(rows: Sequence[dict[str, Any]], groups: Sequence[str], what: str) -> str:
    """Columns are groups; lines methods and rates; the interval is that of all groups together."""
    apart = {group: values([r for r in rows if r["group"] == group], "right") for group in groups}
    every = values(rows, "right")
    whole = every["whole", 1.0]
    lines = []
    for method, rate in every:
        cells = [
            f"{100 * np.mean(list(own.values())):.0f}" if own else ""
            for own in (apart[group].get((method, rate)) for group in groups)
        ]
        shown = _beside(every[method, rate], whole, 100, 0)
        lines.append([label(method), _asks(method), f"{rate:g}", *cells, shown])
    head = [what, "sees the question", "rate", *(g.lstrip("0") for g in groups), "all"]
    return table(head, lines) + "\n"


def values(rows: Iterable[dict[str, Any]], figure: str) -> dict[_Key, dict[tuple[str, int], float]]:
    """A figure of each case, by method and rate, all groups together."""
    found: dict[_Key, dict[tuple[str, int], float]] = defaultdict(dict)
    for row in rows:
        if figure in row:
            for case, value in zip(row["cases"], row[figure], strict=False):
                found[row["method"], row["rate"]][row["group"], case] = value
    return dict(found)


def _beside(
    own: Mapping[tuple[str, int], float],
    whole: Mapping[tuple[str, int], float],
    times: float,
    digits: int,
) -> str:
    """A mean, and the interval of its difference from the whole context's on the same cases."""
    same = sorted(set(own) & set(whole))
    change: NDArray[np.float64] = times * np.asarray([[own[case] - whole[case]] for case in same])
    low, high = interval(change)[:, 0]
    mean = times * np.mean(list(own.values()))
    return f"{mean:.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f})"


def _rates(name: str) -> range:
    return range(len(TASKS[name].rates))


def _asks(method: str) -> str:
    return "yes" if method in CONTENDERS and CONTENDERS[method].asks else "–"


if __name__ == "__main__":
    main()
