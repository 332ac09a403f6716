"""Small words that turn a sentence round: negations and numbers, in many languages."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from edgelingua.text.ranges import Spans, as_spans, merged

_LISTS = {
    "English": "no not never none nobody nothing nowhere neither nor without cannot unless except "
    "hardly barely scarcely seldom rarely dont doesnt didnt isnt arent wasnt werent wont wouldnt "
    "shouldnt couldnt mustnt havent hasnt hadnt neednt aint cant mightnt shant",
    "German": "nicht nichts kein keine keinem keinen keiner keines keins keinerlei nie niemals "
    "niemand niemandem niemanden nirgends ohne weder außer",
    # "pas" is a step too, but a sentence without it is turned round.
    "French": "ne pas jamais sans aucun aucune aucuns aucunes rien ni sauf",
    "Spanish": "no nunca sin ningún ninguna ninguno nada nadie jamás tampoco",
    "Italian": "non mai senza nessun nessuno nessuna niente nulla né",
    "Portuguese": "não nunca sem nenhum nenhuma nenhuns nenhumas nada ninguém nem jamais",
    "Dutch": "niet niets geen nooit niemand zonder",
    "Russian": "не нет ни никогда никто ничего ничто без нельзя кроме",
    "Arabic": "لا لم لن ليس ليست غير بدون دون بلا إلا",
    "Hindi": "नहीं न मत ना बिना",
}
_AND_IN_ARABIC = ("", "و", "ف")
# Folded as the words of a text will be: casefold makes "ss" of "ß".
_NEGATIONS = frozenset(
    (prefix + word).casefold()
    for language, words in _LISTS.items()
    for word in words.split()
    for prefix in (_AND_IN_ARABIC if language == "Arabic" else ("",))
)

# \w knows no combining marks, of which Hindi words are full.
_LETTER = r"[\w\u0300-\u036f\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963]"
_WORD = re.compile(rf"{_LETTER}++(?:['’]{_LETTER}++)*")
_CONTRACTION = re.compile(r"[^\W\d]+n['’]t|n['’][^\W\d]\w*")  # don't; n'est
_ESCAPE = re.compile(r"\\u[0-9A-Fa-f]{4}")
_WEDER_NOCH = re.compile(r"\bweder\b[^.!?\n]{1,200}?\b(noch)\b", re.IGNORECASE)
# Chinese and Japanese have no spaces: these count wherever they stand, but in the words for "very",
# "Africa", "future", "first", "certainly", "should" and "shame".
_UNSPACED = re.compile(
    r"[不没沒無无]|非(?![常洲])|未(?![来來])"
    r"|ない|なかった|なくて|なければ|ません(?:でした)?|(?<![まは必先恥])ず(?=[に、。,\s]|$)"
)

_MARKS = r"$€£¥₹₽₩₿฿¢"


def negations(text: str) -> Spans:
    """Find negations: what compression must not lose, or the text says the contrary.

    Words of English, German, French, Spanish, Italian, Portuguese, Dutch, Russian,
    Arabic, Hindi, Chinese and Japanese; contractions (``don't``, ``n'est``, ``qu'aucun``) whole.
    The language is not detected: a word that negates in one of them counts in all, so that some
    that mean nothing of the kind are found (``mai`` is May in German, ``危ない`` is dangerous).

    Returns
    -------
    ndarray
        int64 ``(n, 2)``: character ranges, ascending, not overlapping.

    Notes
    -----
    Time grows with the length of the text, whatever is in it.
    """
    found = [
        match.span() for match in _WORD.finditer(text) if _short(match) and _negates(match.group())
    ]
    found += [match.span(1) for match in _WEDER_NOCH.finditer(text)]
    found += [match.span() for match in _UNSPACED.finditer(text)]
    return as_spans(merged(found))


def numbers(text: str) -> Spans:
    r"""Find numbers: without them, what stands beside them says less, or something else.

    Runs of ``\p{N}`` of any script with what joins them, sign, currency and percent marks:
    ``-1,234.50 €``, ``10–20 %``, ``१५``, ``½``. Numbers in words (``three``, ``三``) are not found.

    Returns
    -------
    ndarray
        int64 ``(n, 2)``: character ranges, ascending, not overlapping.

    Notes
    -----
    Time grows with the length of the text, whatever is in it.
    """
    if "\\u" in text:  # the digits of an escaped character are no number
        text = _ESCAPE.sub("______", text)
    found = [match.span() for match in _numbers(_rare_digits(text)).finditer(text)]
    return as_spans(found)


def _short(match: re.Match[str]) -> bool:
    # No word of the lists is longer; text without spaces can be as long as a book.
    return match.end() - match.start() <= 32


@lru_cache(maxsize=4096)  # most words of a text come again
def _negates(word: str) -> bool:
    folded = word.lower() if word.isascii() else unicodedata.normalize("NFC", word).casefold()
    if folded in _NEGATIONS:
        return True
    _, mark, behind = folded.replace("’", "'").rpartition("'")
    return bool(mark) and (behind in _NEGATIONS or _CONTRACTION.fullmatch(folded) is not None)


def _rare_digits(text: str) -> str:
    r"""Return the characters of ``text`` that are \p{N} but not \d: ½, ², Ⅳ, ④."""
    rare = {c for c in set(text) if not c.isascii() and unicodedata.category(c) in ("No", "Nl")}
    return "".join(sorted(rare))


@lru_cache(maxsize=32)
def _numbers(rare: str) -> re.Pattern[str]:
    """Compile the pattern of a number, for texts with these digits beside the common ones."""
    # A digit of an Indian number can carry a mark, and so can a keycap.
    digits = rf"[\d{re.escape(rare)}][\d{re.escape(rare)}\u0300-\u036f\ufe0f\u20e3]*+"
    spaced = rf"{digits}(?:[ \u00a0\u202f]\d{{3}}(?!\d))*"
    return re.compile(
        rf"(?:(?<![\w)\]])[+\-−±])?(?:[{_MARKS}][ \u00a0\u202f]?)?(?:(?<=[{_MARKS}])[+\-−])?"
        rf"{spaced}(?:[.,:'’/\-–−٫٬·×]{spaced})*"
        rf"(?:[ \u00a0\u202f]?[%‰٪°{_MARKS}])?"
    )
