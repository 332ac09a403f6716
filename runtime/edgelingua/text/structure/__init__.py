"""What of a text is more than prose: blocks with a structure, and atoms that must not be cut."""

from __future__ import annotations

import re
from typing import Literal

from edgelingua.errors import InputError
from edgelingua.text.ranges import Range, merged
from edgelingua.text.structure.atoms import atoms

__all__ = ["Mode", "atoms", "ranges"]

_LINE_BREAK = re.compile(r"\r?\n")

Mode = Literal["pin", "compress", "off"]
"""What becomes of blocks: kept whole; compressed so that they stay what they are; read as prose."""


def ranges(text: str, mode: Mode) -> tuple[tuple[Range, ...], tuple[Range, ...]]:
    """Return what of a text must survive, and what is kept or dropped whole.

    Parameters
    ----------
    text
        Any text; of prose there is nothing to return.
    mode
        ``"pin"``: blocks are pinned. ``"compress"``: see `blocks.by_structure`. ``"off"``: nothing
        is looked for.

    Returns
    -------
    pinned, whole
        Ranges of characters, half-open, ascending; none overlap, between the two neither. The line
        break behind a block is pinned too: what follows must not move up into it.

    Raises
    ------
    InputError
        No such mode.

    Notes
    -----
    Time grows with the length of the text, whatever is in it: ``tests/text/test_structure.py`` has
    the worst texts known.
    """
    if mode not in ("pin", "compress", "off"):
        raise InputError(f"structure mode {mode!r}: expected one of pin, compress, off")
    if mode == "off":
        return (), ()
    from edgelingua.text.structure.blocks import by_structure, find, pin

    pinned: list[Range] = []
    whole: list[Range] = []
    for block in find(text):
        kept, together = by_structure(text, block) if mode == "compress" else (pin(text, block), [])
        pinned += kept
        whole += together
        if (behind := _LINE_BREAK.match(text, block.end)) is not None:
            pinned.append(behind.span())
    return tuple(merged(pinned, touching=True)), tuple(sorted(whole))
