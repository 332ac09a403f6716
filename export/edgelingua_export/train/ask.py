"""Questions that nobody asked: a causal LM learns to ask from a recipe's sets, and goes on with it.

After generative pseudo labelling (Wang et al. 2022, arXiv:2112.07577): questions are made up about
texts, and a larger model judges what of the texts they need (``taught`` in a recipe). So a small
model sees many more questions than people have written, or some for texts that nobody asked about.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from edgelingua.files.atomic import PUBLIC, write_atomically
from edgelingua_export.errors import ExportError
from edgelingua_export.reports import Report
from edgelingua_export.sources import find
from edgelingua_export.sources import load as load_model
from edgelingua_export.train.asker import ANSWER_IS, QUESTION_IS, Asker, Lesson
from edgelingua_export.train.labels import Example, groups, write
from edgelingua_export.train.negatives import Nearest
from edgelingua_export.train.prepare import examples
from edgelingua_export.train.readers_qa import ANSWER, answer_marks, occurrences
from edgelingua_export.train.recipe import DataSet, load, once

SHORTEST, LONGEST = 15, 250
"""Words of a text that is asked about."""
MOST = 20
"""Texts that a question is asked of."""
_SOURCES = 3
_FEWEST = 4
"""Words of a question."""


@dataclass(frozen=True)
class Subject:
    """What a question is to be asked about: some of the texts that it will be asked of."""

    about: tuple[str, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Asking:
    """How questions are made up.

    Parameters
    ----------
    model
        The causal LM to start from: a known name, a Hugging Face folder or a GGUF file.
    each
        Questions about each text of 15 to 250 words; where texts share a question, as many about
        two of them together.
    invent
        So often one to three texts and a question about them are made up whole, in place of asking
        about the sets' own texts; ``each`` plays no part then.
    epochs
        How often it reads the sets' own questions.
    seed
        Of what is drawn.
    learning_rate, batch
        See `edgelingua_export.train.asker.Asker`.
    """

    model: str
    each: int = 1
    invent: int = 0
    epochs: float = 1
    seed: int = 1
    learning_rate: float = 2e-4
    batch: int = 64


def ask(recipe_file: Path, data: Path, output: Path, asking: Asking, report: Report) -> Path:
    """Write a label file of made-up questions about the texts of a recipe's sets.

    Label files that the recipe leaves to a teacher (``taught``) are such questions, and not read.

    Raises
    ------
    ExportError
        ``output`` is there already, no set has questions with a marked answer, all of them or their
        texts are too long, the LM has no token for the end of a text, or nothing that it said was a
        question.

    Notes
    -----
    The file is gzipped if its name ends in ``.gz``.
    """
    if output.exists():
        raise ExportError(f"{output}: is there already; choose another name, or delete it")
    recipe = load(recipe_file)
    sets = [
        replace(each, negatives=0, taught=False)
        for each in once(tuple(s for s in recipe.data if not _made_up(s)))
        if each.file
    ]
    read = {each: examples(each, data, asking.seed) for each in sets}
    lessons = [
        lesson for each in sets for lesson in lessons_of(read[each], each.repeat, asking.seed)
    ]
    if not lessons:
        raise ExportError(f"{recipe_file}: no set has questions with a marked answer to learn from")
    output.parent.mkdir(parents=True, exist_ok=True)  # before the hours of work, not behind them
    loaded = load_model(find(asking.model), "scorer")
    longest = _MOST_INVENTED if asking.invent else _MOST_ASKED
    asker = Asker(loaded.model, loaded.tokenizer, asking.seed, longest)
    report(f"{len(lessons):,} questions to learn from")
    known = [example for examples_of in read.values() for example in examples_of]
    found = (_invented if asking.invent else _asked)(asker, lessons, known, asking, report)
    if not found:
        raise ExportError(
            f"{asking.model}: nothing that it said was an answer and its question; train longer"
        )
    lines = io.StringIO()
    write(labelled(found), lines)
    content = lines.getvalue().encode()
    with write_atomically(output, PUBLIC) as file:
        file.write(gzip.compress(content) if output.suffix == ".gz" else content)
    return output


_Found = tuple[Subject, str, str]
"""What was asked about, the question, and its answer."""


def _asked(
    asker: Asker, lessons: list[Lesson], known: list[Example], asking: Asking, report: Report
) -> list[_Found]:
    asker.learn(lessons, asking.epochs, asking.learning_rate, report, asking.batch)
    subjects = list(subjects_of(known, asking.each, asking.seed))
    report(f"{len(subjects):,} questions to ask")
    said = asker.ask([subject.about for subject in subjects], report, asking.batch)
    found = [
        (s, *parts) for s, text in zip(subjects, said, strict=True) if (parts := parse(s, text))
    ]
    report(f"{len(found):,} questions of {len(subjects):,} are used")
    return found


def _invented(
    asker: Asker, lessons: list[Lesson], known: list[Example], asking: Asking, report: Report
) -> list[_Found]:
    wholes = [Lesson((), whole_of(lesson)) for lesson in lessons if _comes_back(lesson)]
    asker.learn(wholes, asking.epochs, asking.learning_rate, report, asking.batch)
    # A prompt of one token: four times as many as there is room for with texts.
    said = asker.ask([()] * asking.invent, report, asking.batch * 4, _MOST_INVENTED)
    taken = {_plain(each) for example in known for each in (example.text, example.question)}
    found = []
    for text in said:
        if parts := parse_whole(text):
            subject, question, _ = parts
            if taken.isdisjoint(map(_plain, (*subject.about, question))):
                taken.add(_plain(question))
                found.append(parts)
    report(f"{len(found):,} questions of {len(said):,} are used")
    return found


_MOST_ASKED, _MOST_INVENTED = 576, 384
"""Tokens of texts with a question, to learn from or to ask about; of what is made up whole."""


def _made_up(data_set: DataSet) -> bool:
    return data_set.format == "labels" and data_set.taught


def lessons_of(found: Iterable[Example], repeat: float, seed: int) -> Iterator[Lesson]:
    """Yield what of a data set teaches to ask: texts with evidence, an answer, and its question.

    None that `parse` would not take: of yes or no, or with the answer in the question.
    """
    rng = np.random.default_rng(seed)
    for group in groups(found):
        question, evidence = group[0].question, [example for example in group if example.marks]
        if not question or not 0 < len(evidence) <= _SOURCES:
            continue
        marked = [e.text[m.start : m.end] for e in evidence for m in e.marks if m.label == ANSWER]
        answer = evidence[0].answer or next(iter(marked), "")
        about = tuple(evidence[i].text for i in rng.permutation(len(evidence)))
        said = f" {answer}{QUESTION_IS} {question}"
        if all(map(_fits, about)) and parse(Subject(about, about), said):
            yield from [Lesson(about, said)] * int(repeat + rng.random())


def subjects_of(found: Iterable[Example], each: int, seed: int) -> Iterator[Subject]:
    """Yield what to ask about: each text by itself, and with the one of its group nearest to it.

    A question about one text of several is asked of that text alone, or of all, by chance; of all
    of more than `MOST`, of the nearest.
    """
    rng = np.random.default_rng(seed)
    seen: set[frozenset[str]] = set()
    for group in groups(found):
        texts = tuple(dict.fromkeys(e.text for e in group if _fits(e.text)))
        bodies = frozenset(text.partition("\n")[2] or text for text in texts)  # titled or not
        if not texts or bodies in seen:
            continue
        seen.add(bodies)
        near = Nearest(texts)
        for text in texts:
            others = list(islice(near.without(text, [text], []), MOST - 1))
            around = texts if len(texts) <= MOST else (text, *others)
            for _ in range(each):
                alone = len(texts) == 1 or rng.random() < 0.5
                yield Subject((text,), (text,) if alone else around)
                if others:
                    pair = (text, others[0])
                    yield Subject(tuple(pair[i] for i in rng.permutation(2)), around)


def parse(subject: Subject, said: str) -> tuple[str, str] | None:
    """Return question and answer of what the LM said, or nothing if it is not what was learned.

    The answer stands in a text that was asked about, and not in the question.
    """
    answer, found, question = (part.strip() for part in said.partition(QUESTION_IS))
    question = " ".join(question.split())
    if not found or len(question.split()) < _FEWEST or occurrences(question, [answer]):
        return None
    return (question, answer) if any(occurrences(t, [answer]) for t in subject.about) else None


def whole_of(lesson: Lesson) -> str:
    """All of a lesson as one text, as it is made up whole."""
    return "\n\n".join(lesson.about) + ANSWER_IS + lesson.said


def parse_whole(said: str) -> _Found | None:
    """Return what was made up whole in its parts, or nothing if it is not what was learned."""
    texts, _, rest = said.partition(ANSWER_IS)
    about = tuple(text.strip() for text in texts.split("\n\n") if text.strip())
    if not 0 < len(about) <= _SOURCES or not all(map(_fits, about)):
        return None
    subject = Subject(about, about)
    parts = parse(subject, rest)
    return (subject, *parts) if parts else None


def _comes_back(lesson: Lesson) -> bool:
    parts = parse_whole(whole_of(lesson))  # a text with an empty line in it does so as two
    return parts is not None and parts[0].about == tuple(text.strip() for text in lesson.about)


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def labelled(found: Iterable[_Found]) -> Iterator[Example]:
    """Yield the texts of each question as a group, with the answer and its sentence marked."""
    for number, (subject, question, answer) in enumerate(found):
        for text in subject.texts:
            places = occurrences(text, [answer]) if text in subject.about else []
            marks = answer_marks(text, places, ANSWER) if places else []
            yield Example(text, tuple(marks), question, f"asked:{number}", "asked")


def _fits(text: str) -> bool:
    return SHORTEST <= len(text.split()) <= LONGEST
