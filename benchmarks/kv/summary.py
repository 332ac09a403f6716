"""What the README shows of the cache's policies: one table and one plot, of all results.

    python -m benchmarks.kv.summary

Writes ``summary.md`` and ``summary.svg`` beside this script. Measures nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from statistics import mean
from typing import Any

import numpy as np
from benchmarks.common import svg
from benchmarks.kv.common import HERE
from benchmarks.kv.log import read_rows
from benchmarks.kv.plots import panels, style
from benchmarks.kv.retrieval_tables import answers

CAP = 512
FURTHEST = 0.2
"""Rise of the perplexity beyond which a policy is in the table only."""

NUDGES = {
    "h2o, chunks": 5,
    "knorm, phrases, window": -12,
    "knorm, phrases, window, q8_0": 4,
    "lagkv": -10,
    "random": 5,
    "snapkv": -14,
    "snapkv, chunks": -14,
    "streaming": 3,
    "tova": 5,
}
"""Points up or down for names that would lie on each other."""
Row = dict[str, Any]


def main() -> None:
    """Read the results of the other scripts."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    found = {name: read_rows(HERE / f"{name}.jsonl") for name in ("retrieval", "perplexity")}
    (HERE / "summary.md").write_text(table(**found), encoding="utf-8")
    plot(**found)


def rise(perplexity: list[Row], name: str) -> float | None:
    """Perplexity at `CAP` over the full cache's, less one; ``None`` if it was not measured."""
    full = [row for row in perplexity if row["name"] == "full cache"]
    mine = [row for row in perplexity if (row["name"], row["cap"]) == (name, CAP)]
    same = [(m, f) for m in mine for f in full if m["tokens"] == f["tokens"]]
    return same[0][0]["perplexity"] / same[0][1]["perplexity"] - 1 if same else None


def table(retrieval: list[Row], perplexity: list[Row]) -> str:
    """A row for each variant that was asked for facts."""
    caps = sorted({row["cap"] for row in retrieval if row["cap"]})
    heads = [
        "policy",
        f"perplexity, cap {CAP}",
        *(f"facts, cap {cap}" for cap in caps),
    ]
    out = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for name in dict.fromkeys(["full cache", *(row["name"] for row in retrieval)]):
        risen = rise(perplexity, name)
        cells = [name, "-" if risen is None else f"{risen:+.1%}"]
        for cap in caps:
            told = answers(
                retrieval, name=name, cap=0 if name == "full cache" else cap, known=False
            )
            right = sum(answer["right"] for answer in told)
            cells.append(f"{right} of {len(told)}, {_nats(told):.1f} nats" if told else "-")
        if name == "full cache":
            cells[1] = f"{next(r['perplexity'] for r in perplexity if r['name'] == name):.2f}"
        out.append("| " + " | ".join(cells) + " |")
    return "\n".join(out) + "\n"


def plot(retrieval: list[Row], perplexity: list[Row]) -> None:
    """What reading on costs against what finding facts costs, both at `CAP`; ringed: the front."""
    with panels(HERE / "summary.svg", 1, 1, width=7) as axes:
        panel = axes[0][0]
        seen = []
        for name in dict.fromkeys(row["name"] for row in retrieval if row["cap"]):
            risen = rise(perplexity, name)
            told = answers(retrieval, name=name, cap=CAP, known=False)
            if risen is None or risen > FURTHEST or not told:
                continue
            whole = "chunks" in name or "phrases" in name
            at = (100 * risen, _nats(told))
            seen.append(at)
            panel.plot(*at, "o" if whole else "x", color=style(name)["color"], markersize=9)
            panel.annotate(
                name,
                at,
                xytext=(8 if whole else -8, NUDGES.get(name, -3)),
                textcoords="offset points",
                ha="left" if whole else "right",
                fontsize="small",
            )
        best = np.asarray(front(seen))
        panel.plot(*best.T, "-o", color=svg.INK, markersize=15, fillstyle="none", linewidth=0.8)
        full = _nats(answers(retrieval, name="full cache", known=False))
        panel.axhline(full, color=svg.INK, linestyle=":")
        panel.annotate("full cache", (0.01, full + 0.15), xycoords=("axes fraction", "data"))
        panel.set_xlabel(f"perplexity above the full cache's, %, cap {CAP}")
        panel.set_ylabel("nats of a fact asked for (less is better)")
        panel.set_ylim(bottom=0)
        panel.margins(x=0.35)


def front(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Those beside which no other is better in one figure and no worse in the other; ascending."""
    best: list[tuple[float, float]] = []
    for point in sorted(points):
        if not best or point[1] < best[-1][1]:
            best.append(point)
    return best


def _nats(told: list[Row]) -> float:
    return float(mean(answer["nats"] for answer in told))


if __name__ == "__main__":
    main()
