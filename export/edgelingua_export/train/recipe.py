"""Recipes: what a model is trained on and how, as TOML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from edgelingua_export import recipe_toml
from edgelingua_export.errors import ExportError
from edgelingua_export.train.objective import Weights


@dataclass(frozen=True)
class DataSet:
    """One file of training data.

    Parameters
    ----------
    format
        How to read it: a name of `edgelingua_export.train.prepare.READERS`.
    file
        Its place in the data folder. ``records`` needs none.
    licence, origin
        For the model card.
    repeat
        How often an epoch sees it; 0.5: each group in every second epoch, by chance.
    negatives
        So many BM25-nearest texts without an answer join each question's group.
    second_pass
        Add the groups again with a sentence of evidence in the question.
    pooled
        So many texts for each question, the BM25-nearest of all texts with questions in the recipe,
        in place of its own and without labels.
    taught
        Without labels: only the teacher says what is to be kept.
    blind
        Without the questions: what answers them is to be kept all the same.
    cloze
        With questions made from sentences of the texts, in place of the set's own.
    composed
        With questions of two and three steps made of the set's own, and so many texts for each; see
        `edgelingua_export.train.compose`.
    hostile
        Share of the groups that get a text more that wants to be kept; see
        `edgelingua_export.train.hostile`.
    digits
        Share of the groups whose digits are permuted.
    limit
        Use the first so many examples only; 0: all.
    left_out
        Share of the questions, by their names, that a benchmark asks and nothing is trained on.
    scorer
        Folder of a scorer bundle: its surprisal gives the labels, in place of the format's own. See
        `edgelingua_export.train.surprisal`.
    """

    format: str
    file: str = ""
    licence: str = ""
    origin: str = ""
    repeat: float = 1.0
    negatives: int = 0
    second_pass: bool = False
    pooled: int = 0
    taught: bool = False
    blind: bool = False
    cloze: bool = False
    composed: int = 0
    hostile: float = 0.0
    digits: float = 0.1
    limit: int = 0
    left_out: float = 0.0
    scorer: str = ""


@dataclass(frozen=True)
class Windows:
    """How texts become windows; see `edgelingua_export.train.batches.Layout`."""

    window: int = 256
    question: int = 64
    passages: int = 10
    stream: float = 0.3


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    Parameters
    ----------
    epochs
        Passes over the groups.
    groups
        Groups in one step.
    learning_rate
        At the top: a linear rise over ``warmup`` of the steps, then a linear fall to 0.
    held_out
        Share of the labelled texts whose groups are not trained on, but measured.
    precision
        ``bf16`` or ``fp32``, on a GPU; a CPU computes in fp32.
    dropout
        Share of the activations that a step leaves out, below 1; -1: what the base's
        ``config.json`` says, which is saved as it is in any case.
    frozen_words
        Leave the word embeddings as they are: those of words, or languages, that the data lack stay
        beside those that they have.
    """

    epochs: float = 4
    groups: int = 16
    learning_rate: float = 2e-4
    warmup: float = 0.1
    weight_decay: float = 0.01
    held_out: float = 0.03
    precision: str = "bf16"
    checkpoint_every: int = 500
    dropout: float = -1.0
    frozen_words: bool = False


@dataclass(frozen=True)
class Student:
    """A smaller model than the base to start from; 0 and none: as in the base.

    Parameters
    ----------
    layers
        Layers of the base to keep, by number.
    hidden
        Width of the hidden state.
    heads
        Attention heads of a layer, where they are to be fewer than fill the hidden state.
    intermediate
        Units of a feed-forward layer.
    vocabulary
        Pieces to keep: the most frequent of the training texts.
    positions
        Longest input.
    embedding
        Width of the word embeddings, where they are to be narrower than the hidden state.
    """

    layers: tuple[int, ...] = ()
    hidden: int = 0
    heads: int = 0
    embedding: int = 0
    intermediate: int = 0
    vocabulary: int = 0
    positions: int = 0


@dataclass(frozen=True)
class Teacher:
    """A larger model that a student's log-odds are pulled to.

    Parameters
    ----------
    model
        A token classifier's Hugging Face folder whose vocabulary has all of the student's pieces.
        Empty: none.
    weight
        Of the distance of the log-odds.
    order
        Of the distance of the order inside a group, see
        `edgelingua_export.train.objective.order_distance`.
    hidden
        Of the distance of the hidden states of the student's layers from those of the teacher's
        layers of the same numbers as in the base, see
        `edgelingua_export.train.distill.HiddenStates`.
    scale
        Its log-odds are multiplied by this. The order loss spreads log-odds, and calibration
        afterwards puts them together again: about one over what that did to the teacher.
    """

    model: str = ""
    weight: float = 1.0
    order: float = 0.0
    hidden: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True)
