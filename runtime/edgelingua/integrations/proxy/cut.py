"""A text shortened, and what was left out of it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import numpy as np

from edgelingua.budget import Budget
from edgelingua.compressors import Compressor
from edgelingua.errors import BudgetError, InputError
from edgelingua.prompt import Prompt, Segment, without_question
from edgelingua.scores import Progress
from edgelingua.text.ranges import occurrences

_ENDING = 200
"""Characters at the end of a text that stand for a question where there is none."""

_WORTH = 0.9
"""A text that keeps more than this share of its tokens is sent as it is."""


@dataclass(frozen=True)
class Cut:
    """A text shortened: ``text`` is what is sent, ``spans`` are what it keeps of the original.

    Whoever knows ``id`` may ask for what was left out; it cannot be guessed.
    """

    id: str
    original: str
    text: str
    spans: tuple[tuple[int, int], ...]


def new_id() -> str:
    """Return an id that cannot be guessed."""
    return secrets.token_urlsafe(16)


def tokens_of(compressor: Compressor, text: str) -> int:
    """Count the tokens of a text, which may hold halves of surrogate pairs."""
    return compressor.count(text.encode(errors="replace").decode())


@dataclass(frozen=True)
class Sent:
    """What became of a text: its tokens before and after, and how it was cut, if it was."""

    before: int
    after: int
    cut: Cut | None = None


@dataclass(frozen=True)
class Task:
    """A text to be shortened.

    Parameters
    ----------
    text, question
        What is cut, in the light of what.
    rate
        The fraction of its tokens that it may keep.
    pins
        What survives wherever it stands.
    stays
        Character ranges that survive.
    """

    text: str
    question: str
    rate: float
    pins: tuple[str, ...] = ()
    stays: tuple[tuple[int, int], ...] = ()


def cut(
    compressor: Compressor, task: Task, note: str = "", progress: Progress | None = None
) -> Sent:
    """Shorten a text; JSON, code and tables in it still parse.

    Parameters
    ----------
    compressor, task
        What shortens, and what.
    note
        Stands behind what is left; ``{id}`` in it is the cut's.
    progress
        Called while the text is scored; what it raises ends the work.

    Returns
    -------
    The text as it is where nothing is gained, or where it is no text (NULs, half characters).
    """
    text, question = task.text, task.question.strip() or task.text.rstrip()[-_ENDING:].strip()
    before = tokens_of(compressor, text)
    whole = Sent(before, before)
    pinned = (*task.stays, *(at for pin in task.pins for at in occurrences(text, pin)))
    count = without_question(compressor.count, question)
    try:
        segment = Segment(text, pinned=pinned)
        prompt = Prompt.build(segment, question=question, structure="compress")
        limit = Budget(rate=task.rate).limit(before)
        try:
            done = compressor.compress(prompt, Budget(tokens=max(1, limit), count=count), progress)
        except BudgetError as error:  # pins and structure need more
            if error.needed is None or not limit < error.needed < _WORTH * before:
                return whole
            done = compressor.compress(prompt, Budget(tokens=error.needed, count=count), progress)
    except (InputError, BudgetError):
        return whole
    spans = np.clip(done.spans, 0, len(text))
    spans = spans[spans[:, 0] < spans[:, 1]]
    name = new_id()
    left = done.between(0, len(text)) + note.format(id=name)
    after = compressor.count(left)
    if after > _WORTH * before:
        return whole
    return Sent(before, after, Cut(name, text, left, tuple(map(tuple, spans.tolist()))))
