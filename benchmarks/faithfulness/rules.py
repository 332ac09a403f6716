"""Which rules a kind of text is held to."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.faithfulness import (
    data_rules,
    line_rules,
    place_rules,
    prose_rules,
    table_rules,
)
from benchmarks.faithfulness.line_rules import lines, units
from benchmarks.faithfulness.outputs import Finding, Output, Rule, pieces

_LOG = r"\S+ [A-Z]+ |\w+ \d+ [\d:]+ \S+ \S+\]: \w+|\[[^\]]*\] \[\w+\]|ts=\S+ level=\w+"
"""Heads of the looks of logs."""

RULES: Mapping[str, tuple[Rule, ...]] = {
    "json": (data_rules.json_document,),
    "jsonl": (data_rules.json_lines,),
    "ini": (pieces, lines(), place_rules.sections),
    "yaml": (pieces, lines(), place_rules.paths),
    "sql": (pieces, lines(), table_rules.tuples),
    "csv": (pieces, table_rules.rows(table_rules.commas)),
    "markdown": (pieces, lines(), table_rules.rows(table_rules.pipes)),
    "pods": (pieces, table_rules.rows(table_rules.blanks)),
    "aligned": (pieces, table_rules.rows(table_rules.blanks)),
    "log": (pieces, units, lines(_LOG)),
    "access": (pieces, lines(r"\S+ - - \[[^\]]*\]")),
    "trace": (pieces, lines(r"\d\S+ [A-Z]+ |Caused by: "), place_rules.causes),
    "grep": (pieces, lines(r"[^\s:]+:\d+:")),
    "chat": (pieces, units, lines(r"[\[<][^\]>]*[\]>] \w+:|[\d.]+, [\d:]+ - \w+:")),
    "colour": (
        units,
        line_rules.escapes,
        lines(r"PASS|FAIL|\s*Expected:|\s*Received:", line_rules.plain),
    ),
    "diff": (pieces, lines(r"[-+]|@@|diff|index"), place_rules.hunks),
    "code": (pieces, lines(), data_rules.python),
    "cpp": (pieces, lines(), data_rules.braces),
    "compiler": (pieces, lines(r"error\S*:|warning:|\s*-->|\s*\d+ \|"), place_rules.places),
    "listing": (pieces, lines(r"\t\w+:|-rw\S+"), place_rules.files),
    "html": (data_rules.tags, lines("", line_rules.untagged), data_rules.fares),
    "kubectl": (pieces, units, lines(), place_rules.paths),
    "prose": (pieces, prose_rules.clauses, prose_rules.negations),
    "figures": (
        pieces,
        prose_rules.settings,
        prose_rules.amounts,
        prose_rules.owners,
    ),
    "ward": (pieces, units, prose_rules.negations, prose_rules.doses),
    "contract": (pieces, units, prose_rules.negations, prose_rules.periods),
    "blob": (pieces,),
    "languages": (prose_rules.negations,),
}


def findings(output: Output) -> list[Finding]:
    """Everything that the output says and the text does not."""
    return [found for rule in RULES[output.case.kind] for found in rule(output)]
