"""One file per way to score text."""

from edgelingua.scorers.classifier import ClassifierScorer
from edgelingua.scorers.perplexity import PerplexityScorer

__all__ = ["ClassifierScorer", "PerplexityScorer"]
