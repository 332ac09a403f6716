"""What denies, and what it denies: a negation or a verb that denies, up to the word it is about.

Neither says anything without the other, and what is left of a clause without both says the
contrary of it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelingua.text.clauses import clause_ends, statement_ends
from edgelingua.text.cues import (
    CONDITION,
    DENYING,
    DENYING_UNSPACED,
    OPEN,
    OPEN_UNSPACED,
    SEPARATED,
)
from edgelingua.text.negations import negations
from edgelingua.text.ranges import Range, Spans, as_spans, merged

_WORD = re.compile(r"[^\W\d_\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]++(?:['’\-]\w++)*|\d[\w.,]*+")

# Between a cue and what it is about: "not yet been used", "nicht sehr weit".
_FUNCTION_WORDS = (
    "been being shall have having very such some than that this their them with from only also "
    "just ever even more most much many yet any all the and however therefore still eine "
    "einen einem einer sich sehr mehr pour dans avec plus une des les que los las una por para con "
    "del"
)
_PASSED_OVER = frozenset(_FUNCTION_WORDS.split())
_MOST_PASSED_OVER = 3
_OTHER_COUNT = re.compile(r"\s*,\s*\d")
"""Between ``1 failed`` and ``44 passed``: no cue reaches over it."""
_ASIDE = re.compile(r"\s*+[(\[][^()\[\]\n]{1,60}+[)\]](?=\s)")
_OF_A_CLAUSE = re.compile(
    r"\b(?:unless|if|until|provided that|wenn|sofern|indien|mits)\b|[\u0600-\u06ff]", re.IGNORECASE
)
"""Cues of a clause, whose verb comes behind its subject; in Arabic, its object behind that."""
_NAME = re.compile(r"\s+[A-ZÀ-Þ]\w+\s+\w")
"""Behind a verb: who refuses (``weigerde Nadia de vergunning``), or who is refused what."""
_NO_EVENT = re.compile(r"no (?:event|case|circumstances)\b", re.IGNORECASE)
_FARTHEST = 60
"""Characters from a cue to the word it is about; what is farther is left to its score."""


@dataclass(frozen=True)
class Denials:
    """What denies or leaves open in a text, as character ranges ``(n, 2)``: ascending, disjoint.

    ``whole``: from a cue to the nearest word of its clause that says what about: the one behind
    (``not been used``), else the one before; of an answer, to the question (``approved: no``). Cues
    in a row are about the same. ``denies``: which of them deny; the others are conditions.
    ``alone``: cues that stand in a row with two others that say it. ``leave_open``: ``may``, ``was
    expected to``.
    ``statements``, ``clauses``: the offsets ``(n,)`` where they end. A clause that denies and ends
    with a colon goes on to the end of what it announces.
    """

    whole: Spans
    denies: NDArray[np.bool_]
    alone: Spans
    leave_open: Spans
    statements: NDArray[np.int64]
    clauses: NDArray[np.int64]

    @classmethod
    def none(cls) -> Denials:
        """Return those of a text that denies nothing, and is one statement."""
        nothing = np.zeros(0, dtype=np.int64)
        return cls(_array([]), nothing.astype(bool), _array([]), _array([]), nothing, nothing)


def denials(text: str) -> Denials:
    """Find what denies or leaves open, with what it is about.

    Cues are `negations`, words that deny, stop, withhold, exclude, forbid, fail or doubt, and words
    that make a possibility, a condition, hearsay or a plan of what is said, in English, German,
    French, Spanish, Italian, Portuguese, Dutch, Russian, Arabic and Chinese. As there, the language
    is not detected.

    Notes
    -----
    Time grows with the length of the text, whatever is in it.
    """
    statements = statement_ends(text)
    deny = [(a, b) for a, b in negations(text).tolist()]
    verbs = {match.span() for match in DENYING.finditer(text)}
    deny += verbs
    deny += [match.span(part) for match in SEPARATED.finditer(text) for part in (1, 2)]
    open_ones = [match.span() for match in OPEN.finditer(text)]
    conditions = [match.span() for match in CONDITION.finditer(text)]
    found = merged([*deny, *open_ones, *conditions])
    itself = {a for a, _ in open_ones}
    negative = sorted(a for a, _ in deny)
    ends = _over_lists(text, clause_ends(text, statements), negative)
    whole = [
        (match.start(), _with_ideographs(text, match.end()))
        for match in DENYING_UNSPACED.finditer(text)
    ]
    negative += [a for a, _ in whole]
    leave_open = [match.span() for match in OPEN_UNSPACED.finditer(text)]
    alone: list[Range] = []
    borders = ends.tolist()
    at = 0
    while at < len(found):
        clause = bisect_right(borders, found[at][0])
        begin = borders[clause - 1] if clause else 0
        end = borders[clause] if clause < len(borders) else len(text)
        row = _row(text, found, at, end)
        at += len(row)
        if _WORD.match(text, row[0][0]) is None:
            whole += [(a, _with_ideographs(text, b)) for a, b in row]
            continue
        if len(row) == 1 and row[0][0] in itself:
            leave_open += row
            continue
        words = 2 if _OF_A_CLAUSE.search(text, *row[-1]) else 1
        words = 2 if row[-1] in verbs and _NAME.match(text, row[-1][1], end) else words
        words = 4 if _NO_EVENT.match(text, row[-1][0]) else words
        behind = _behind(text, row[-1][1], end, words)
        before = _before(text, begin, row[0][0]) if behind is None else None
        if behind is None and before is None and _is_asked(text, begin):
            before = _before(text, 0, begin)
        if behind is not None:
            whole.append((row[-2:][0][0], behind))
            alone += row[:-2]
        elif before is not None:
            whole.append((before, row[:2][-1][1]))
            alone += row[2:]
        else:
            alone += row[2:]
    spans = _array(merged(whole))
    first = np.searchsorted(sorted(negative), spans[:, 0])
    last = np.searchsorted(sorted(negative), spans[:, 1])
    return Denials(
        spans, last > first, _array(merged(alone)), _array(merged(leave_open)), statements, ends
    )


# With an auxiliary before it: 不得出售, 没有签署, 不会批准.
_UNSPACED_WORD = re.compile(
    r"(?:[得能可会會应應准许許再予有曾必][\u3400-\u9fff]{2}|[\u3400-\u9fff]{0,2})"
)
_ITEM = re.compile(r"\s*+(?:[-*•–]|\d{1,2}[.)])[ \t][^\n]*\n?")
_LONGEST_LEAD = 80
"""Characters of a clause that can announce a list."""


def _with_ideographs(text: str, end: int) -> int:
    """Take two ideographs behind a cue of a script without spaces to be what it is about."""
    follows = _UNSPACED_WORD.match(text, end)
    return follows.end() if follows else end


def _over_lists(text: str, ends: NDArray[np.int64], negative: list[int]) -> NDArray[np.int64]:
    """Leave out the ends of clauses that announce what they deny: ``Denies: fever, chills``.

    The lines of a list that follows belong to it too.
    """
    begin, until = 0, -1
    kept = []
    for end in ends.tolist():
        lead = text[begin:end].rstrip()
        if end <= until:
            continue
        if (
            len(lead) <= _LONGEST_LEAD
            and lead.endswith((":", "："))
            and bisect_right(negative, end - 1) > bisect_right(negative, begin - 1)
        ):
            until = end
            item = _ITEM.match(text, until)
            while item is not None and item.end() > until:
                until = item.end()
                item = _ITEM.match(text, until)
            if until > end:
                kept.append(until)
        else:
            kept.append(end)
        begin = end
    return np.unique(np.asarray(kept, dtype=np.int64))


def _row(text: str, found: list[Range], at: int, end: int) -> list[Range]:
    """Return the cues that follow each other from number ``at``, no word between them."""
    stop = at + 1
    while (
        stop < len(found)
        and found[stop][0] < end
        and _WORD.search(text, found[stop - 1][1], found[stop][0]) is None
    ):
        stop += 1
    return found[at:stop]


def _behind(text: str, start: int, end: int, words: int) -> int | None:
    """Return where the word ends that is denied behind a cue; ``None``: there is none.

    ``words``: it is so many.
    """
    stop = None
    if aside := _ASIDE.match(text, start, end):
        start = aside.end()
    if _OTHER_COUNT.match(text, start):
        return None
    passed_over = 0
    for match in _WORD.finditer(text, start, min(end, start + _FARTHEST)):
        if stop is not None and _OTHER_COUNT.match(text, stop):
            break
        stop, word = match.end(), match.group()
        passed_over += 1
        folded = word.lower()
        if word[0].isdigit() or (len(word) > 3 and folded not in _PASSED_OVER):
            words -= 1
            passed_over = 0
            if text.startswith(",", stop):
                break
        if words <= 0 or passed_over > _MOST_PASSED_OVER:
            break
    return stop


def _is_asked(text: str, begin: int) -> bool:
    """Whether what stands before a clause asks for an answer: ``Loan approved: no``."""
    return text[max(0, begin - _FARTHEST) : begin].rstrip().endswith((":", "?", "：", "？"))


def _before(text: str, begin: int, end: int) -> int | None:
    """Return where the last word before a cue starts; ``None``: there is none in the clause."""
    words = list(_WORD.finditer(text, max(begin, end - _FARTHEST), end))
    return words[-1].start() if words else None


def _array(ranges: list[Range]) -> Spans:
    return as_spans(ranges)
