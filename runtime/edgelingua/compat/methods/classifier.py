"""The classifier of an engine as a compressor: the one that was named, or each text's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from edgelingua.budget import Count
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.compat.options import Engine
from edgelingua.compressors import Rules, TokenPruner
from edgelingua.compressors.parts.by_language import EnglishPruner, Multilingual
from edgelingua.models import registry
from edgelingua.ort.session import RunOptions
from edgelingua.scorers import ClassifierScorer
from edgelingua.scores import Progress, Scorer, TokenScores
from edgelingua.system.once import Once


def multilingual(options: RunOptions | None) -> Multilingual | None:
    """Return what brings a classifier of many languages, if one is installed."""
    folder = registry.multilingual_bundle()
    if folder is None:
        return None

    def opened() -> tuple[TokenPruner, Callable[[str], float]]:
        scorer = ClassifierScorer(ModelBundle.open(folder), options=options)
        return TokenPruner(scorer, model=registry.DEFAULT_MULTILINGUAL), scorer.tokenizer.unknown

    return Once(opened)


def pruner_of(engine: Engine, rules: Rules | None = None, *, first: bool = False) -> TokenPruner:
    """Return a compressor with an engine's classifier.

    Where no model was named, it leaves what is not English to others (`EnglishPruner`).

    Parameters
    ----------
    rules
        What is kept or dropped whole; ``None``: the usual.
    first
        A word is worth what its first token is.
    """
    scorer, many = _worth(engine.scorer, first=first), engine.multilingual
    if not engine.chosen:
        return TokenPruner(scorer, rules=rules or Rules())

    def other() -> tuple[TokenPruner, Callable[[str], float]]:
        pruner, unknown = many() if many else (TokenPruner(scorer), lambda letters: 1.0)
        return replace(pruner, scorer=_worth(pruner.scorer, first=first)), unknown

    return EnglishPruner(
        scorer,
        rules=rules or Rules(),
        model=registry.DEFAULT_CLASSIFIER,
        multilingual=other if many else None,
    )


def _worth(scorer: Scorer, *, first: bool) -> Scorer:
    return _FirstTokens(scorer) if first else scorer


@dataclass(frozen=True)
class _FirstTokens:
    """A scorer by which a word is worth what its first token is."""

    scorer: Scorer

    @property
    def count(self) -> Count:
        return self.scorer.count

    def score(self, text: str, question: str = "", progress: Progress | None = None) -> TokenScores:
        scores = self.scorer.score(text, question, progress)
        first = scores.starts.copy()
        first[:1] = True
        word = first.cumsum() - 1
        return replace(scores, scores=scores.scores[first][word])
