"""The text of a page: an element for every run of pieces that look alike for the same reason.

One for every piece would make the page of a long prompt three times as large; the script finds the
pieces in an element by what ``data-p`` says: the number of the reason, then the score and the
length of each piece. Without scores an element is one piece.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

import numpy as np

from edgelingua.compressed import Compressed, Reason
from edgelingua.explain.reasons import Because, number

_LOOKS = {"kept": ("mark", ""), "protected": ("mark", "p"), "left out": ("del", "")}
"""Element and class of each fate."""

_SHADES = ("", "b", "c", "d")
"""Classes of the quarters of what was kept, by score."""

_LONGEST = 100
"""Pieces in one element: the script looks at all of one to find which was tapped."""

_LINE = '<div dir="auto">'


@dataclass(frozen=True)
class _Piece:
    """A unit of the prompt as it is shown.

    ``line`` counts up where one begins; ``blank`` is the white space before the ``text``, which is
    not coloured: at the end of a line that is ugly. ``score`` is empty where there is none.
    """

    line: int
    blank: str
    text: str
    score: str
    shade: str
    reason: Because


def body(compressed: Compressed, reasons: Sequence[Because], order: Sequence[Because]) -> str:
    """Mark up a prompt.

    Parameters
    ----------
    compressed
        What was kept and left out.
    reasons
        Of each unit.
    order
        The same without repetition, as `legend` lists them.
    """
    numbers = {reason: index for index, reason in enumerate(order)}
    found, line = [_LINE], 0
    for _, group in groupby(
        _pieces(compressed, reasons), lambda p: (p.line, p.reason, p.shade, p.score == "")
    ):
        while alike := list(islice(group, _LONGEST)):
            before, feed, blank = alike[0].blank.rpartition("\n")
            if alike[0].line > line:  # each has a direction of its own
                found.append(f"{escaped(before + feed)}</div>{_LINE}")
                line = alike[0].line
            found.append(escaped(blank) + _element(alike, numbers[alike[0].reason]))
    return "".join([*found, "</div>"])


def legend(counts: Sequence[tuple[Because, int]]) -> str:
    """List reasons, each in the look of its pieces and with the number of them."""
    return "\n".join(
        f"<li>{_tagged(reason, 'Left out' if reason.fate == 'left out' else 'Kept')}: "
        f"<span>{escaped(reason.why)}</span> "
        f"<small>({count:,} {'piece' if count == 1 else 'pieces'})</small></li>"
        for reason, count in counts
    )


def escaped(text: str) -> str:
    """Return a text as HTML shows it; a parser would take a bare CR for a line feed."""
    return html.escape(text, quote=False).replace("\r", "&#13;")


def _pieces(compressed: Compressed, reasons: Sequence[Because]) -> Iterator[_Piece]:
    line, text = 0, ""
    for (start, end), score, shade, reason in zip(
        compressed.units.tolist(),
        compressed.scores.tolist(),
        _shades(compressed),
        reasons,
        strict=True,
    ):
        whole = compressed.prompt.text[start:end]
        ended = text.endswith("\n")
        text = whole.lstrip() or whole
        blank = whole.removesuffix(text)
        line += ended or "\n" in blank
        yield _Piece(line, blank, text, number(score), shade, reason)


def _shades(compressed: Compressed) -> list[str]:
    """Return the class of each unit: what was kept, in quarters by score."""
    kept = np.isfinite(compressed.scores) & (compressed.reasons == Reason.KEPT)
    scores = compressed.scores[kept]
    below = np.searchsorted(np.sort(scores), scores, "left")  # equal scores look alike
    quarters = np.zeros(len(kept), dtype=np.int64)
    quarters[kept] = below * len(_SHADES) // max(1, len(scores))
    return [_SHADES[quarter] for quarter in quarters.tolist()]


def _element(alike: Sequence[_Piece], reason: int) -> str:
    texts = [alike[0].text, *(piece.blank + piece.text for piece in alike[1:])]
    data = [str(reason)]
    if alike[0].score:
        data += [f"{p.score} {_length(text)}" for p, text in zip(alike, texts, strict=True)]
    attributes = f' data-p="{" ".join(data)}"'
    return _tagged(alike[0].reason, escaped("".join(texts)), alike[0].shade, attributes)


def _tagged(reason: Because, content: str, shade: str = "", attributes: str = "") -> str:
    tag, look = _LOOKS[reason.fate]
    name = f' class="{look or shade}"' if look or shade else ""
    return f"<{tag}{name}{attributes}>{content}</{tag}>"


def _length(text: str) -> int:
    """Length as JavaScript counts it."""
    return len(text.encode("utf-16-le")) // 2