class Reading:
    """A reader in the loop.

    Parameters
    ----------
    model
        A causal LM: a known name, a Hugging Face folder or a GGUF file. It does not change.
        Empty: none.
    weight
        Of the change of the reader's distribution (KL, nats per token of the answer).
    gold
        Of its NLL of the answer.
    cases
        Cases in one step.
    words
        Most words of a case's passages.
    lowest, highest
        The keep rate of each case is drawn between them, evenly on a logarithmic scale.
    """

    model: str = ""
    weight: float = 1.0
    gold: float = 0.2
    cases: int = 12
    words: int = 330
    lowest: float = 0.05
    highest: float = 0.5


@dataclass(frozen=True)
class Sentence:
    """An encoder of sentences in place of a token classifier.

    Parameters
    ----------
    temperature
        What cosines are divided by in the contrastive loss. 0: a token classifier is trained.
    """

    temperature: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """All that decides what comes out of training, but the data itself."""

    base: str
    data: tuple[DataSet, ...]
    seed: int = 1
    windows: Windows = field(default_factory=Windows)
    schedule: Schedule = field(default_factory=Schedule)
    weights: Weights = field(default_factory=Weights)
    student: Student = field(default_factory=Student)
    teacher: Teacher = field(default_factory=Teacher)
    reader: Reading = field(default_factory=Reading)
    sentence: Sentence = field(default_factory=Sentence)


def load(path: Path) -> Recipe:
    """Read a recipe.

    Raises
    ------
    ExportError
        There is none, or it has a key or a value that recipes do not have.
    """
    table, data, listed_in = recipe_toml.read(path)
    parts = {
        name: part(kind, table.pop(name, {}), f"{path}: [{name}]") for name, kind in _PARTS.items()
    }
    plain = {"base": str, "seed": int}
    unknown = set(table) - set(plain)
    if unknown or not isinstance(table.get("base"), str):
        raise ExportError(
            f'{path}: expected base = "…", seed, [[data]] or data = "RECIPE", '
            f"{', '.join(_PARTS)}; got {', '.join(sorted(table))}"
        )
    sets = tuple(part(DataSet, row, f"{listed_in}: [[data]] {i}") for i, row in enumerate(data, 1))
    unlabelled = [i for i, each in enumerate(sets, 1) if each.pooled or each.taught]
    if unlabelled and not parts["teacher"].model:
        raise ExportError(
            f"{path}: [[data]] {unlabelled[0]} of {listed_in.name} is pooled or taught, so it has "
            "no labels: expected a [teacher] with a model"
        )
    dropout = parts["schedule"].dropout
    if not (dropout == -1 or 0 <= dropout < 1):
        raise ExportError(
            f"{path}: [schedule] dropout = {dropout}: expected a share from 0 to below 1, or -1"
        )
    teacher = parts["teacher"]
    if (teacher.order or teacher.hidden) and not teacher.model:
        raise ExportError(f"{path}: [teacher] order and hidden need a model to learn from")
    if parts["sentence"].temperature and (teacher.model or parts["reader"].model):
        raise ExportError(f"{path}: [sentence] learns from labels alone: no [teacher], no [reader]")
    return Recipe(table["base"], sets, int(table.get("seed", 1)), **parts)


def is_sentence(path: Path) -> bool:
    """Whether a recipe is one of a sentence encoder.

    Raises
    ------
    ExportError
        It cannot be read.
    """
    return "sentence" in recipe_toml.read(path).keys


def once(sets: tuple[DataSet, ...]) -> tuple[DataSet, ...]:
    """Each file once, as it is: without what a recipe varies of labels and questions.

    Of several entries of a file, the first that has its labels.
    """
    plain: dict[tuple[str, str], DataSet] = {}
    for each in sorted(sets, key=lambda s: bool(s.pooled or s.taught or s.composed)):
        plain.setdefault(
            (each.format, each.file),
            replace(each, digits=0.0, hostile=0.0, second_pass=False, blind=False, cloze=False,
                    composed=0, pooled=0, scorer=""),
        )  # fmt: skip
    places = list(dict.fromkeys((each.format, each.file) for each in sets))
    return tuple(plain[place] for place in places)


_PARTS: Mapping[str, Any] = {
    "windows": Windows,
    "schedule": Schedule,
    "weights": Weights,
    "student": Student,
    "teacher": Teacher,
    "reader": Reading,
    "sentence": Sentence,
}
_T = TypeVar("_T")


def part(kind: type[_T], row: Mapping[str, Any], where: str) -> _T:
    """Make a dataclass of a recipe's table; ``where`` is for errors.

    Raises
    ------
    ExportError
        It has a key that the dataclass lacks, or a value of another type.
    """
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for name, value in row.items():
        if name not in known:
            raise ExportError(f"{where}: no such key {name!r}; known: {', '.join(known)}")
        wanted = str(known[name].type)
        good = {
            "str": isinstance(value, str),
            "bool": isinstance(value, bool),
            "int": isinstance(value, int) and not isinstance(value, bool),
            "float": isinstance(value, int | float) and not isinstance(value, bool),
        }.get(wanted, isinstance(value, list))
        if not good:
            raise ExportError(f"{where}: {name} = {value!r}: expected {wanted}")
        values[name] = tuple(value) if isinstance(value, list) else value
    try:
        return kind(**values)
    except TypeError as error:
        raise ExportError(f"{where}: {error}") from error
