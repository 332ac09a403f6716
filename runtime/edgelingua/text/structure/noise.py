"""Escape codes of terminals, base64 and data URIs: what no reader needs."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import replace

from edgelingua.text.boundaries import before_blanks
from edgelingua.text.ranges import Range, merged, outside
from edgelingua.text.structure.outline import Outline, Sketch
from edgelingua.text.structure.signs import ESCAPE

_BASE64 = re.compile(
    r"(?:\bdata:[\w.+\-]+/[\w.+\-]+(?:;[\w=\-]+)*;base64,)?(?<![A-Za-z0-9+/_\-])"
    r"(?:[A-Za-z0-9+/_\-]{60,80}\r?\n(?=[A-Za-z0-9+/_\-]{4,80}={0,2}\s))*"
    r"[A-Za-z0-9+/_\-]{100,}={0,2}|"
    r"(?<![A-Za-z0-9+/_\-])(?:[A-Za-z0-9+/]{60,80}\r?\n){2,}[A-Za-z0-9+/]{1,80}={0,2}"
)
_GROUPS = re.compile(
    r"(?<![\w+/=\-])(?:(?:[A-Z2-7]{4,8}[ \n]){12,}[A-Z2-7]{1,8}={0,6}|"
    r"(?:[0-9A-Fa-f]{2,8}[ \n]){24,}[0-9A-Fa-f]{1,8})(?![\w+/=\-])"
)
"""Base32 and hexadecimal in groups."""
_WORD = re.compile(r"[^\s\x1b]+")
_BLANK = re.compile(r"[ \t]+")
_BLANKS = 80
"""At most so many before noise."""
_SAMPLE = 400
"""Characters at the end of a run that are looked at."""


def find_noise(text: str) -> list[Range]:
    """Find escape codes, base64 of a hundred characters or more, and groups of as many letters."""
    found = [match.span() for match in ESCAPE.finditer(text)] if "\x1b" in text else []
    for match in _BASE64.finditer(text):
        if _is_random(match.group()) and re.search(r"[A-Z]", match.group()[-_SAMPLE:]):
            found.append(match.span())
    found += [m.span() for m in _GROUPS.finditer(text) if _is_random("".join(m.group().split()))]
    return merged(found)


def _is_random(run: str) -> bool:
    """Whether small letters, capitals and digits are mixed as no path or name mixes them."""
    sample = run[-_SAMPLE:]
    changes = len(re.findall(r"[a-z](?=[A-Z0-9])|[A-Z](?=[a-z0-9])|[0-9](?=[A-Za-z])", sample))
    return changes > len(sample) / 5


def with_noise(text: str, sketch: Sketch, noise: list[Range]) -> Outline:
    """Cut what is whole around noise: the rest of a record stays with its first part."""
    sketch.noise += noise
    if not noise:
        return sketch.done()
    _frame_blanks(text, sketch, noise)
    starts = [start for start, _ in noise]

    def parts(start: int, end: int) -> list[Range]:
        """What noise leaves, but for white space alone; something in any case."""
        near = noise[max(0, bisect_right(starts, start) - 1) : bisect_left(starts, end)]
        left = outside(near, start, end)
        return [(a, b) for a, b in left if text[a:b].strip()] or left[:1] or [(start, end)]

    framed = {frame[0] for frame in sketch.frames}
    frames = [(part, within, after) for own, within, after in sketch.frames for part in parts(*own)]
    whole, records = [], []
    for start, end in sketch.whole:
        solid, *others = parts(start, end)
        whole += [solid, *others]
        indented = _BLANK.match(text, start, end)
        if indented and indented.end() < solid[0]:  # a code behind the indentation
            frames.append((indented.span(), solid, solid))
        if (start, end) not in framed:
            frames += [(other, solid, solid) for other in others]
    for start, end in sketch.records:
        records.append((parts(start, end)[0][0], end))
    return replace(sketch, whole=whole, records=records, frames=frames).done()


def _frame_blanks(text: str, sketch: Sketch, noise: list[Range]) -> None:
    """Let blanks before noise stay with the word right behind it: they belong to that."""
    covered = merged([*sketch.whole, *sketch.records])
    begins = [start for start, _ in covered]
    behind = len(text)
    for start, end in reversed(noise):
        behind = behind if text[end : end + 1] == "\x1b" else end
        blanks = max(start - _BLANKS, before_blanks(text, start))
        word = _WORD.match(text, behind)
        near = bisect_right(begins, blanks) - 1
        if word and blanks < start and (near < 0 or covered[near][1] <= blanks):
            sketch.frame(blanks, start, word.span(), (0, blanks))
