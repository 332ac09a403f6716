"""How much of what a reader needs survives, by a scorer's bundle.

    python -m benchmarks.quality.run BUNDLE --data DIR --sets nq,hotpotqa --limit 100

Words of all passages of a question are ranked together by the scorer's mean score, the best ones
are kept, and an answer survives when all its words are. Each passage is scored for itself, or, with
``--joined``, all of them as one text, cut into windows wherever they fall. Prints a table, and one
JSON line a set to ``--results``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from itertools import islice
from pathlib import Path

import numpy as np
from benchmarks.quality.sets import SETS
from benchmarks.quality.survival import JOINT, RATES, Target, of_words, retention, target
from numpy.typing import NDArray

from edgelingua.bundle import ModelBundle
from edgelingua.scorers import ClassifierScorer, PerplexityScorer
from edgelingua.scores import Scorer


def main() -> None:
    """Measure a bundle on the sets that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder of the development sets")
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--limit", type=int, help="cases of each set")
    parser.add_argument("--joined", action="store_true", help="score all passages as one text")
    parser.add_argument("--no-question", action="store_true")
    parser.add_argument("--results", type=Path, help="a JSON lines file to add to")
    options = parser.parse_args()
    bundle = ModelBundle.open(options.bundle)
    kind = ClassifierScorer if bundle.manifest.task == "classifier" else PerplexityScorer
    scorer: Scorer = kind(bundle)
    print("set | " + " | ".join(str(rate) for rate in RATES))
    for name in options.sets.split(","):
        cases = list(islice(SETS[name](options.data), options.limit))
        targets = [target(case) for case in cases]
        began, scores = time.perf_counter(), []
        for number, (case, wanted) in enumerate(zip(cases, targets, strict=True), start=1):
            question = "" if options.no_question else case.question
            passages = (wanted.text,) if options.joined else case.passages
            scores.append(word_scores(scorer, passages, question, wanted))
            print(f"\r{name}: {number} of {len(cases)}", end="", file=sys.stderr)
        seconds = time.perf_counter() - began
        print(file=sys.stderr)
        table = retention(scores, targets)
        for figure in ("answer", "evidence"):
            if all(figure in row for row in table.values()):
                cells = [f"{100 * row[figure]:.1f}" for row in table.values()]
                print(f"{name} {figure} | " + " | ".join(cells))
        if options.results:
            row = {
                "bundle": options.bundle.name,
                "set": name,
                "cases": len(cases),
                "question": not options.no_question,
                "joined": options.joined,
                "retention": table,
                "seconds": round(seconds, 1),
            }
            with options.results.open("a", encoding="utf-8") as file:
                print(json.dumps(row), file=file)


def word_scores(
    scorer: Scorer, passages: tuple[str, ...], question: str, wanted: Target
) -> NDArray[np.float32]:
    """Score of each word of a case, its passages scored one by one: ``(n,)``."""
    spans, scores, at = [], [], 0
    for passage in passages:
        found = scorer.score(passage, question)
        spans.append(found.spans + at)
        scores.append(found.scores)
        at += len(passage) + len(JOINT)
    return of_words(wanted.spans, np.concatenate(spans), np.concatenate(scores))


if __name__ == "__main__":
    main()
