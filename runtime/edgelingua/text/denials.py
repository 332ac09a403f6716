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
from edgelingua.text.negations import negations
from edgelingua.text.ranges import Range, Spans, merged

# Verbs and nouns that deny, stop, withhold, exclude, forbid, fail or doubt.
_CUES = {
    "English": r"den(?:y|ies|ied|ying)|refus(?:e[sd]?|ing|al)|declin(?:e[sd]?|ing)"
    r"|withh(?:old|olds|eld|olding)|discontinu(?:e[sd]?|ing)|stop(?:s|ped|ping)?"
    r"|avoid(?:s|ed|ing)?|exclud(?:e[sd]?|ing)|fail(?:s|ed|ing|ure)?|lack(?:s|ed|ing)?"
    r"|absen(?:t|ce)|prohibit(?:s|ed|ing)?|forb(?:id|ids|ade|idden|idding)|reject(?:s|ed|ing)?"
    r"|ban(?:s|ned)?|ceas(?:e[sd]?|ing)|disput(?:e[sd]?|ing)|doubt(?:s|ed|ful|ing)?"
    r"|rule[sd]? out|ruling out|no longer|instead of|rather than|free of|negative for|far from"
    r"|d/c'd|halt(?:s|ed)?|cancel(?:s|l?ed)?|revok(?:e[sd]?|ing)",
    "German": r"verweiger\w+|abgelehnt|lehnt\w*|ausgeschlossen|ausschließ\w+|verboten|verbiete\w*"
    r"|untersag\w+|fehl(?:t|en|te)|abgesetzt|vermeid\w+|bestreite\w*|bestritt\w*|gestoppt",
    "French": r"refus\w+|ni(?:e|ent|é|ée)|exclu(?:s|e|es|t|re|ant)?|interdi(?:t|ts|te|tes|re|sent)"
    r"|cess(?:e|es|ent|é|er|ait)|manqu(?:e|es|ent|é|er|ait)|absence|évit(?:e|es|ent|é|er|ez)"
    r"|arrêt(?:e|es|é|és|ée|er|ez)|hormis",
    "Spanish": r"nieg(?:a|an|o|ue)|neg(?:ó|aron|ado)|rechaz\w+|prohíb\w+|suspend\w+"
    r"|evit(?:a|an|ar|e|en|ó|ado)|falta|ausencia"
    r"|carece\w*|salvo|excepto",
    "Italian": r"neg(?:a|ano|ato)|rifiut(?:a|ano|are|ato|ò)|esclu(?:s[oaie]|de|dono|dere)"
    r"|viet(?:a|ano|are|at[oaie])|sospe(?:s[oaie]|nde|ndono|ndere)|manca(?:no|va)?|assenza"
    r"|priv[oaie]",
    "Portuguese": r"neg(?:am|ou)|recus\w+|proíb\w+|proib\w+|suspens[oa]s?|ausência|exceto",
    "Dutch": r"weiger\w+|ontken\w+|uitgesloten|gestopt|vermijd\w*|ontbreekt|afwezig",
    "Russian": r"отказ\w+|отрица\w+|исключ(?:ён|ен[аоы]?|ить|ает|ают|ая|ил[аи]?)"
    r"|запре[щт]\w+|прекра[щт]\w+|избега\w+|отсутств\w+|отмен\w+",
    "Arabic": r"رفض\w*|ينفي|نفى|منع\w*|ممنوع\w*|يحظر|حظر\w*|توقف\w*|تجنب\w*|باستثناء",
}
# "Hold metformin" withholds it; who holds a share has one.
_HOLD = r"(?:(?<![a-z,;] )|(?<=please ))hold(?:ing)?"
_CUE = re.compile(rf"(?<!\w)(?:{'|'.join(_CUES.values())}|{_HOLD})(?!\w)", re.IGNORECASE)
_CUE_UNSPACED = re.compile("拒绝|拒絕|否认|否認|停止|禁止|避免|排除|缺乏|除外|取消|勿")
_WORD = re.compile(r"[^\W\d_\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]++(?:['’\-]\w++)*|\d[\w.,]*+")

# Between a cue and what it is about: "not yet been used", "nicht sehr weit".
_FUNCTION_WORDS = (
    "been being have having very such some than that this their them with from only also just ever "
    "even more most much many yet any all the and however therefore still eine einen einem einer "
    "sich sehr mehr pour dans avec plus une des les que los las una por para con del"
)
_PASSED_OVER = frozenset(_FUNCTION_WORDS.split())
_MOST_PASSED_OVER = 3
_ASIDE = re.compile(r"\s*+[(\[][^()\[\]\n]{1,60}+[)\]](?=\s)")
_FARTHEST = 60
"""Characters from a cue to the word it is about; what is farther is left to its score."""


@dataclass(frozen=True)
class Denials:
    """What denies in a text, as character ranges ``(n, 2)``: ascending, not overlapping.

    ``whole``: from a cue to the nearest word of its clause that says what about: the one behind
    (``not been used``), else the one before; of an answer, to the question (``approved: no``). Cues
    in a row are about the same. ``alone``: cues that stand in a row with two others that say it.
    ``statements``, ``clauses``: the offsets ``(n,)`` where they end.
    """

    whole: Spans
    alone: Spans
    statements: NDArray[np.int64]
    clauses: NDArray[np.int64]

    @classmethod
    def none(cls) -> Denials:
        """Return those of a text that denies nothing, and is one statement."""
        nothing = np.zeros(0, dtype=np.int64)
        return cls(_array([]), _array([]), nothing, nothing)


def denials(text: str) -> Denials:
    """Find what denies, with what it denies.

    Cues are `negations`, and words that deny, stop, withhold, exclude, forbid, fail or doubt in
    English, German, French, Spanish, Italian, Portuguese, Dutch, Russian, Arabic and Chinese. As
    there, the language is not detected.

    Notes
    -----
    Time grows with the length of the text, whatever is in it.
    """
    cues = [match.span() for match in _CUE.finditer(text)]
    found = merged([*((a, b) for a, b in negations(text).tolist()), *cues])
    statements = statement_ends(text)
    clauses = clause_ends(text, statements)
    ends = clauses.tolist()
    whole = [match.span() for match in _CUE_UNSPACED.finditer(text)]
    alone: list[Range] = []
    at = 0
    while at < len(found):
        clause = bisect_right(ends, found[at][0])
        begin = ends[clause - 1] if clause else 0
        end = ends[clause] if clause < len(ends) else len(text)
        row = _row(text, found, at, end)
        at += len(row)
        if _WORD.match(text, row[0][0]) is None:
            whole += row  # a script without spaces: the words beside it are not known
            continue
        behind = _behind(text, row[-1][1], end)
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
    return Denials(_array(merged(whole)), _array(merged(alone)), statements, clauses)


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


def _behind(text: str, start: int, end: int) -> int | None:
    """Return where the word ends that is denied behind a cue; ``None``: there is none."""
    stop = None
    if aside := _ASIDE.match(text, start, end):
        start = aside.end()
    words = _WORD.finditer(text, start, min(end, start + _FARTHEST))
    for passed_over, match in enumerate(words):
        stop, word = match.end(), match.group().lower()
        says = word[0].isdigit() or (len(word) > 3 and word not in _PASSED_OVER)
        if says or passed_over == _MOST_PASSED_OVER:
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
    return np.asarray(ranges, dtype=np.int64).reshape(-1, 2)
