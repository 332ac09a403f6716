"""Noun phrases: what Selective Context keeps or drops whole."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise

from edgelingua.text.boundaries import BLANKS, words
from edgelingua.text.ranges import Spans, as_spans

SPACY_MODEL = "en_core_web_sm"

LONGEST = 6
"""Words of a phrase that the light chunker makes at most."""

# English words that open a noun phrase, and words that are never part of one.
_OPENING = "a an the this that these those my your his her its our their some any each every"
_CLOSING = """
and or but nor so yet if then than because while although though unless until when where who whom
whose which what how why as at by for from in into of off on onto out over to toward towards under
up upon with within without about above across after against along among around before behind below
beneath beside besides between beyond despite down during except inside like near outside past per
since through throughout via i you he she it we they me him us them myself himself herself itself
ourselves themselves am is are was were be been being do does did done have has had having will
would shall should can could may might must not no never also just only very too there here again
said says say made make makes gave give gives took take takes got get gets went go goes came come
comes saw see sees found find finds became become becomes let put set kept keep
"""
_OPENERS = frozenset(_OPENING.split())
_CLOSED = frozenset(_CLOSING.split())
_VERB_ENDINGS = ("ed", "ing", "ly", "n't", "’t", "'s", "'re", "'ve", "'ll", "'d")


def phrases(text: str) -> Spans:
    """Noun phrases of two words and more: int64 ``(n, 2)``, ascending, not overlapping.

    spaCy's noun chunks where spaCy and its model ``en_core_web_sm`` are installed (as in Selective
    Context, Li et al. 2023, arXiv:2310.06201); else those of a light chunker for English: an
    article or determiner and the words after it that are neither function words nor end as most
    verbs and adverbs do. In other languages it finds next to nothing, so words are left as they
    are.
    """
    parser = _spacy()
    found = _light(text) if parser is None else parser(text)
    return as_spans(found)


def _light(text: str) -> list[tuple[int, int]]:
    found = []
    run: list[tuple[int, int]] = []
    opened = False

    def close() -> None:
        if len(run) > 1:
            found.append((run[0][0], run[-1][1]))
        run.clear()

    previous = 0
    for start, end in words(text).tolist():
        word = text[start:end].lower()
        apart = not all(character in BLANKS for character in text[previous:start])
        previous = end
        if apart or not word[0].isalnum() or word in _CLOSED or len(run) == LONGEST:
            close()
            opened = False
        if not word[0].isalnum() or word in _CLOSED:
            continue
        if word in _OPENERS:
            close()
            opened = True
        elif word.endswith(_VERB_ENDINGS) and not opened:
            # "awarded gold" is no phrase; "the awarded sum" is one.
            close()
            continue
        elif not word.isascii():
            close()
            continue
        run.append((start, end))
        opened = word in _OPENERS
    close()
    return found


@cache
def _spacy() -> Callable[[str], list[tuple[int, int]]] | None:
    """Return what finds noun chunks with spaCy, or ``None`` where it or its model is missing."""
    try:
        import spacy
    except ImportError:
        return None
    if not spacy.util.is_package(SPACY_MODEL):
        return None
    model = spacy.load(SPACY_MODEL, exclude=["ner", "lemmatizer"])

    def chunks(text: str) -> list[tuple[int, int]]:
        # spaCy refuses texts longer than its limit: those go in parts.
        borders = [*range(0, len(text), model.max_length), len(text)]
        return [
            (start + chunk.start_char, start + chunk.end_char)
            for start, end in pairwise(borders)
            for chunk in model(text[start:end]).noun_chunks
        ]

    return chunks
