"""Makes ``faithfulness.md`` of the rows of `benchmarks.faithfulness.run`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import jsonl
from benchmarks.faithfulness.contenders import CONTENDERS
from benchmarks.faithfulness.crowding import PLACES, STUFFED
from benchmarks.faithfulness.hostile import ATTACKS
from benchmarks.faithfulness.kinds import KINDS, PROSE

Row = dict[str, Any]

FILES = ("text", "crowd", "inject", "stuff")
"""Names of the files of rows."""

_KEYS = ("kind", "method", "attack", "place", "stuffed", "question", "rate")
_FACTS = """## Facts that are kept

Share (%) of the facts of a generated text that stay, at rates {}: with a question those that answer
it, without one those that a reader wants to know.
"""
_FALSE = """## Claims that the text contradicts

Outputs (%) that say something that their text does not, at all rates, with and without a question;
and what the default's do.
"""
_CROWD = """## Beside a hostile document

Share (%) of a guardrail's words, and of answers, that stay beside a hostile document, and beside an
ordinary one of as many tokens; at rates {}.
"""
_INJECT = """## Instructions hidden in prose

Share (%) of the instruction's characters that stay, and of the prose around it, without a question;
at rates {}.
"""
_STUFF = """## Documents full of what is protected

Prompts (%) that are refused, and the share of a guardrail's words that stays; at rates {}.
"""


def key(row: Row) -> tuple[Any, ...]:
    """Say what a row measured."""
    return tuple(row.get(name) for name in _KEYS)


def line(row: Row) -> str:
    """Show a row on a terminal."""
    named = [f"{value}" for value in key(row) if value is not None]
    rest = [f"{name} {value}" for name, value in row.items() if name not in {*_KEYS, "worst"}]
    return f"{' '.join(named)}: {', '.join(rest)}"


def page(results: Path) -> str:
    """Make the page of all rows in a folder."""
    rows = {name: jsonl.read(results / f"{name}.jsonl") for name in FILES}
    parts = ["<!-- made by python -m benchmarks.faithfulness.run -->"]
    if text := rows["text"]:
        parts += [_FACTS.format(_rates(text)), _facts(text, True), _facts(text, False)]
        parts += [_FALSE, _false(text)]
    if crowd := rows["crowd"]:
        parts += [_CROWD.format(_rates(crowd)), _crowd(crowd)]
    if inject := rows["inject"]:
        parts += [_INJECT.format(_rates(inject)), _inject(inject)]
    if stuff := rows["stuff"]:
        parts += [_STUFF.format(_rates(stuff)), _stuff(stuff)]
    return "\n".join(parts)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Make a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(each)} |\n" for each in lines)


def _facts(rows: Sequence[Row], asked: bool) -> str:
    found = [row for row in rows if row["question"] == asked]
    methods = [name for name in CONTENDERS if any(row["method"] == name for row in found)]
    head = [f"{'with' if asked else 'without'} a question", "n"]
    head += [CONTENDERS[name].label for name in methods]
    kinds = [kind for kind in KINDS if any(row["kind"] == kind for row in found)]
    machine = [kind for kind in kinds if kind not in PROSE]
    lines = []
    for label, group in [*((kind, [kind]) for kind in kinds), ("**machine text**", machine)]:
        chosen = [row for row in found if row["kind"] in group]
        cells = [
            _shares([row for row in chosen if row["method"] == name], "kept", "facts")
            for name in methods
        ]
        lines.append([label, _most(chosen), *cells])
    return table(head, lines)


def _false(rows: Sequence[Row]) -> str:
    methods = [name for name in CONTENDERS if any(row["method"] == name for row in rows)]
    head = ["kind", "outputs of each", *(CONTENDERS[name].label for name in methods)]
    head += ["refused by the default", "its findings by rule"]
    lines = []
    for kind in [kind for kind in KINDS if any(row["kind"] == kind for row in rows)]:
        chosen = [row for row in rows if row["kind"] == kind]
        ours = [row for row in chosen if row["method"] == "default"]
        cells = []
        for name in methods:
            own = [row for row in chosen if row["method"] == name]
            cells.append(_percent(_sum(own, "lying"), _sum(own, "texts")))
        rules: Counter[str] = Counter()
        for row in ours:
            rules.update(row["false"])
        findings = ", ".join(f"{rule} {number}" for rule, number in rules.most_common())
        lines.append([kind, f"{_sum(ours, 'texts'):.0f}", *cells])
        lines[-1] += [f"{_sum(ours, 'refused'):.0f}", findings or "none"]
    return table(head, lines)


def _crowd(rows: Sequence[Row]) -> str:
    measured = [("guard", False), ("guard", True), ("answer", True)]
    labels = ["guardrail, no question", "guardrail, question", "answer"]
    head = ["hostile document", "n"]
    head += [f"{label}: {beside}" for label in labels for beside in ("hostile", "ordinary")]
    kinds = [kind for kind in ATTACKS if any(row["attack"] == kind for row in rows)]
    lines = []
    for label, group in [*((kind, [kind]) for kind in kinds), ("**all**", kinds)]:
        chosen = [row for row in rows if row["attack"] in group]
        cells = [
            _means([row for row in chosen if row["question"] == asked], f"{what}_{beside}")
            for what, asked in measured
            for beside in ("hostile", "ordinary")
        ]
        lines.append([label, _most(chosen), *cells])
    return table(head, lines)


def _inject(rows: Sequence[Row]) -> str:
    lines = []
    for place in PLACES:
        chosen = [row for row in rows if row["place"] == place]
        means = [_means(chosen, which) for which in ("injected", "around")]
        lines.append([place, _most(chosen), *means])
    return table(["place", "n", "instruction", "prose around it"], lines)


def _stuff(rows: Sequence[Row]) -> str:
    lines = []
    for kind in STUFFED:
        chosen = [row for row in rows if row["stuffed"] == kind]
        refused = _shares(chosen, "refused", "texts")
        lines.append([kind, _most(chosen), refused, _means(chosen, "guard")])
    return table(["full of", "n", "refused", "guardrail"], lines)


def _all_rates(rows: Sequence[Row]) -> list[float]:
    return sorted({row["rate"] for row in rows}, reverse=True)


def _rates(rows: Sequence[Row]) -> str:
    return " / ".join(map(str, _all_rates(rows)))


def _shares(rows: Sequence[Row], part: str, whole: str) -> str:
    """Share in per cent, rate by rate."""
    groups = [[row for row in rows if row["rate"] == rate] for rate in _all_rates(rows)]
    return " / ".join(_percent(_sum(group, part), _sum(group, whole)) for group in groups)


def _means(rows: Sequence[Row], name: str) -> str:
    """Mean of what is a mean over texts in each row, in per cent, rate by rate."""
    weighted = [{**row, "part": row[name] * row["texts"]} for row in rows]
    return _shares(weighted, "part", "texts")


def _sum(rows: Sequence[Row], name: str) -> float:
    return float(sum(row[name] for row in rows))


def _most(rows: Sequence[Row]) -> str:
    return str(max((row["texts"] for row in rows), default=0))


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f}" if whole else "–"
