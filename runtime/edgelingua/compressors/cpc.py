"""Whole sentences by their vectors' nearness to the question's: CPC, arXiv:2409.01227."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgelingua.budget import Count
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.compressors.parts.pruner import Pruner
from edgelingua.compressors.parts.token_pruner import TokenPruner
from edgelingua.errors import InputError
from edgelingua.index import SentenceIndex
from edgelingua.ort.session import RunOptions
from edgelingua.scorers.encoder import SentenceEncoder, Sentences
from edgelingua.scores import Progress, TokenScores
from edgelingua.selection.units import Rules


@dataclass(frozen=True)
class SentenceScorer:
    """Cosine of each sentence's vector with the question's; a sentence is one token.

    Parameters
    ----------
    encoder
        Encodes the question, and texts that are not in the index.
    index
        A text that was encoded before: only texts that are part of it are scored.
    """

    encoder: SentenceEncoder
    index: SentenceIndex | None = None

    @property
    def count(self) -> Count:
        """Counts tokens with the encoder's own tokenizer."""
        return self.encoder.count

    def score(self, text: str, question: str = "", progress: Progress | None = None) -> TokenScores:
        """Score sentences; one without a letter or digit (a line of marks) says nothing: -1.

        Raises
        ------
        InputError
            There is no question, or the text is not part of the index.
        """
        asked = self.encoder.encode_question(question)
        if self.index is None:
            sentences = self.encoder.encode(text, progress)
        else:
            sentences = _part(self.index, text)
        says = [any(map(str.isalnum, text[a:b])) for a, b in sentences.spans.tolist()]
        scores = np.where(says, sentences.vectors @ asked, -1).astype(np.float32)
        return TokenScores(sentences.spans, scores, np.ones(len(scores), dtype=bool), "rank")


def _part(index: SentenceIndex, text: str) -> Sentences:
    """Return the sentences of a text that is part of the index, at their offsets in it."""
    at = index.text.find(text)
    if at < 0:
        raise InputError(
            f"the index is of another text ({len(index.text):,} characters) than this one "
            f"({len(text):,}): index this one"
        )
    spans = np.clip(index.sentences.spans - at, 0, len(text))
    inside = spans[:, 1] > spans[:, 0]
    return Sentences(spans[inside], index.sentences.vectors[inside])


def with_index(compressor: Pruner, index: SentenceIndex) -> Pruner:
    """Return a compressor of this method that compresses an index's text, or parts of it.

    Raises
    ------
    InputError
        It is a compressor of another method.
    StateError
        The index was made with another bundle.
    """
    scorer = compressor.scorer
    if not isinstance(scorer, SentenceScorer):
        raise InputError("an index of sentences is for the method cpc")
    index.check(scorer.encoder)
    return replace(compressor, scorer=replace(scorer, index=index))


def make(bundle: ModelBundle, options: RunOptions | None = None) -> TokenPruner:
    """Keep the sentences that lie nearest to the question."""
    rules = Rules(level="sentence", guard=False)
    return TokenPruner(SentenceScorer(SentenceEncoder(bundle, options=options)), rules=rules)
