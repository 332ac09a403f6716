"""Put the files of a run's parts together.

    python -m benchmarks.quality.merge survival DIR/survival-*.jsonl
    python -m benchmarks.quality.merge texts DIR/texts-*.jsonl --into DIR/texts.jsonl

The parts' rows go into ``results/KIND.jsonl``, or ``--into``, once each, a later one in the place
of an earlier one. Rows there that other weights made than the parts' are taken out, and counted on
stderr, so that what is compared was made with the same models. Parts that were made with different
weights are refused.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import jsonl
from benchmarks.quality.methods import CONTENDERS
from benchmarks.quality.rows import Row, Rows
from benchmarks.quality.run import HERE


def _model(row: Row) -> str:
    """Which model made a text: one for all methods that run on it."""
    contender = CONTENDERS.get(row["method"])
    return (contender.needs if contender else None) or "no model"


@dataclass(frozen=True)
class Kind:
    """A kind of results.

    ``key`` tells its rows apart; ``made_by``: fields that hold weights, each with the name of the
    model whose they are: rows with the same name are to have the same weights.
    """

    key: tuple[str, ...]
    made_by: Mapping[str, Callable[[Row], str]]


_LANGUAGES = Kind(("set", "method", "case"), {"weights": lambda row: str(row["method"])})

KINDS = {
    "multi": _LANGUAGES,
    "transfer": _LANGUAGES,
    "foreign": _LANGUAGES,
    "survival": Kind(("set", "method", "case"), {"weights": _model}),
    "texts": Kind(("set", "method", "case"), {"weights": _model}),
    "reader": Kind(
        ("reader", "set", "method", "rate", "case"),
        {"weights": _model, "reader_weights": lambda row: str(row["reader"])},
    ),
    "continuation": Kind(
        ("kind", "method", "rate", "place"),
        {"weights": _model, "scorer_weights": lambda row: "scorer"},
    ),
}


def main() -> None:
    """Merge what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("parts", type=Path, nargs="+", help="files of the parts")
    parser.add_argument("--into", type=Path, help="default: results/KIND.jsonl; texts: needed")
    options = parser.parse_args()
    if options.kind == "texts" and options.into is None:
        parser.error("texts: --into is needed; they are of the data sets, and not for results/")
    into = options.into or HERE / "results" / f"{options.kind}.jsonl"
    kind = KINDS[options.kind]
    new = [row for part in options.parts for row in Rows(part, kind.key)]
    try:
        rows, dropped = merged(list(Rows(into, kind.key)), new, kind)
    except ValueError as error:
        parser.error(str(error))
    jsonl.replace(into, (json.dumps(row, separators=(",", ":")) for row in rows))
    print(f"{into}: {len(rows)} rows; {dropped} of other weights dropped", file=sys.stderr)


def merged(old: Iterable[Row], new: Iterable[Row], kind: Kind) -> tuple[list[Row], int]:
    """Return all rows in the order of their keys, and how many old ones were taken out.

    Raises
    ------
    ValueError
        New rows of one model were made with different weights.
    """
    new = list(new)
    weights = made_with(new, kind)
    rows, dropped = {}, 0
    for row in old:
        if all(weights.get(at, found) == found for at, found in _made_with(row, kind).items()):
            rows[_key(row, kind)] = row
        else:
            dropped += 1
    rows |= {_key(row, kind): row for row in new}
    return [rows[key] for key in sorted(rows)], dropped


def made_with(rows: Iterable[Row], kind: Kind) -> dict[tuple[str, str], str]:
    """Weights of each model, by the field that holds them and the model's name.

    Raises
    ------
    ValueError
        Rows of one model were made with different weights.
    """
    weights: dict[tuple[str, str], str] = {}
    for row in rows:
        for at, found in _made_with(row, kind).items():
            if weights.setdefault(at, found) != found:
                raise ValueError(
                    f"{at[1]}: rows were made with {at[0]} {weights[at] or 'not recorded'} and "
                    f"{found or 'not recorded'}; leave the one or the other out"
                )
    return weights


def _made_with(row: Row, kind: Kind) -> dict[tuple[str, str], str]:
    return {(field, name(row)): row.get(field, "") for field, name in kind.made_by.items()}


def _key(row: Row, kind: Kind) -> tuple[object, ...]:
    return tuple(row[name] for name in kind.key)


if __name__ == "__main__":
    main()
