"""Which model reads which text: one of English, one of many languages, or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from edgelingua.models.registry import DEFAULT_MULTILINGUAL, INSTALL_MULTILINGUAL
from edgelingua.text.languages import OTHER, language, other_letters

MOST_UNKNOWN = 0.2
"""Share of the letters in other scripts that a model of many languages may not know."""


class Reader(Enum):
    """Who reads a text."""

    ENGLISH = "a model of English"
    MANY = "a model of many languages"
    NOBODY = "no model"


@dataclass(frozen=True)
class Readers:
    """Who reads each of several texts.

    ``of``: for each text; ``foreign``: whether it is not English; ``asked``: whether the question
    is not. ``many``: whether a model of many languages is installed.
    """

    of: tuple[Reader, ...]
    foreign: tuple[bool, ...]
    asked: bool
    many: bool

    @property
    def settled(self) -> bool:
        """Whether each text and the question go to a model that knows their language."""
        odd = [f for f, reader in zip(self.foreign, self.of, strict=True) if reader != Reader.MANY]
        return not any(odd) and not (self.asked and odd)

    def warning(self, model: str, *, question: bool) -> str:
        """Say which texts are in a language that nobody knows, and what is done about it.

        ``model``: the one of English. ``question``: whether there is one.
        """
        pairs = list(zip(self.foreign, self.of, strict=True))
        blind = [at for at, (odd, who) in enumerate(pairs) if odd and who == Reader.ENGLISH]
        unread = [at for at, (_, who) in enumerate(pairs) if who == Reader.NOBODY]
        odd = [self._named(sorted(blind + unread))] if blind or unread else []
        if self.asked and Reader.ENGLISH in self.of:
            odd.append("the question")
        why = f"{model} knows English only, not the language of {' and '.join(odd)}"
        if self.many:
            why += f", and {DEFAULT_MULTILINGUAL} does not know their letters"
        else:
            why += f" ({INSTALL_MULTILINGUAL} brings a model that does)"
        done = []
        if unread:
            first = "what shares words with the question" if question else "the beginning"
            done.append(f"{first} of {self._named(unread)} is kept, in whole sentences")
        if len(unread) < len(pairs) and (blind or self.asked):
            done.append("it compresses all the same, for it knows the letters")
        return f"{why}: {'; '.join(done)}"

    def _named(self, numbers: Sequence[int]) -> str:
        if len(self.of) == 1:
            return "the text"
        if len(numbers) == 1:
            return f"document {numbers[0] + 1} of {len(self.of)}"
        if len(numbers) == len(self.of):
            return "the documents"
        *first, last = (str(number + 1) for number in numbers[:_LISTED])
        more = f" and {len(numbers) - _LISTED} more" if len(numbers) > _LISTED else ""
        listed = f"{', '.join([*first, last])}{more}" if more else f"{', '.join(first)} and {last}"
        return f"documents {listed} of {len(self.of)}"


_LISTED = 5
"""Numbers of documents that a warning lists."""


def readers(
    texts: Sequence[str], question: str = "", unknown: Callable[[str], float] | None = None
) -> Readers:
    """Find who reads each of several texts in the light of a question.

    Each is judged by itself (`language`). One that is not English is for a model of many languages,
    if that knows its letters; so is every text whose question is not English, if it knows those of
    the question. What is left to the model of English are Latin letters: others nobody reads.

    Parameters
    ----------
    unknown
        The share of some letters that the model of many languages does not know; asked only of
        texts that are not English. ``None``: it is not installed.
    """

    def known(text: str) -> bool:
        return unknown is not None and unknown(other_letters(text)) <= MOST_UNKNOWN

    asked = bool(language(question))
    for_many = asked and known(question)
    found = [language(text) for text in texts]
    of = []
    for text, own in zip(texts, found, strict=True):
        if (own or for_many) and known(text):
            of.append(Reader.MANY)
        else:
            of.append(Reader.NOBODY if own == OTHER else Reader.ENGLISH)
    return Readers(tuple(of), tuple(map(bool, found)), asked, unknown is not None)
