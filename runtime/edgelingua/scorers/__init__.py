"""One file per way to score text; each is imported when it is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgelingua.lazy import attach

if TYPE_CHECKING:
    from edgelingua.scorers.classifier import ClassifierScorer
    from edgelingua.scorers.heads import HeadScorer
    from edgelingua.scorers.perplexity import PerplexityScorer

__all__ = ["ClassifierScorer", "HeadScorer", "PerplexityScorer"]

__getattr__, __dir__ = attach(
    __name__,
    {
        "ClassifierScorer": "classifier",
        "HeadScorer": "heads",
        "PerplexityScorer": "perplexity",
    },
)
