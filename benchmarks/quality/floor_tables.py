"""The constants of a floor, and what it promised beside what was observed.

    python -m benchmarks.quality.floor_tables --rows FILE --bundles models/edgelingua-mini

Every second question of `CALIBRATED` and all of `WHOLLY` make the constants, which go into the
bundle as ``floors.json``; the others, and sets that were not calibrated on, are what they are tried
on.
Writes ``floors.md`` beside this script.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from operator import itemgetter
from pathlib import Path

import numpy as np
from benchmarks.common import jsonl
from benchmarks.common.weights import of_bundle
from benchmarks.quality.rows import Row
from numpy.typing import NDArray

from edgelingua.bundle.floors import FILE, Floors
from edgelingua.bundle.manifest import MANIFEST
from edgelingua.files.safe import hash_file

HERE = Path(__file__).parent
CALIBRATED = ("nq", "hotpotqa", "squad")
WHOLLY = ("musique",)
"""Questions of two steps, too few to be halved: 0.99 takes 99 at least."""
UNSEEN = ("2wikimultihop", "friendsqa")
EMPTY = ("squad-none", "nq-none")
CHANCES = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99)
SHOWN = (0.8, 0.9, 0.95, 0.99)
FAINT = 0.05
"""Of the texts with an answer that may be said to have none."""

Sets = Mapping[str, Sequence[Row]]


def main() -> None:
    """Make constants and tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=Path, nargs="+", required=True, help="made by `floors`")
    parser.add_argument("--bundles", type=Path, nargs="+", required=True, help="their folders")
    options = parser.parse_args()
    rows = [row for path in options.rows for row in jsonl.read(path)]
    parts = [made(bundle, rows) for bundle in options.bundles]
    (HERE / "floors.md").write_text("\n".join(parts))


def made(bundle: Path, rows: Sequence[Row]) -> str:
    """Put its constants into a bundle; return its tables."""
    sets: dict[str, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=itemgetter("case")):
        if row["bundle"] == bundle.name:
            sets[row["set"]].append(row)
    calibrating = {name: sets[name][::2] for name in CALIBRATED} | {n: sets[n] for n in WHOLLY}
    floors = Floors(
        {chance: share_for(chance, calibrating) for chance in CHANCES}, faint(calibrating)
    )
    write(floors, bundle, {name: len(some) for name, some in calibrating.items()})
    tried = {name: sets[name][1::2] for name in CALIBRATED} | {n: sets[n] for n in UNSEEN}
    return f"## {bundle.name}\n\n{table(floors, tried)}\n{empty(floors, tried, sets)}"


def share_for(chance: float, calibrating: Sets) -> float:
    """The largest of the shares that the sets ask for; 1 where there are too few questions."""
    shares = []
    for rows in calibrating.values():
        needed = sorted(share_needed(row) for row in rows)
        place = math.ceil((len(needed) + 1) * chance)
        shares.append(needed[place - 1] if place <= len(needed) else 1.0)
    return min(1.0, math.ceil(max(shares) * 1e4) / 1e4)


def share_needed(row: Row) -> float:
    """Share of the scores that the units kept must have; infinite where none is enough."""
    if row["needs"] is None:
        return math.inf
    scores = np.asarray(row["scores"])
    return float(scores[scores >= row["needs"]].sum() / scores.sum())


def faint(calibrating: Sets) -> float:
    """The best score that all but `FAINT` of the texts with an answer have, in every set."""
    lowest = []
    for rows in calibrating.values():
        best = sorted(row["scores"][0] for row in rows)
        place = math.floor((len(best) + 1) * FAINT)
        lowest.append(best[place - 1] if place else 0.0)
    return round(min(lowest), 4)


def write(floors: Floors, bundle: Path, questions: Mapping[str, int]) -> None:
    """Put the constants into a bundle, with their hash."""
    shares = {str(chance): share for chance, share in floors.shares.items()}
    value: dict[str, object] = {
        "shares": shares,
        "faint": floors.faint,
        "questions": dict(questions),
    }
    value["weights"] = of_bundle(bundle)
    (bundle / FILE).write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    manifest = json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))
    size, digest = (bundle / FILE).stat().st_size, hash_file(bundle / FILE)
    files = manifest["files"] | {FILE: {"size": size, "sha256": digest}}
    manifest["files"] = dict(sorted(files.items()))
    (bundle / MANIFEST).write_text(
        json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def tokens(row: Row, score: float) -> float:
    """Tokens that are kept down to a score, between those that were counted."""
    scores, kept = np.asarray(row["curve"]).T
    best = np.asarray(row["scores"])
    if score > scores[0]:  # fewer units than were tried: as long as those on average
        return float(kept[0] * (best >= score).sum() / (best >= scores[0]).sum())
    return float(np.interp(-score, -scores, kept))


def rate(row: Row, score: float) -> float:
    """The fraction of tokens that is kept down to a score."""
    return min(1.0, tokens(row, score) / float(row["tokens_in"]))


def chosen(row: Row, share: float) -> float:
    """The score down to which units are kept, as `Units.threshold_for` finds it."""
    scores = np.asarray(row["scores"])
    sums = np.cumsum(scores) / scores.sum()
    return float(scores[min(len(scores) - 1, int((sums < share - 1e-9).sum()))])


def interval(hits: int, of: int) -> tuple[float, float]:
    """Wilson's interval of a share, at 95 %."""
    z, share = 1.96, hits / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return middle - half, middle + half


def table(floors: Floors, tried: Sets) -> str:
    """Promised and observed, and the rate beside a fixed one of equal quality."""
    out = ["| set | n | promised | observed | 95 % interval | mean rate | fixed rate |"]
    out.append("|---|---|---|---|---|---|---|")
    for name, rows in tried.items():
        needed = needed_rates(rows)
        for chance in SHOWN:
            scores = [chosen(row, floors.share(chance)) for row in rows]
            survived = [
                row["needs"] is not None and score <= row["needs"]
                for row, score in zip(rows, scores, strict=True)
            ]
            hits, mean = sum(survived), np.mean([*map(rate, rows, scores)])
            low, high = interval(hits, len(rows))
            # Of fixed rates, the lowest at which as many answers survive.
            fixed = needed[hits - 1] if hits else 0.0
            out.append(
                f"| {name} | {len(rows)} | {100 * chance:.0f} | {100 * hits / len(rows):.1f} | "
                f"{100 * low:.1f} to {100 * high:.1f} | {mean:.2f} | {fixed:.2f} |"
            )
    return "\n".join(out) + "\n"


def needed_rates(rows: Sequence[Row]) -> NDArray[np.float64]:
    """The rate from which each answer survives, ascending."""
    return np.sort([1.0 if r["needs"] is None else rate(r, r["needs"]) for r in rows])


def empty(floors: Floors, tried: Sets, sets: Sets) -> str:
    """How often it says that there is no answer, where there is none and where there is one."""
    out = ["| set | n | has an answer | it says there is none |", "|---|---|---|---|"]
    for name, rows in [*tried.items(), *((name, sets[name]) for name in EMPTY)]:
        said = sum(row["scores"][0] < floors.faint for row in rows)
        there = "no" if name in EMPTY else "yes"
        out.append(f"| {name} | {len(rows)} | {there} | {100 * said / len(rows):.0f} % |")
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    main()
