"""How alike two classifiers rank the words of a question's texts: a student beside its teacher.

    python -m benchmarks.quality.fidelity --data DIR --recipe RECIPE.toml --train DIR

For the development sets of ``--data``, and for each data set with questions of a recipe (as
``edgelingua-export train`` reads them from ``--train``, but for other digits in some; those of
``pooled`` are left out), of so many questions each:

- *rank*: rank correlation of the words' scores (Spearman),
- *best*: share of the teacher's best twentieth that is in the student's best fifth,
- *fifth*: share of the teacher's best fifth that is in the student's.

What a student has learned by heart it ranks as its teacher does; what is foreign to it, less so.
Adds to ``results/fidelity.jsonl`` what is not there of the same weights and texts, and prints the
means as a table.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from benchmarks.common.weights import of_bundle
from benchmarks.quality.rows import Row, Rows
from benchmarks.quality.sets import draw
from benchmarks.quality.tables import table
from benchmarks.quality.word_scores import of_words
from numpy.typing import NDArray

from edgelingua import ModelBundle
from edgelingua.models.registry import find_bundle
from edgelingua.ort.session import RunOptions
from edgelingua.scorers import ClassifierScorer
from edgelingua.text.boundaries import words
from edgelingua_export.train.labels import groups
from edgelingua_export.train.prepare import examples
from edgelingua_export.train.recipe import DataSet, load

HERE = Path(__file__).parent
KEY = ("set", "weights", "texts")
SETS = ("nq", "hotpotqa", "musique", "squad")
FIGURES = ("rank", "best", "fifth")
MOST_TEXTS = 20

Asked = tuple[str, tuple[str, ...]]
"""A question and its texts."""


def main() -> None:
    """Compare two models on what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the development sets")
    parser.add_argument("--recipe", type=Path, help="whose data sets are looked at too")
    parser.add_argument("--train", type=Path, help="folder of the recipe's data")
    parser.add_argument("--cases", type=int, default=40, help="questions of each set")
    parser.add_argument("--results", type=Path, default=HERE / "results" / "fidelity.jsonl")
    parser.add_argument("--teacher", default="edgelingua-mini", help="its bundle")
    parser.add_argument("--student", default="edgelingua-nano", help="its bundle")
    options = parser.parse_args()
    if (options.recipe is None) != (options.train is None):
        parser.error("--recipe and --train belong together: the data sets, and where they are")
    weights = "/".join(of_bundle(bundle) for bundle in (options.student, options.teacher))
    student, teacher = (
        ClassifierScorer(ModelBundle.open(find_bundle(bundle)), options=RunOptions(threads=1))
        for bundle in (options.student, options.teacher)
    )
    rows = Rows(options.results, KEY)
    found: dict[str, list[Row]] = {}
    for name, cases in _sets(options.data, options.recipe, options.train, options.cases):
        for question, texts in cases:
            key = name, weights, hashlib.sha256(repr((question, texts)).encode()).hexdigest()[:12]
            row = rows.get(*key)
            if row is None:
                ranked = [_ranked(model, question, texts) for model in (student, teacher)]
                row = dict(zip((*KEY, *FIGURES), (*key, *alike(*ranked)), strict=True))
                rows.add(row)
            found.setdefault(name, []).append(row)
    print(means(found))


def _sets(
    data: Path, recipe: Path | None, train: Path | None, count: int
) -> Iterator[tuple[str, list[Asked]]]:
    for name in SETS:
        cases = draw(name, data, count)
        yield f"development: {name}", [(case.question, case.passages) for case in cases]
    if recipe is None or train is None:
        return
    read = load(recipe)
    for number, each in enumerate(read.data):
        if each.pooled or each.blind or (found := _asked(each, train, read.seed + number)) == []:
            continue
        chosen = np.random.default_rng(read.seed).permutation(len(found))[:count]
        yield f"{number}: {_name(each)}", [found[i] for i in chosen.tolist()]


def _asked(data_set: DataSet, train: Path, seed: int) -> list[Asked]:
    return [
        (group[0].question, tuple(example.text for example in group[:MOST_TEXTS]))
        for group in groups(examples(data_set, train, seed))
        if group[0].question
    ]


def _name(data_set: DataSet) -> str:
    kinds = ("composed", "cloze", "second_pass", "taught")
    return " ".join([data_set.format, data_set.file, *(k for k in kinds if getattr(data_set, k))])


def _ranked(model: ClassifierScorer, question: str, texts: tuple[str, ...]) -> NDArray[np.float32]:
    """Mean score of each word of the texts ``(W,)``."""
    found = [(model.score(text, question), words(text)) for text in texts]
    return np.concatenate([of_words(spans, each.spans, each.scores) for each, spans in found])


def alike(student: NDArray[np.floating], teacher: NDArray[np.floating]) -> tuple[float, ...]:
    """Return rank correlation, and how much of the teacher's best is in the student's best.

    Of two words at least.
    """
    ranks = [np.argsort(np.argsort(-scores, kind="stable")) for scores in (student, teacher)]
    ours, theirs = (rank / len(rank) for rank in ranks)
    shares = [float((ours[theirs < best] < 0.2).mean()) for best in (0.05, 0.2)]
    a, b = (rank - rank.mean() for rank in ranks)
    rank = float(a @ b / np.sqrt((a @ a) * (b @ b)))
    return tuple(round(each, 4) for each in (rank, *shares))


def means(found: Mapping[str, Sequence[Row]]) -> str:
    """Return the table of each set's means."""
    lines = [
        [name, str(len(of)), *(f"{np.mean([row[figure] for row in of]):.3f}" for figure in FIGURES)]
        for name, of in found.items()
    ]
    return table(["set", "questions", *FIGURES], lines)


if __name__ == "__main__":
    main()
