"""EHPC: tokens that a causal LM's evaluator heads look at while it reads the question."""

from __future__ import annotations

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.compressors.parts.token_pruner import TokenPruner
from edgelingua.ort.session import RunOptions
from edgelingua.scorers.heads import HeadScorer, Looker


def make(bundle: ModelBundle, options: RunOptions | None = None) -> TokenPruner:
    """Keep what the heads look at that the bundle names (Fei et al. 2025, arXiv:2501.12959)."""
    return TokenPruner(HeadScorer.of(bundle, options=options))


def with_reader(looker: Looker) -> TokenPruner:
    """Keep what heads of a reader look at (`edgelingua.llama.heads.ReaderHeads`)."""
    return TokenPruner(HeadScorer(looker))
