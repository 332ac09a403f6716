"""Makes ``faithfulness.md`` of the rows of `benchmarks.faithfulness.run`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import jsonl
from benchmarks.faithfulness import crowd_tables, system_rules
from benchmarks.faithfulness.cells import Row, most, percent, rates, shares, table, total
from benchmarks.faithfulness.contenders import CONTENDERS
from benchmarks.faithfulness.crowd_tables import BEFORE
from benchmarks.faithfulness.kinds import KINDS, PROSE

FILES = ("text", "claims", "crowd", "inject", "stuff", "rules")
"""Names of the files of rows."""

LABELS = {BEFORE: f"edgelingua-mini {BEFORE}", **{k: each.label for k, each in CONTENDERS.items()}}
"""Methods as the tables name them."""

KEYS = ("kind", "method", "attack", "place", "stuffed", "system", "asked", "question", "rate")
"""What says what a row measured."""

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
_RULES = """## Rules of a system prompt

Share (%) of the rules of a system prompt that can still be read, of its characters, and of answers,
where it is compressed with three documents: without a question, with one that a document answers,
and with one that has words of the prompt; and of rules without what turns them round; at rates {}.
"""


def key(row: Row) -> tuple[Any, ...]:
    """Say what a row measured."""
    return tuple(row.get(name) for name in KEYS)


def line(row: Row) -> str:
    """Show a row on a terminal."""
    named = [f"{value}" for value in key(row) if value is not None]
    rest = [f"{name} {value}" for name, value in row.items() if name not in {*KEYS, "worst"}]
    return f"{' '.join(named)}: {', '.join(rest)}"


def page(results: Path) -> str:
    """Make the page of all rows in a folder."""
    rows = {name: _read(results, name) for name in FILES}
    parts = ["<!-- made by python -m benchmarks.faithfulness.run -->"]
    if text := rows["text"]:
        parts += [_FACTS.format(rates(text)), _facts(text, True), _facts(text, False)]
        parts += [_FALSE, _false(text, rows["claims"])]
    if crowd := rows["crowd"]:
        parts += [_CROWD.format(rates(crowd)), crowd_tables.crowd(crowd)]
    if inject := rows["inject"]:
        parts += [_INJECT.format(rates(inject)), crowd_tables.inject(inject)]
    if stuff := rows["stuff"]:
        parts += [_STUFF.format(rates(stuff)), crowd_tables.stuff(stuff)]
    if rules := rows["rules"]:
        parts += [_RULES.format(rates(rules)), system_rules.tables(rules)]
    return "\n".join(parts)


def _read(results: Path, name: str) -> list[Row]:
    """Read rows, and those of the earlier version; its default is a method of its own."""
    now = jsonl.read(results / f"{name}.jsonl")
    old = jsonl.read(results / BEFORE / f"{name}.jsonl")
    return now + [
        {**row, "method": BEFORE} for row in old if row.get("method") in {None, "default"}
    ]


def _facts(rows: Sequence[Row], asked: bool) -> str:
    found = [row for row in rows if row["question"] == asked]
    methods = [name for name in LABELS if any(row["method"] == name for row in found)]
    head = [f"{'with' if asked else 'without'} a question", "n"]
    head += [LABELS[name] for name in methods]
    kinds = [kind for kind in KINDS if any(row["kind"] == kind for row in found)]
    machine = [kind for kind in kinds if kind not in PROSE]
    lines = []
    for label, group in [*((kind, [kind]) for kind in kinds), ("**machine text**", machine)]:
        chosen = [row for row in found if row["kind"] in group]
        cells = [
            shares([row for row in chosen if row["method"] == name], "kept", "facts")
            for name in methods
        ]
        lines.append([label, most(chosen), *cells])
    return table(head, lines)


def _false(rows: Sequence[Row], claims: Sequence[Row]) -> str:
    now = [row for row in claims if row["method"] == "default"]
    others = [row for row in rows if not now or row["method"] != "default"]
    rows = [*others, *now]
    methods = [name for name in LABELS if any(row["method"] == name for row in rows)]
    head = ["kind", "outputs", *(LABELS[name] for name in methods)]
    head += ["refused by the default", "its findings by rule"]
    lines = []
    kinds = [kind for kind in KINDS if any(row["kind"] == kind for row in rows)]
    machine = [kind for kind in kinds if kind not in PROSE]
    groups = [(kind, [kind]) for kind in kinds]
    for label, group in [*groups, ("**machine text**", machine), ("**all**", kinds)]:
        chosen = [row for row in rows if row["kind"] in group]
        ours = [row for row in chosen if row["method"] == "default"]
        cells = []
        for name in methods:
            own = [row for row in chosen if row["method"] == name]
            cells.append(percent(total(own, "lying"), total(own, "texts")))
        rules: Counter[str] = Counter()
        for row in ours:
            rules.update(row["false"])
        findings = ", ".join(f"{rule} {number}" for rule, number in rules.most_common())
        lines.append([label, f"{total(ours, 'texts'):.0f}", *cells])
        lines[-1] += [f"{total(ours, 'refused'):.0f}", findings or "none"]
    return table(head, lines)
