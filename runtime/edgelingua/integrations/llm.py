"""A plugin for Simon Willison's ``llm``: ``llm -f compress:long.txt "What …?"``.

``pip install 'edgelingua[llm]'`` brings both; `llm` finds the plugin by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from edgelingua.errors import InputError, MissingExtraError
from edgelingua.integrations.documents import DocumentCompressor

try:
    import click
    import llm
except ModuleNotFoundError as error:
    raise MissingExtraError(str(error.name), "llm") from error

_ARGUMENT = re.compile(r"(?:(?P<budget>\d*\.?\d+):)?(?P<file>.+)", re.DOTALL)


@llm.hookimpl
def register_fragment_loaders(
    register: Callable[[str, Callable[[str], llm.Fragment]], None],
) -> None:
    """Tell ``llm`` of the prefix ``compress:``."""
    register("compress", compress)


def compress(argument: str) -> llm.Fragment:
    """Compress a text file in the light of the prompt.

    ``compress:FILE`` keeps half of its tokens, ``compress:0.2:FILE`` that fraction of them, and
    ``compress:400:FILE`` as many.
    """
    match = _ARGUMENT.fullmatch(argument)
    if match is None:
        raise InputError("expected compress:FILE, compress:RATE:FILE or compress:TOKENS:FILE")
    budget, file = match["budget"], match["file"]
    fraction = budget is None or "." in budget
    done = DocumentCompressor(
        rate=float(budget or 0.5) if fraction else None,
        tokens=None if fraction else int(budget),
        on_failure="closed",
    ).compress([Path(file).read_text(encoding="utf-8-sig")], _asked())
    return llm.Fragment(  # type: ignore[no-untyped-call]
        done.kept[0].text or "", f"compress:{argument}"
    )


def _asked() -> str:
    """Return the prompt of the command that runs; loaders are told of their argument only."""
    context = click.get_current_context(silent=True)
    asked = context.params.get("prompt") if context else None
    return asked if isinstance(asked, str) else ""
