"""What of a text is more than prose: blocks with a structure, and atoms that must not be cut."""

from __future__ import annotations

from typing import Literal

from edgelingua.errors import InputError
from edgelingua.text.structure.atoms import atoms
from edgelingua.text.structure.outline import Outline

__all__ = ["Mode", "Outline", "atoms", "outline_of"]

Mode = Literal["compress", "pin", "off"]
"""What becomes of machine text: compressed by line, row and element; kept whole; read as prose."""


def outline_of(text: str, mode: Mode) -> Outline:
    """Return what of a text must survive, what goes whole, and what stays with what.

    Parameters
    ----------
    text
        Any text; of prose there is nothing to return.
    mode
        ``"compress"``: see `outlining.outline`. ``"pin"``: blocks are pinned, with the line breaks
        around them. ``"off"``: nothing is looked for.

    Raises
    ------
    InputError
        No such mode.

    Notes
    -----
    Time grows with the length of the text, whatever is in it: ``tests/text/test_structure.py`` has
    the worst texts known.
    """
    if mode not in ("compress", "pin", "off"):
        raise InputError(f"structure mode {mode!r}: expected one of compress, pin, off")
    if mode == "off":
        return Outline()
    from edgelingua.text.structure.outlining import outline, pinned

    return outline(text) if mode == "compress" else pinned(text)
