"""No pattern of ours repeats a group possessively: ``(?:ab)*+``, ``(?:ab)?+``, ``(?:ab){1,3}+``.

Before 3.11.5 Python matches those wrongly and says nothing: what stands behind the last whole
repetition stays matched (CPython issues 100061 and 106052). Of single characters, ``[ab]*+``, it
matches them right, and atomic groups too, unless a group inside one is captured.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

# The only place where a pattern is seen as it is in the end, whatever it was put together from.
from re import _compiler, _constants, _parser  # type: ignore[attr-defined]
from typing import Any

OURS = ("edgelingua", "edgelingua_export")


def misread(pattern: str | bytes, flags: int = 0) -> bool:
    """Whether an older Python reads ``pattern`` in another way."""
    return any(_misread(*part) for part in _parts(_parser.parse(pattern, flags)))


def watch() -> None:
    """Refuse such patterns from now on, where a module of ours compiles them."""
    early = [n for n, m in sys.modules.items() if n.partition(".")[0] in OURS and hasattr(m, "re")]
    if early:
        raise RuntimeError(f"imported before its patterns are looked at: {', '.join(early)}")
    compile_ = _compiler.compile

    def watched(pattern: Any, flags: int = 0) -> re.Pattern[Any]:
        if _caller() in OURS and isinstance(pattern, str | bytes) and misread(pattern, flags):
            raise AssertionError(f"Python < 3.11.5 misreads {pattern!r}: see tests/patterns.py")
        return compile_(pattern, flags)  # type: ignore[no-any-return]

    _compiler.compile = watched


def _misread(code: Any, argument: Any) -> bool:
    if code is _constants.POSSESSIVE_REPEAT:
        return not _compiler._simple(argument[2])
    if code is _constants.ATOMIC_GROUP:
        inside = _parts(argument)
        return any(c is _constants.SUBPATTERN and a[0] is not None for c, a in inside)
    return False


def _parts(tree: Any) -> Iterator[tuple[Any, Any]]:
    """All operations of a parsed pattern with what they work on, from the outside to the inside."""
    if isinstance(tree, _parser.SubPattern):
        for code, argument in tree:
            yield code, argument
            yield from _parts(argument)
    elif isinstance(tree, list | tuple):
        for part in tree:
            yield from _parts(part)


def _caller() -> str:
    """Name the package of the code that called ``re``."""
    frame = sys._getframe()
    while frame is not None and frame.f_globals.get("__name__", "") in (__name__, "re"):
        frame = frame.f_back  # type: ignore[assignment]
    name = "" if frame is None else str(frame.f_globals.get("__name__", ""))
    return name.partition(".")[0]
