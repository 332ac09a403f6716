"""LLMLingua-2: a token classifier decides what to keep."""

from __future__ import annotations

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.compressors.parts.token_pruner import TokenPruner
from edgelingua.ort.session import RunOptions
from edgelingua.scorers.classifier import ClassifierScorer
from edgelingua.selection.units import Rules

RULES = Rules(names=True)


def make(bundle: ModelBundle, options: RunOptions | None = None) -> TokenPruner:
    """Keep the words with the highest mean P(keep) (Pan et al. 2024, arXiv:2403.12968).

    The threshold is one for the whole text, where the published code takes one per 512-token chunk.
    A classifier that was trained for it reads the question too, beside each document for itself.
    Names of several words are kept or dropped whole, which the published code does not do.
    """
    scorer = ClassifierScorer(bundle, options=options)
    return TokenPruner(
        scorer, longest_question=scorer.longest_question, rules=RULES, floors=bundle.floors()
    )
