"""How much less time edgelingua-nano takes than edgelingua-mini, in interleaved rounds.

    python -m benchmarks.quality.speed --data DIR

Both read the same cases, one thread, one after the other in every round, by turns the one and the
other first: the tokenized passages (``model``: windows and graph), the passages (``score``:
tokenizer too), and the whole of `compress` at rate 0.2 (``compress``: units, guard and budget too).
Adds a line a round, set, model and mode to ``results/speed.jsonl``: seconds of the processor. Each
job is done once before the first round. `benchmarks.quality.report` makes the table.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
from benchmarks.common.weights import of_bundle
from benchmarks.quality.rows import Row, Rows
from benchmarks.quality.sets import Case, draw
from benchmarks.quality.tables import table
from numpy.typing import NDArray

from edgelingua import Budget, ModelBundle, load_compressor
from edgelingua.compressors import Compressor
from edgelingua.models.registry import find_bundle
from edgelingua.ort.session import RunOptions
from edgelingua.prompt import Prompt
from edgelingua.scorers import ClassifierScorer

HERE = Path(__file__).parent
KEY = ("set", "asks", "what", "model", "round")
CASES: Mapping[str, int] = {"nq": 4, "hotpotqa": 6, "musique": 3, "squad": 20}
MODELS = ("mini", "nano")
RATE = 0.2
LABELS: Mapping[str, str] = {
    "model": "model",
    "score": "tokenizer and model",
    "compress": "the whole of `compress`",
}


def main() -> None:
    """Measure the rounds that are not there yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the development sets")
    parser.add_argument("--results", type=Path, default=HERE / "results" / "speed.jsonl")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--mini", default="edgelingua-mini", help="its bundle")
    parser.add_argument("--nano", default="edgelingua-nano", help="its bundle")
    options = parser.parse_args()
    bundles = {"mini": options.mini, "nano": options.nano}
    weights = {name: of_bundle(bundle) for name, bundle in bundles.items()}
    run = RunOptions(threads=1)
    scorers = {
        name: ClassifierScorer(ModelBundle.open(find_bundle(bundle)), options=run)
        for name, bundle in bundles.items()
    }
    compressors = {
        name: load_compressor("llmlingua2", bundle, options=run) for name, bundle in bundles.items()
    }
    cases = {name: draw(name, options.data, count) for name, count in CASES.items()}
    rows = Rows(options.results, KEY)
    for number in range(-1, options.rounds):
        for (name, some), asks in product(cases.items(), (True, False)):
            for model in sorted(bundles, reverse=number % 2 == 1):
                ids = tokenized(scorers[model], some, asks)
                jobs = {
                    "model": partial(read, scorers[model], ids),
                    "score": partial(score, scorers[model], some, asks),
                    "compress": partial(compress, compressors[model], some, asks),
                }
                for what, job in jobs.items():
                    if rows.has(name, asks, what, model, number, weights=weights[model]):
                        continue
                    began = time.process_time()
                    job()
                    seconds = round(time.process_time() - began, 5)
                    key = dict(zip(KEY, (name, asks, what, model, number), strict=True))
                    if number >= 0:
                        rows.add({**key, "weights": weights[model], "cpu": seconds})


Ids = NDArray[np.int64]


def tokenized(
    scorer: ClassifierScorer, cases: Sequence[Case], asks: bool
) -> list[tuple[Ids, Ids | None]]:
    """Ids of each passage of the cases, and of its question."""
    encode = scorer.tokenizer.encode
    return [
        (encode(passage).ids, encode(case.question).ids if asks else None)
        for case in cases
        for passage in case.passages
    ]


def read(scorer: ClassifierScorer, ids: Sequence[tuple[Ids, Ids | None]]) -> None:
    """Score tokenized passages."""
    for passage, question in ids:
        scorer.score_ids(passage, question=question)


def score(scorer: ClassifierScorer, cases: Sequence[Case], asks: bool) -> None:
    """Score all passages of the cases."""
    for case in cases:
        for passage in case.passages:
            scorer.score(passage, case.question if asks else "")


def compress(compressor: Compressor, cases: Sequence[Case], asks: bool) -> None:
    """Compress the cases, as a user does."""
    for case in cases:
        prompt = Prompt.build(case.passages, question=case.question if asks else "")
        compressor.compress(prompt, Budget(rate=RATE))


def ratios(rows: Sequence[Row], what: str, asks: bool) -> Mapping[str, float]:
    """Median over the rounds of how many times nano's seconds mini takes, by set and in all.

    Rounds that are not whole are left out. In all: the seconds of all sets together.
    """
    of = {(r["set"], r["model"], r["round"]): r["cpu"] for r in rows
          if r["what"] == what and r["asks"] == asks}  # fmt: skip
    keys = list(product(CASES, MODELS))
    rounds = [n for n in sorted({n for *_, n in of}) if all((*key, n) in of for key in keys)]
    if not rounds:
        return {}
    mini, nano = (
        np.asarray([[of[name, model, each] for name in CASES] for each in rounds])
        for model in MODELS
    )
    by_set = dict(zip(CASES, np.median(mini / nano, axis=0).tolist(), strict=True))
    return {**by_set, "all": float(np.median(mini.sum(1) / nano.sum(1)))}


def nano_speed(rows: Sequence[Row]) -> str:
    """Return the table of the ratios.

    Raises
    ------
    ValueError
        Rows of different weights of one model.
    """
    weights = {(row["model"], row["weights"]) for row in rows}
    if len(weights) > len(MODELS):
        raise ValueError(f"speed.jsonl: rows of different weights ({weights}); delete the old ones")
    sets = [*CASES, "all"]
    lines = []
    for what, label in LABELS.items():
        for asks in (True, False):
            found = ratios(rows, what, asks)
            if found:
                cells = [f"{found[name]:.1f}" for name in sets]
                lines.append([label, "yes" if asks else "–", *cells])
    if not lines:
        return ""
    count = len({row["round"] for row in rows})
    return (
        "How many times edgelingua-nano's processor time edgelingua-mini takes: medians of "
        f"{count} interleaved rounds, one thread.\n\n"
        + table(["mini / nano", "sees the question", *sets], lines)
        + "\n"
    )


if __name__ == "__main__":
    main()
