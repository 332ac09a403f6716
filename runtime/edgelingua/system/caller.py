"""Warnings that name the caller's line, however deep in this package they arise."""

from __future__ import annotations

import inspect
import warnings

_INSIDE = "edgelingua."


def warn_caller(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn as if at the line outside of this package from which it was called."""
    level, frame = 1, inspect.currentframe()
    while frame and frame.f_globals["__name__"].startswith(_INSIDE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
