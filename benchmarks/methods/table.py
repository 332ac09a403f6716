"""Makes the table of all methods, of `METHODS` and of the rows of several benchmarks.

    python -m benchmarks.methods.table

It stands in ``docs/methods.md`` between two marks; ``edgelingua methods`` has its figures from
``compressors/parts/figures.py``, which is made here too. ``told.jsonl``: what
`benchmarks.quality.reader_torch` answered from the texts that `benchmarks.methods.run` told.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import mean

from benchmarks.common import jsonl
from benchmarks.quality.rows import Row, timed
from benchmarks.quality.survival import RATES

from edgelingua.compressors import METHODS, REWRITERS, Method

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGE = ROOT / "docs" / "methods.md"
FIGURES = ROOT / "runtime" / "edgelingua" / "compressors" / "parts" / "figures.py"
MADE, END = "<!-- made by benchmarks/methods/table.py -->", "<!-- end -->"
SETS = ("nq", "hotpotqa", "squad")
FIFTH = RATES.index(0.2)
CASES = 40
"""Of each set: what the slowest methods have met."""

MANY = 100
"""Questions from which the command shows a reader's F1."""

LABELS = {"llmlingua2": "mini-question"}
"""What benchmarks call a method, where they do not call it by its name."""

_ARXIV = re.compile(r"arXiv:([\d.]+)")


