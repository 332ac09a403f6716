"""Times, sizes and lengths as people write them: ``2s``, ``600MB``, ``16k``."""

from __future__ import annotations

import re

import typer

_SECONDS = {"": 1.0, "s": 1.0, "ms": 0.001, "min": 60.0}
_MEGABYTES = {"": 1.0, "mb": 1.0, "gb": 1000.0, "mib": 1.048576, "gib": 1073.741824}
_TOKENS = {"": 1.0, "k": 1024.0}


def seconds(text: str) -> float:
    """Read a time: ``2s``, ``500ms``, ``1min``; a number alone is seconds."""
    return _read(text, _SECONDS, "2s or 500ms")


def megabytes(text: str) -> float:
    """Read a size: ``600MB``, ``1.5GB``; a number alone is MB."""
    return _read(text, _MEGABYTES, "600MB or 1.5GB")


def tokens(text: str) -> int:
    """Read a number of tokens: ``16k``, of 1,024 each, or ``4000``."""
    number = round(_read(text, _TOKENS, "4000 or 16k"))
    if number < 1:
        raise typer.BadParameter("expected at least 1")
    return number


def _read(text: str, units: dict[str, float], example: str) -> float:
    found = re.fullmatch(r"\s*([0-9]{1,12}(?:[.][0-9]{1,12})?)\s*([A-Za-z]*)\s*", text)
    unit = found and units.get(found[2].lower())
    if not found or unit is None or not (value := float(found[1]) * unit):
        raise typer.BadParameter(f"expected something like {example}")
    return value
