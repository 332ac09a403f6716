"""Selective Context: drop the phrases, sentences or words that the model saw coming."""

from __future__ import annotations

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.compressors.parts.token_pruner import TokenPruner
from edgelingua.ort.session import RunOptions
from edgelingua.scorers.perplexity import PerplexityScorer
from edgelingua.selection.units import Rules


def make(bundle: ModelBundle, options: RunOptions | None = None) -> TokenPruner:
    """Keep the noun phrases and words with the most self-information (Li et al., arXiv:2310.06201).

    The paper's other levels are ``level="sentence"`` and ``level="token"``. Unlike its code, the
    model sees what precedes a sentence, and the budget is met for the text, not per sentence.
    """
    return TokenPruner(PerplexityScorer(bundle, options=options), rules=Rules(level="phrase"))
