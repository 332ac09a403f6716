"""Why a piece of a prompt stayed or went, in plain words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edgelingua.compressed import Compressed, Reason
from edgelingua.prompt import Segment


@dataclass(frozen=True)
class Because:
    """What became of a piece, and why."""

    fate: Literal["kept", "protected", "left out"]
    why: str


_REPEAT = "it repeats what stands before it"


@dataclass(frozen=True)
class _Cut:
    """The lowest score that was kept of pieces that stood in one ranking, and what to call it."""

    score: float
    name: str


def reasons_of(compressed: Compressed) -> list[Because]:
    """Return the reason of every unit, in the order of the text."""
    prompt, scores, fates = compressed.prompt, compressed.scores, compressed.reasons
    borders = np.searchsorted(compressed.units[:, 0], prompt.layout.edges)
    parts = [slice(*border) for border in pairwise(borders.tolist())]
    # A segment with a rate has a ranking of its own; all the others share one.
    ranked = np.full(len(scores), True)
    for segment, part in zip(prompt.segments, parts, strict=True):
        ranked[part] = segment.rate is None
    shared = _cut(scores[ranked], fates[ranked])
    found: list[Because] = []
    for segment, part in zip(prompt.segments, parts, strict=True):
        own = _cut(scores[part], fates[part], "the cut of a text with a share of its own")
        cut = shared if segment.rate is None else own
        # Something of it would have stayed, had its score decided.
        refused = own is None and cut is not None and bool((scores[part] > cut.score).any())
        found += [
            _because(segment, score, Reason(fate), cut, refused)
            for score, fate in zip(scores[part].tolist(), fates[part].tolist(), strict=True)
        ]
    return found


def number(score: float) -> str:
    """Write a score with three digits and without an exponent; nothing, where it is not finite."""
    if not math.isfinite(score):
        return ""
    if abs(score) >= 1000:
        return f"{score:.0f}"
    short = f"{score:.3g}"
    return np.format_float_positional(float(short), trim="-") if "e" in short else short


def _cut(
    scores: NDArray[np.float32], fates: NDArray[np.int8], name: str = "the cut at {}"
) -> _Cut | None:
    kept = scores[(fates == Reason.KEPT) & np.isfinite(scores)]
    if not len(kept):
        return None
    lowest = float(kept.min())
    return _Cut(lowest, name.format(number(lowest)))


def _because(
    segment: Segment, score: float, fate: Reason, cut: _Cut | None, refused: bool
) -> Because:
    if fate == Reason.PROTECTED:
        return Because("protected", _protected(segment))
    if fate == Reason.KEPT:
        return Because("kept", _kept(segment, score, cut))
    return Because("left out", _left_out(segment, score, cut, refused))


def _protected(segment: Segment) -> str:
    if segment.compressible:
        return "pinned, or in one piece with what is"
    if segment.role == "context":
        return "in a text that is not to be compressed"
    return f"the {segment.role}, which stays as it is"


def _kept(segment: Segment, score: float, cut: _Cut | None) -> str:
    if segment.role == "separator":
        return "it stands between texts of which something stayed"
    if score == math.inf:
        return "a negation or a number beside what stays in any case"
    if score == -math.inf or cut is None:
        return "there was room for it"
    return f"at or above {cut.name}"


def _left_out(segment: Segment, score: float, cut: _Cut | None, refused: bool) -> str:
    if segment.role == "separator":
        return "there was nothing left for it to separate"
    if refused:
        return "the text that it belongs to was left out as a whole"
    if math.isnan(score):
        return _REPEAT
    if score == -math.inf:
        return "it had no score, so it went first"
    if cut is None or score == math.inf:
        return "there was no room for it"
    if score < cut.score:
        return f"below {cut.name}"
    if score == cut.score:
        return f"level with {cut.name}, where others came first"
    return _REPEAT
