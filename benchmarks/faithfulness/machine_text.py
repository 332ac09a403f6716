"""What is kept of a case, and what of it is false: a row for each contender, question and rate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from benchmarks.faithfulness.contenders import CONTENDERS, Runner
from benchmarks.faithfulness.kinds import cases
from benchmarks.faithfulness.outputs import Output
from benchmarks.faithfulness.rules import findings

from edgelingua.errors import BudgetError

RATES = (0.5, 0.2, 0.1)


def measure(
    kind: str, numbers: Iterable[int], runners: Mapping[str, Runner]
) -> Iterator[dict[str, Any]]:
    """Compress cases of a kind; one row for each contender, with and without a question, and rate.

    A row sums up: ``facts`` that there were, ``kept`` of them, ``texts``, ``refused`` (the budget
    was too small for the contender), ``false`` (findings by rule), ``lying`` texts with one at
    least, and the ``worst`` three.
    """
    rows: dict[tuple[str, bool, float], dict[str, Any]] = {}
    for case in cases(kind, numbers):
        for name, runner in runners.items():
            for asked in (False, True):
                if CONTENDERS[name].asks and not asked:
                    continue
                for rate in RATES:
                    row = rows.setdefault((name, asked, rate), _empty())
                    _add(row, runner, case, asked, rate)
            runner.forget()
    for (name, asked, rate), row in rows.items():
        yield {"kind": kind, "method": name, "question": asked, "rate": rate, **row}


def _empty() -> dict[str, Any]:
    counts = dict.fromkeys(("texts", "facts", "kept", "refused", "lying"), 0)
    return {**counts, "false": Counter(), "worst": []}


def _add(row: dict[str, Any], runner: Runner, case: Any, asked: bool, rate: float) -> None:
    facts = case.needed if asked else case.facts
    row["texts"] += 1
    row["facts"] += len(facts)
    try:
        output: Output = runner.output(case, case.question if asked else "", rate)
    except BudgetError:
        row["refused"] += 1
        return
    row["kept"] += sum(fact in output.text for fact in facts)
    found = findings(output)
    row["false"].update(each.rule for each in found)
    row["lying"] += bool(found)
    if found and len(row["worst"]) < 3:
        seen = {each.rule: each.where for each in found}
        row["worst"].append({"question": case.question, "output": output.text[:600], **seen})
