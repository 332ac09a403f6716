"""The rows of a corpus: what is read, what becomes of it, and the columns that are added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from edgelingua.compressed import join
from edgelingua.errors import InputError
from edgelingua.files.safe import stamp_of


def stamp(path: Path) -> list[int] | None:
    """Return size and time of the last change of a file; ``None`` once it is gone."""
    try:
        return list(stamp_of(path.stat())[2:4])
    except OSError:
        return None


@dataclass(frozen=True)
class Row:
    """A row as it was read: ``error`` says why there is no ``text``; ``name`` says which it is."""

    name: str
    text: object = None
    question: object = None
    error: str | None = None


@dataclass(frozen=True)
class Result:
    """What became of a text.

    Parameters
    ----------
    spans
        The characters kept, as ``(begin, end)`` pairs that ascend and never touch. ``None``: there
        was no text, or it failed.
    tokens_in, tokens_out
        Tokens of the text and of what was kept.
    error
        Why it failed.
    breaks
        Blanks among the characters kept in the place of which a line break stands.
    """

    spans: Sequence[tuple[int, int]] | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    error: str | None = None
    breaks: Sequence[int] = ()

    def text(self, original: str) -> str | None:
        """Return what was kept of the text."""
        if self.spans is None:
            return None
        spans = np.array(self.spans, dtype=np.int64).reshape(-1, 2)
        return join(original, spans, breaks=self.breaks)


@dataclass(frozen=True)
class Columns:
    """Names of columns: of the texts, of the questions if they have one, and of what is added."""

    text: str = "text"
    question: str | None = None

    @cached_property
    def added(self) -> tuple[str, ...]:
        """The columns that are added, in their order."""
        ends = ("compressed", "spans", "tokens_in", "tokens_out", "error")
        return tuple(f"{self.text}_{end}" for end in ends)

    def values(self, text: object, result: Result) -> tuple[Any, ...]:
        """Return a row's values of the columns that are added."""
        kept = result.text(text) if isinstance(text, str) else None
        return kept, result.spans, result.tokens_in, result.tokens_out, result.error

    def refuse_added(self, names: Sequence[str], where: str) -> None:
        """Raise `InputError` if one of the columns to be added is there already."""
        if there := [name for name in self.added if name in names]:
            raise InputError(
                f"{where}: there is a column {there[0]!r} already, which is one of those added for "
                f"{self.text!r}; rename it, or compress what this was made from"
            )