def main() -> None:
    """Write both."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    FIGURES.write_text(figures(), encoding="utf-8")
    before, rest = PAGE.read_text(encoding="utf-8").split(MADE)
    PAGE.write_text(before + MADE + "\n" + tables() + END + rest.split(END)[1], encoding="utf-8")


def survival() -> list[Row]:
    """Rows of all benchmarks that count answers that survive; of two of a case the later one."""
    files = ("quality/results/survival.jsonl", "sentence/rows.jsonl", "methods/survival.jsonl")
    rows = (row for file in files for row in jsonl.read(HERE.parent / file))
    return list({(row["set"], row["method"], row["case"]): row for row in rows}.values())


def answered() -> dict[str, list[float]]:
    """F1 of a reader of 1.5 billion parameters on SQuAD, from a fifth, by method.

    Of the many cases that a GPU has read, else of the few that a CPU has.
    """
    many: dict[str, dict[int, float]] = {}
    for file in (HERE.parent / "quality" / "results" / "reader-torch.jsonl", HERE / "told.jsonl"):
        for row in jsonl.read(file):
            if row["set"] == "squad":
                f1 = row["f1"]
                own = many.setdefault(row["method"], {})
                own[row["case"]] = f1[FIFTH] if len(f1) > 1 else f1[0]
    few: dict[str, list[float]] = {}
    for row in jsonl.read(HERE / "answers.jsonl"):
        few.setdefault(row["method"], []).append(row["f1"])
    return few | {method: list(own.values()) for method, own in many.items()}


def read(answers: Mapping[str, list[float]], method: str) -> list[float]:
    """F1 of each question that was asked about what a method made; empty: not measured."""
    return answers.get(LABELS.get(method, method), [])


def of(rows: Iterable[Row], method: str, *sets: str) -> list[Row]:
    """Rows of a method, of the cases that all methods have met."""
    label = LABELS.get(method, method)
    return [r for r in rows if r["method"] == label and r["set"] in sets and r["case"] < CASES]


def kept(rows: list[Row], method: str) -> list[int | None]:
    """Answers (%) that survive at a fifth on each set; ``None``: not measured."""
    found = [of(rows, method, name) for name in SETS]
    return [round(100 * mean(r["answer"][FIFTH] for r in some)) if some else None for some in found]


def figures() -> str:
    """The module that ``edgelingua methods`` reads."""
    rows, answers = survival(), answered()
    lines = [
        '"""What a fifth of the tokens is worth, by method."""  # benchmarks/methods/table.py',
        "",
        "from collections.abc import Mapping",
        "",
        "KEPT: Mapping[str, tuple[int | None, ...]] = {",
    ]
    for name in METHODS:
        shares = kept(rows, name)
        if any(share is not None for share in shares):
            lines.append(f'    "{name}": ({", ".join(map(str, shares))}),')
    lines += ["}", '"""Answers (%) that survive on NaturalQuestions, HotpotQA and SQuAD."""', ""]
    lines.append("F1: Mapping[str, float] = {")
    for name in METHODS:
        if len(f1 := read(answers, name)) >= MANY:
            lines.append(f'    "{name}": {mean(f1):.2f},')
    lines += ["}", '"""Of what a reader of 1.5 billion parameters answers on SQuAD."""', ""]
    lines += [f"F1_WHOLE = {mean(answers['whole']):.2f}", '"""The same from the whole text."""', ""]
    return "\n".join(lines)


def tables() -> str:
    """Both tables of the page."""
    every: dict[str, Method] = {**METHODS, **REWRITERS}
    lines = [
        "| method | what it does | source | needs | published |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, method in every.items():
        source = _ARXIV.sub(r"[arXiv:\1](https://arxiv.org/abs/\1)", method.source)
        source = re.sub(r"doi:(\S+)", r"[doi](https://doi.org/\1)", source)
        cells = (f"`{name}`", method.summary, source, method.needs, method.published)
        lines.append(f"| {' | '.join(cells)} |")
    rows = survival()
    answers = answered()
    peaks = {row["method"]: row["peak_mb"] for row in jsonl.read(HERE / "memory.jsonl")}
    lines += [
        "",
        "| method | NQ | HotpotQA | SQuAD | F1, 1.5B reader | ms / 1,000 tokens | MB | when |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    written = jsonl.read(HERE / "scope.jsonl")
    for name, method in every.items():
        if name in REWRITERS:
            figures = _rewriter(written)
        else:
            spent = [(r["tokens_in"], r["cpu"][FIFTH]) for r in timed(of(rows, name, *SETS))]
            shares = ["–" if s is None else str(s) for s in kept(rows, name)]
            memory = f"{peaks[name]:.0f}" if name in peaks else "–"
            figures = (*shares, _f1(read(answers, name)), _speed(spent), memory)
        lines.append(f"| {' | '.join((f'`{name}`', *figures, method.when))} |")
    lines += [
        "",
        *(
            f"The reader with {said}: F1 {mean(answers[name]):.2f} ({len(answers[name])})."
            for name, said in (("whole", "the whole text"), ("nothing", "no text at all"))
        ),
        "",
        *_written(written),
    ]
    return "\n".join(lines) + "\n"


def _f1(values: Sequence[float]) -> str:
    return f"{mean(values):.2f} ({len(values)})" if values else "–"


def _speed(spent: Sequence[tuple[int, float]]) -> str:
    """Milliseconds for 1,000 tokens, of tokens and seconds."""
    tokens = sum(each for each, _ in spent)
    return f"{1e6 * sum(seconds for _, seconds in spent) / tokens:,.0f}" if tokens else "–"


def _rewriter(rows: Sequence[Row]) -> tuple[str, ...]:
    """Cells of what writes chunks again, which was tried on SQuAD only."""
    if not rows:
        return ("–",) * 6
    survive = f"{100 * mean(row['answer'] for row in rows):.0f} ({len(rows)})"
    spent = [(row["tokens_in"], row["cpu"]) for row in rows]
    peak = max(row["peak_mb"] for row in rows)
    return "–", "–", survive, _f1([row["f1"] for row in rows]), _speed(spent), f"{peak:,.0f}"


def _written(rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    count, parts = len(rows), sum(row["parts"] for row in rows)
    written, refused = (sum(r["written"] for r in rows), sum(len(r["refused"]) for r in rows))
    return [
        f"`scope` at {rows[0]['rate']} of the tokens, {count} questions of SQuAD, the 1.5B reader: "
        f"{written} of {parts} chunks were written, {refused} refused; "
        f"{sum(r['answer'] for r in rows)} of {count} answers survive, "
        f"{sum(r['extracted'] for r in rows)} in what mini extracts in the same tokens; "
        f"{mean(r['cpu'] for r in rows):.1f} s of processor time for a text of some 150 tokens, "
        f"{max(r['peak_mb'] for r in rows):,.0f} MB."
    ]


if __name__ == "__main__":
    main()
