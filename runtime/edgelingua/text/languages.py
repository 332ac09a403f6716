"""English or not: which letters a text has, and whose function words."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from string import ascii_lowercase

OTHER_SCRIPTS = 0.1
"""Share of the letters of a text that is not English."""
OTHER_WORDS = 1 / 3
"""Function words of another language for each of English, in a text that is not English."""
FEWEST, SPARSEST = 2, 0.1
"""Function words that show a language: how many different ones, and what share of all words."""

_GREEK = "\u0370-\u03ff\u1f00-\u1fff"
_CYRILLIC = "\u0400-\u052f"
_LATIN = (
    "\u0000-\u02ff\u1d00-\u1dbf\u1e00-\u1eff\u2c60-\u2c7f\ua720-\ua7ff\uab30-\uab6f\uff21-\uff5a"
)
_SYMBOLS = "\u2100-\u214f\U0001d400-\U0001d7ff"
# A Greek letter by itself is a symbol as well.
_OTHER = re.compile(rf"[^\W\d_{_LATIN}{_GREEK}{_SYMBOLS}]+|[{_GREEK}]{{2,}}")
_LETTERS = re.compile(r"[^\W\d_]+")
# Latin letters beside those that look like them: a disguise, no other language.
_DISGUISED = re.compile(rf"(?=[a-z]*[{_GREEK}{_CYRILLIC}])(?=[{_GREEK}{_CYRILLIC}]*[a-z])", re.I)
_ENGLISH = "en"
OTHER = "other"
"""Any language in another script than Latin."""


def other_letters(text: str) -> str:
    """Return the letters of ``text`` in other scripts than Latin, but no symbols of formulas."""
    return "" if text.isascii() else "".join(_OTHER.findall(text))


def language(text: str) -> str:
    """Return ``""`` for a text that passes for English, else what it seems to be in instead.

    That is the code of a language in Latin script (``"fr"``, ``"hi-Latn"``), or `OTHER` for
    another script. Mixed texts are not English; words of mixed scripts, a disguise, count for
    nothing. Names, numbers, code and lists have no function words, and pass for it.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    found = _LETTERS.findall(text)
    words = found if text.isascii() else [word for word in found if not _DISGUISED.match(word)]
    if len(other_letters(" ".join(words))) > OTHER_SCRIPTS * sum(map(len, found)):
        return OTHER
    counted = Counter(map(str.lower, words))
    lists = _function_words()
    english = sum(counted[word] for word in lists[_ENGLISH])
    # Names keep the letters of their language, so those in capitals say nothing.
    letters = {} if text.isascii() else Counter(filter(_accented, words))
    least = max(SPARSEST * len(words), OTHER_WORDS * english)
    best, most = "", (least, 0.0)
    for code, own in lists.items():
        theirs = {word: counted[word] for word in own & counted.keys()}
        both = theirs | letters
        shown = (sum(both.values()), sum(theirs.values()))
        if code != _ENGLISH and len(both) >= FEWEST and shown > most and shown[0] > least:
            best, most = code, shown
    return best


def _accented(word: str) -> bool:
    return len(word) > 1 and word[0].islower() and not word.isascii()


@cache
def _function_words() -> Mapping[str, frozenset[str]]:
    """Words of closed classes by language; those that English has too are English alone."""
    text = (files(__package__) / "function_words.txt").read_text(encoding="utf-8")
    lists = {code: frozenset(words) for code, *words in map(str.split, text.splitlines())}
    # Letters by themselves are cells of tables, names of variables, or behind an apostrophe.
    common = lists[_ENGLISH] | frozenset(ascii_lowercase)
    return {code: own if code == _ENGLISH else own - common for code, own in lists.items()}
