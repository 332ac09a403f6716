"""Selective Context, at the level of words or tokens: drop what the model saw coming."""

from __future__ import annotations

from edgelingua.bundle import ModelBundle
from edgelingua.compressors.pruning import TokenPruner
from edgelingua.ort import RunOptions
from edgelingua.scorers.perplexity import PerplexityScorer


def make(bundle: ModelBundle, options: RunOptions | None = None) -> TokenPruner:
    """Keep the words with the most self-information (Li et al. 2023, arXiv:2310.06201)."""
    return TokenPruner(PerplexityScorer(bundle, options=options))
