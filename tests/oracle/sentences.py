"""Sentences as the reference expects them: without the white space that follows, to find again."""

from __future__ import annotations

from itertools import pairwise

from edgelingua.errors import InputError
from edgelingua.text.boundaries import sentences


def bare_sentences(text: str) -> list[str]:
    """Sentences without white space at the end; what the reference has nltk do.

    White space at the very beginning belongs to the first; a blank text is one sentence.
    """
    found: list[str] = []
    start = 0
    for begin, end in sentences(text).tolist():
        start = begin if found else start
        if sentence := text[start:end].rstrip():
            found.append(sentence)
    return found or ([text] if text else [])


def whole_sentences(text: str) -> list[str]:
    """Sentences with the white space that follows, found in the reference's way.

    The next sentence begins where its first five characters come next.

    Raises
    ------
    InputError
        A sentence cannot be found again.
    """
    bare = bare_sentences(text)
    if not bare:
        return []
    whole = []
    start = 0
    for number, (sentence, following) in enumerate(pairwise(bare), start=1):
        end = text.find(following[:5], start + len(sentence))
        if not text.startswith(sentence, start) or end < 0:
            raise InputError(f"cannot find sentence {number} of {len(bare)} in its text again")
        whole.append(text[start:end])
        start = end
    return [*whole, text[start:]]
