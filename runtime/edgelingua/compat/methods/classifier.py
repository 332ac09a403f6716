"""The classifier of an engine as a compressor: the one that was named, or each text's own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from edgelingua.budget import Count
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.compat.options import Engine
from edgelingua.compressors import Rules, TokenPruner
from edgelingua.compressors.parts import by_language
from edgelingua.compressors.parts.by_language import EnglishPruner, Multilingual, Opened
from edgelingua.models import registry
from edgelingua.ort.session import RunOptions
from edgelingua.scorers import ClassifierScorer
from edgelingua.scores import Progress, Scorer, TokenScores


def multilingual(options: RunOptions | None) -> Multilingual | None:
    """Return what brings a classifier of many languages, if one is installed."""

    def opened(folder: Path) -> Opened:
        scorer = ClassifierScorer(ModelBundle.open(folder), options=options)
        return TokenPruner(scorer, model=registry.DEFAULT_MULTILINGUAL), scorer.tokenizer.unknown

    return by_language.multilingual(opened)


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
    own, many = TokenPruner(engine.scorer, rules=rules or Rules()), engine.multilingual
    if first:
        own, many = _by_first_tokens(own), many and _all_by_first_tokens(many)
    if not engine.chosen:
        return own
    return EnglishPruner(
        own.scorer, rules=own.rules, model=registry.DEFAULT_CLASSIFIER, multilingual=many
    )


def _by_first_tokens(pruner: TokenPruner) -> TokenPruner:
    return replace(pruner, scorer=_FirstTokens(pruner.scorer))


def _all_by_first_tokens(many: Multilingual) -> Multilingual:
    def opened() -> Opened:
        pruner, unknown = many()
        return _by_first_tokens(pruner), unknown

    return opened


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
