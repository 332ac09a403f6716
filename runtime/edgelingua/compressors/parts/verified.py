"""Whether a sentence that a model wrote says what its source can be seen to say."""

from __future__ import annotations

import re

from edgelingua.text.denials import denials

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_FIGURE = re.compile(r"\d+(?:[.,:/-]\d+)*")

_NUMERALS = frozenset(
    """
    one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred dozen
    thousand million billion trillion half third quarter double twice once first second fourth fifth
    both none all most
    """.split()  # noqa: SIM905 - a page of quotes would hide the words
)
_FUNCTION = frozenset(
    """
    a an the this that these those it its he his she her they their them there here in on at by for
    from of to with as when while after before and but or if into over under about also been being
    were will would could should have does which where whose what such than then some only
    """.split()  # noqa: SIM905
)
"""Words that a sentence may have, with a capital at its beginning, whatever the source says."""

_SHORT = 4
"""Letters of a word that need not be in the source, unless it is a name or a numeral: fewer."""

_STEM = 5
"""Letters by which a word is known again: argues, argued."""


def unverified(sentence: str, cited: str, chunk: str) -> str:
    """Return why a sentence cannot be trusted; nothing if no reason is found.

    Figures, numerals, words with a capital and all longer words but function words must stand in
    the chunk, and the sentence must deny just where the one that it cites does. What stands in the
    chunk but is put together wrongly is not found out.

    Parameters
    ----------
    sentence
        What was written.
    cited
        The sentence of the source that it names.
    chunk
        All sentences that the writer had.
    """
    has = {word.casefold() for word in _WORD.findall(chunk)}
    stems = {word[:_STEM] for word in has}
    figures = set(_FIGURE.findall(chunk))
    for figure in _FIGURE.findall(sentence):
        if figure not in figures:
            return f"the figure {figure} is not in the source"
    for at, word in enumerate(_WORD.findall(sentence)):
        folded = word.casefold()
        named = word[0].isupper() and at > 0
        if folded in has or (folded in _FUNCTION and not named):
            continue
        numeral = folded in _NUMERALS
        known = len(folded) >= _STEM and folded[:_STEM] in stems and not numeral
        if named or numeral or (not known and (at == 0 or len(folded) >= _SHORT)):
            return f"{word} is not in the source"
    if bool(denials(sentence).denies.any()) != bool(denials(cited).denies.any()):
        return "it denies where its source does not, or the other way round"
    return ""
