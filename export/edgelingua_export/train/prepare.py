"""From a recipe and a folder of data to a tokenized corpus."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache
from itertools import islice
from pathlib import Path

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.scorers import PerplexityScorer
from edgelingua.text.tokenizer import TextTokenizer
from edgelingua_export.errors import ExportError
from edgelingua_export.reports import Report, paced
from edgelingua_export.train import (
    labels,
    readers_lines,
    readers_multi,
    readers_qa,
    readers_text,
)
from edgelingua_export.train.augment import blind, cloze, other_digits, second_pass
from edgelingua_export.train.compose import composed
from edgelingua_export.train.corpus import Corpus, tokenize
from edgelingua_export.train.hostile import with_hostile
from edgelingua_export.train.labels import Example
from edgelingua_export.train.memory.worked import worked
from edgelingua_export.train.negatives import Nearest, pooled, with_negatives
from edgelingua_export.train.recipe import DataSet, Recipe
from edgelingua_export.train.records import records
from edgelingua_export.train.surprisal import labelled

READERS: Mapping[str, Callable[[Path], Iterable[Example]]] = {
    "labels": labels.read,
    "squad": readers_qa.squad,
    "squad-answers": readers_qa.squad_answers,
    "hotpotqa": readers_qa.hotpot,
    "2wikimultihop": readers_qa.two_wiki,
    "musique": readers_qa.musique,
    "questions": readers_multi.questions,
    "lines": readers_lines.lines,
    "qmsum": readers_text.qmsum,
    "qmsum-evidence": readers_text.evidence,
    "ami": readers_text.ami,
    "deletions": readers_text.deletions,
    "conllu": readers_text.conllu,
    "text": readers_text.plain,
    "worked": worked,
}
"""By the name of the format; ``records`` is made up and has no file."""


def prepare(
    recipe: Recipe,
    read: Callable[[], Sequence[Example]],
    tokenizer: TextTokenizer,
    folder: Path,
    report: Report,
) -> Corpus:
    """Tokenize what ``read`` brings of the recipe's data, or load what an earlier run made of it.

    The corpus is kept in ``folder``, under a name that its recipe's data, seed and base decide.

    Raises
    ------
    ExportError
        There are no examples.
    """
    described = json.dumps([asdict(s) for s in recipe.data] + [recipe.seed, recipe.base])
    path = folder / f"corpus-{hashlib.sha256(described.encode()).hexdigest()[:12]}.npz"
    if path.is_file():
        report("taking the corpus that an earlier run has prepared")
        return Corpus.load(path)
    found = read()
    report(f"tokenizing {len(found):,} texts")
    corpus = tokenize(_counted(found, report), tokenizer)
    folder.mkdir(parents=True, exist_ok=True)
    corpus.save(path)
    return corpus


def _counted(found: Sequence[Example], report: Report) -> Iterator[Example]:
    """Tell every few seconds how many have been taken."""
    slowly = paced(report)
    for done, example in enumerate(found):
        slowly(f"tokenized {done:,} of {len(found):,} texts")
        yield example


def everything(recipe: Recipe, data: Path, report: Report) -> Iterator[Example]:
    """Yield the examples of all of a recipe's data sets, each set's number as their source.

    Raises
    ------
    ExportError
        A file is missing, is of another format, or holds no example.
    """
    pool: dict[str, None] = {}
    near = cache(lambda: Nearest(pool))
    # Sets that take their texts from the others come last.
    for number, data_set in sorted(enumerate(recipe.data), key=lambda each: each[1].pooled > 0):
        found = examples(data_set, data, recipe.seed + number)
        if data_set.pooled and not pool:
            raise ExportError(
                f"{data_set.format} {data_set.file}: pooled takes texts of the recipe's other data "
                "sets with questions, and there is none"
            )
        if data_set.pooled:
            found = list(pooled(found, near(), data_set.pooled))
        else:
            pool |= {example.text: None for example in found if example.question}
        if not found:
            made = ", or none that can be composed" if data_set.composed else ""
            raise ExportError(
                f"{data / data_set.file}: no examples of format {data_set.format}{made}"
            )
        report(f"{data_set.format} {data_set.file}: {len(found):,} texts")
        # The number of the data set stands for its name: recipes may use a file twice.
        for example in other_digits(found, data_set.digits, recipe.seed + number):
            group = example.group and f"{number}:{example.group}"
            yield replace(example, source=str(number), group=group)


def examples(data_set: DataSet, data: Path, seed: int) -> list[Example]:
    """Return one data set's examples, grouped; all of their options but ``pooled`` and ``digits``.

    Raises
    ------
    ExportError
        The format is unknown.
    """
    if data_set.format == "records":
        found: Iterable[Example] = records(data_set.limit or 1000, seed)
    elif data_set.format in READERS:
        found = READERS[data_set.format](data / data_set.file)
    else:
        raise ExportError(f"format {data_set.format!r}: expected records, {', '.join(READERS)}")
    if data_set.left_out:
        found = (example for example in found if not example.left_out(data_set.left_out))
    chosen = list(islice(found, data_set.limit or None))
    if data_set.scorer:
        scorer = PerplexityScorer(ModelBundle.open(Path(data_set.scorer).expanduser()))
        chosen = list(labelled(chosen, scorer))
    if data_set.cloze:
        chosen = list(cloze(chosen, seed))
    if data_set.composed:
        chosen = list(composed(chosen, data_set.composed, seed))
    if data_set.negatives:
        chosen = list(with_negatives(chosen, data_set.negatives))
    if data_set.hostile:
        chosen = list(with_hostile(chosen, data_set.hostile, seed))
    if data_set.second_pass:
        chosen += list(second_pass(chosen, seed))
    if data_set.blind:
        chosen = list(blind(chosen))
    if data_set.taught:
        chosen = [replace(example, marks=(), known=False) for example in chosen]
    return chosen
