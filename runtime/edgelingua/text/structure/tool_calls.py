"""Calls of tools that models write between tags."""

from __future__ import annotations

import re
from collections.abc import Iterator

from edgelingua.text.ranges import Range

_NAMES = r"(?:\w{1,20}:)?(?:tool_calls?|function_calls?|tool_use|invoke)"
_TAG = re.compile(rf"<({_NAMES})\b[^<>]{{0,500}}>")


def find_calls(text: str) -> Iterator[Range]:
    """Yield what stands between the tags of calls, with the tags; one that is not closed is none.

    ``<tool_call>``, ``<function_calls>``, ``<tool_use>`` and ``<invoke …>``, with a prefix or not.
    What a tool answered is no call.
    """
    at = 0
    last: dict[str, int] = {}
    while (opening := _TAG.search(text, at)) is not None:
        closing = f"</{opening.group(1)}>"
        # Where the last one stands is looked up once: else every open tag would read to the end.
        if closing not in last:
            last[closing] = text.rfind(closing)
        if last[closing] < opening.end():
            at = opening.end()
            continue
        at = text.index(closing, opening.end()) + len(closing)
        yield opening.start(), at
