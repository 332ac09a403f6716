"""One file per way to score text; each is imported when it is first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgelingua.scorers.classifier import ClassifierScorer
    from edgelingua.scorers.perplexity import PerplexityScorer

_HOMES = {"ClassifierScorer": "classifier", "PerplexityScorer": "perplexity"}

__all__ = ["ClassifierScorer", "PerplexityScorer"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
