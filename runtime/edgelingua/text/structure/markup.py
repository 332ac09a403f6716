"""HTML and XML: elements go whole, tags stay with what is between them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from edgelingua.text.ranges import Range
from edgelingua.text.structure.outline import LONGEST_RECORD, Sketch

_ELEMENT = (
    r"[!?][^<>]{0,2000}>|(/?)([A-Za-z][\w:.\-]*)"
    r"((?:\s[^<>\"']*(?:\"[^\"]*\"[^<>\"']*|'[^']*'[^<>\"']*)*)?)>"
)
_TAG = re.compile(rf"<(?:{_ELEMENT})")
_TAG_OR_COMMENT = re.compile(rf"<(?:!--.*?-->|{_ELEMENT})", re.DOTALL)
_VOID = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
    ]
)
_CLOSED_BY_NEXT = frozenset(["p", "li", "td", "th", "tr", "dt", "dd", "option"])
_WRAPPERS = frozenset(["html", "body", "main", "div", "section", "article", "center", "tbody"])
_NAMED = re.compile(r"\s(?:id|title|aria-label|data-[\w\-]+|itemprop)=")
_NO_TEXT = frozenset(["script", "style", "noscript", "svg", "template"])
_INLINE = frozenset(
    [
        "a",
        "abbr",
        "b",
        "bdi",
        "bdo",
        "cite",
        "code",
        "del",
        "dfn",
        "em",
        "i",
        "ins",
        "kbd",
        "mark",
        "q",
        "s",
        "samp",
        "small",
        "span",
        "strong",
        "sub",
        "sup",
        "time",
        "u",
        "var",
        "br",
        "img",
        "wbr",
    ]
)
_LEAST = 6
"""Tags; fewer are some in a text."""


@dataclass
class _Element:
    name: str
    start: int
    inside: int
    close: int = -1
    end: int = -1
    children: list[_Element] = field(default_factory=list)


def find_markup(text: str, start: int, end: int) -> Range | None:
    """Return the range from the first tag to the last, if text between them is markup, not prose.

    Markup begins a line and has a tag for every 120 characters at least.
    """
    first = re.compile(r"^[^\S\n]*+<[!?A-Za-z]", re.MULTILINE).search(text, start, end)
    if first is None:
        return None
    begin = text.index("<", first.start())
    tags = list(_tags(text, begin, end))
    if not tags or tags[0].start() != begin:
        return None
    named = sum(match.group(2) is not None for match in tags)
    closing = sum(match.group(1) == "/" for match in tags)
    stop = tags[-1].end()
    if named < _LEAST or closing < named / 5 or stop - begin > 120 * named:
        return None
    return begin, stop


def _tags(text: str, start: int, end: int) -> Iterator[re.Match[str]]:
    """Tags and comments; a comment that is open to the end is none, and is not looked for."""
    last = text.rfind("-->", start, end) + 3
    if last > 3:
        yield from _TAG_OR_COMMENT.finditer(text, start, last)
    yield from _TAG.finditer(text, max(start, last if last > 3 else start), end)


def outline_markup(sketch: Sketch, text: str, start: int, end: int) -> None:
    """Add markup: elements of at most `LONGEST_RECORD` characters are records, larger ones frames.

    Scripts, styles and comments are noise.
    """
    root = _tree(text, start, end, sketch)
    waiting = [root]
    while waiting:
        element = waiting.pop()
        at = element.inside
        for child in [*element.children, None]:
            stop = child.start if child else element.close
            _text(sketch, text, at, stop)
            if child is None:
                break
            at = child.end
            if child.end - child.start <= LONGEST_RECORD or not _has_text(text, child):
                sketch.record(child.start, child.end)
            elif child.inside < child.close:
                inner = (child.inside, child.close)
                if child.name in _WRAPPERS and not _NAMED.search(text, child.start, child.inside):
                    inner = (child.start, child.start)  # it says nothing of what it wraps
                sketch.frame(child.start, child.inside, inner)
                sketch.frame(child.close, child.end, inner)
                waiting.append(child)


def _has_text(text: str, element: _Element) -> bool:
    return element.inside < element.close


def _text(sketch: Sketch, text: str, start: int, end: int) -> None:
    """Add text between elements, with its inline tags; white space goes with what follows it."""
    a, b = start, end
    while a < b and text[a].isspace():
        a += 1
    while b > a and text[b - 1].isspace():
        b -= 1
    if a == b:
        return
    if b - a <= LONGEST_RECORD:
        sketch.record(a, b)
    else:
        sketch.loose(a, b)


def _tree(text: str, start: int, end: int, sketch: Sketch) -> _Element:
    root = _Element("", start, start, end, end)
    open_elements = [root]
    skip = -1
    for match in _tags(text, start, end):
        if match.start() < skip:
            continue
        name = (match.group(2) or "").lower()
        if not name:
            sketch.noise.append(match.span())
            continue
        if match.group(1):
            _close(open_elements, name, match)
            continue
        if name in _NO_TEXT:
            closing = text.find(f"</{name}", match.end(), end)
            if closing >= 0:
                skip = text.find(">", closing, end) + 1 or end
                sketch.noise.append((match.start(), skip))
                continue
        if name in _INLINE:
            continue
        top = open_elements[-1]
        if name in _CLOSED_BY_NEXT and top.name == name:
            top.close = top.end = match.start()
            open_elements.pop()
            top = open_elements[-1]
        element = _Element(name, match.start(), match.end())
        top.children.append(element)
        if name in _VOID or match.group(3).endswith("/"):
            element.close = element.end = match.end()
        else:
            open_elements.append(element)
    for element in open_elements[1:]:
        element.close = element.end = end
    return root


def _close(open_elements: list[_Element], name: str, match: re.Match[str]) -> None:
    for depth in range(len(open_elements) - 1, max(0, len(open_elements) - 20), -1):
        if open_elements[depth].name == name:
            for unclosed in open_elements[depth + 1 :]:
                unclosed.close = unclosed.end = match.start()
            del open_elements[depth + 1 :]
            element = open_elements.pop()
            element.close, element.end = match.start(), match.end()
            return
