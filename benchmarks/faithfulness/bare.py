"""What the model itself makes of hostile documents: its scores alone, beside those with all rules.

    python -m benchmarks.faithfulness.bare --cases 10

The texts of the parts ``crowd`` and ``inject`` of `benchmarks.faithfulness.run`. *Bare* keeps the
best words by edgelingua-mini's scores: both texts are read as one, once; nothing is recognised, no
word guarded, no repeated question blanked out. Writes ``bare.jsonl`` and ``bare.md``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.common import single_run
from benchmarks.faithfulness import crowding
from benchmarks.faithfulness.contenders import CONTENDERS, Contender, Runner
from benchmarks.faithfulness.hostile import ATTACKS
from benchmarks.quality.tables import table

from edgelingua import Compressed, Prompt
from edgelingua.compressors import Pruner, Rules, TokenPruner
from edgelingua.models.registry import DEFAULT_READER, find_reader
from edgelingua.text.counting import counter

HERE = Path(__file__).parent
SHOWN = (
    "question echoed",
    "question's words",
    "faked questions and answers",
    "claimed answers",
    "injected instructions",
    "repeated names",
    "shouting",
)
"""Attacks on what a model reads; others are on the rules."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Bare(Contender):
    """The model alone."""

    def made(self, bundle: str) -> Pruner:
        """Make the compressor; a pruner that knows no longest question reads all as one text."""
        pruner = super().made(bundle)
        if not isinstance(pruner, TokenPruner):
            raise SystemExit(f"{bundle}: not a classifier")
        rules = Rules(guard=False, rank_records=False)
        return replace(pruner, rules=rules, longest_question=0, second_pass=False)


class BareRunner(Runner):
    """Reads all as prose."""

    def compress(self, prompt: Prompt, rate: float) -> Compressed:
        """Keep ``rate`` of the texts' tokens."""
        texts = [segment.text for segment in prompt.segments if segment.role == "context"]
        return super().compress(
            Prompt.build(texts, question=prompt.question, structure="off"), rate
        )


def main() -> None:
    """Measure, and write rows and page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=10, help="of each kind")
    parser.add_argument("--attacks", default=",".join(SHOWN), help=f"of {', '.join(ATTACKS)}")
    parser.add_argument("--bundle", default="edgelingua-mini")
    options = parser.parse_args()
    count = counter(find_reader(DEFAULT_READER))
    runners: dict[str, Runner] = {
        "rules": Runner(CONTENDERS["default"], options.bundle, count),
        "bare": BareRunner(Bare("edgelingua-mini, bare"), options.bundle, count),
    }
    rows = []
    for name, runner in runners.items():
        for made in measured(options.attacks.split(","), range(options.cases), runner, count):
            rows.append({"which": name, **crowding.means(dict(made))})
    shown = page(rows, options.cases)
    single_run.write(rows, HERE / "bare.jsonl", shown, HERE / "bare.md", bundle=options.bundle)


def measured(
    attacks: Sequence[str], numbers: range, runner: Runner, count: Callable[[str], int]
) -> Iterator[Row]:
    """Rows of all attacks, and of instructions in every place."""
    for attack in attacks:
        yield from crowding.crowd(attack, numbers, runner, count)
    for place in crowding.PLACES:
        yield from crowding.inject(place, numbers, runner)


def page(rows: Sequence[Row], cases: int) -> str:
    """Return the page: what stays at each rate, with rules and bare."""
    attacks = list(dict.fromkeys(row["attack"] for row in rows if "attack" in row))
    guards = [
        [attack, *(_cell(rows, which, f"guard_{beside}", attack=attack, question=True)
                   for which in ("rules", "bare") for beside in ("hostile", "ordinary")),
         *(_cell(rows, which, f"answer_{beside}", attack=attack, question=True)
           for which in ("rules", "bare") for beside in ("hostile", "ordinary"))]
        for attack in attacks
    ]  # fmt: skip
    beside = ("hostile", "ordinary")
    head = [f"{what}, {which}: {doc}" for what in ("guardrail", "answer")
            for which in ("rules", "bare") for doc in beside]  # fmt: skip
    places = [
        [place, *(_cell(rows, which, what, place=place)
                  for which in ("rules", "bare") for what in ("injected", "around"))]
        for place in crowding.PLACES
    ]  # fmt: skip
    told = [f"{what}, {which}" for which in ("rules", "bare") for what in ("instruction", "prose")]
    return "\n".join([
        "# The model alone, beside hostile documents",
        "",
        f"Made by `python -m benchmarks.faithfulness.bare --cases {cases}`: share (%) that stays "
        f"at the rates {', '.join(map(str, crowding.RATES))}, with all rules and bare. With a "
        f"question; {cases} texts each.",
        "",
        table(["beside", *head], guards),
        "",
        "Instructions that hide in prose, without a question, and the prose around them:",
        "",
        table(["place", *told], places),
        "",
    ])  # fmt: skip


def _cell(rows: Sequence[Row], which: str, figure: str, **of: object) -> str:
    found = {
        row["rate"]: row[figure]
        for row in rows
        if row["which"] == which and all(row.get(name) == value for name, value in of.items())
    }
    return " / ".join(f"{100 * np.float64(found[rate]):.0f}" for rate in crowding.RATES)


if __name__ == "__main__":
    main()
