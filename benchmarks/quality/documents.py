"""What a reader answers where every document keeps its best words, and where few documents do.

    python -m benchmarks.quality.documents MODEL.gguf --name qwen2.5-0.5b --data DIR --count FILE

At one rate edgelingua-mini spends its tokens on the words that score best, wherever they stand
(``document_rate=1``), or on those of the documents alone that score best on average
(`edgelingua.compressors.TokenPruner`). Adds a row for each set, share of documents and case to
``results/documents.jsonl``: whether an answer stands in what is kept, and what a small reader makes
of it in llama.cpp, greedily (`benchmarks.quality.reader`). Writes ``documents.md``.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from benchmarks.quality.methods import CONTENDERS, Runner
from benchmarks.quality.reader import read
from benchmarks.quality.reader_tables import beside
from benchmarks.quality.rows import Row, Rows
from benchmarks.quality.run import HERE, context
from benchmarks.quality.sets import draw, found
from benchmarks.quality.survival import survives
from benchmarks.quality.tables import table

from edgelingua import LlamaModel
from edgelingua.text.counting import counter

KEY = ("reader", "set", "rate", "documents", "case")
SHARES = (1.0, 0.5, 0.2)
FIGURES = {"alive": "answer kept", "in": "contained", "em": "exact", "f1": "F1"}


def main() -> None:
    """Add the rows that are missing, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", type=Path, help="a GGUF file")
    parser.add_argument("--name", required=True, help="of the reader, in the results")
    parser.add_argument("--data", type=Path, required=True, help="folder of the development sets")
    parser.add_argument("--count", required=True, help="counts tokens: a tokenizer.json or a GGUF")
    parser.add_argument("--sets", default="nq,hotpotqa")
    parser.add_argument("--rate", type=float, default=0.2)
    parser.add_argument("--cases", type=int, default=60, help="of each set")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    reader = LlamaModel(options.model, threads=options.threads)
    rows = Rows(HERE / "results" / "documents.jsonl", KEY)
    asking, count = CONTENDERS["mini-question"], counter(options.count)
    runners = {
        share: Runner(replace(asking, document_rate=share), "edgelingua-mini", count)
        for share in SHARES
    }
    for name in options.sets.split(","):
        for number, case in enumerate(draw(name, options.data, options.cases)):
            for share, runner in runners.items():
                where = (options.name, name, options.rate, share, number)
                if rows.get(*where):
                    continue
                outcome = runner.compress(case.passages, case.question, options.rate)
                said = read(reader, context(outcome), case, plain=False)
                contained = any(found(str(said["text"]), answer) for answer in case.answers)
                figures = {
                    "alive": int(survives(outcome.compressed, case.answers)),
                    "in": int(contained),
                    **{key: said[key] for key in ("em", "f1", "tokens")},
                }
                rows.add({**dict(zip(KEY, where, strict=True)), **figures})
    (HERE / "documents.md").write_text(page(list(rows)), encoding="utf-8")


def page(rows: list[Row]) -> str:
    """Lay out all that was measured, each share of the documents beside all of them, in pairs."""
    lines = []
    for reader, name, rate in sorted({(r["reader"], r["set"], r["rate"]) for r in rows}):
        mine = [r for r in rows if (r["reader"], r["set"], r["rate"]) == (reader, name, rate)]
        cases = {share: {r["case"]: r for r in mine if r["documents"] == share} for share in SHARES}
        shared = sorted(set.intersection(*map(set, cases.values())))
        for share in SHARES:
            cells = [f"{name}, n = {len(shared)}, {rate}", reader, f"{share:g}"]
            for figure in FIGURES:
                own, every = (
                    np.array([cases[s][number][figure] for number in shared], float)
                    for s in (share, SHARES[0])
                )
                cells.append(beside(own, every) if share < 1 else f"{100 * own.mean():.0f}")
            lines.append([*cells, f"{np.mean([cases[share][k]['tokens'] for k in shared]):.0f}"])
    head = ["set, rate", "reader", "share of documents", *FIGURES.values(), "tokens read"]
    return (
        "# Few documents whole, or the best of all\n\n"
        "In %, with 95 % intervals of the difference to all documents, cases in pairs. Made by\n"
        "`benchmarks/quality/documents.py` from `results/documents.jsonl`.\n\n"
        f"{table(head, lines)}\n"
    )


if __name__ == "__main__":
    main()
