"""Two baselines that need no model and that the runtime does not offer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgelingua.budget import Count
from edgelingua.compressors import Rules, TokenPruner
from edgelingua.scores import Progress, TokenScores
from edgelingua.text.boundaries import count_words, words

_LISTED = """
a an the this that these those some any each every either neither both all such
i me my mine myself you your yours yourself yourselves he him his himself she her hers herself
it its itself we us our ours ourselves they them their theirs themselves one ones
who whom whose which what where when why how there here
of to in on at by for from with without within into onto upon about above below over under
between among through during before after against toward towards across along around behind
beside besides beyond despite except inside near off outside since until per via as than like
and or but nor so yet if because although though while whereas unless whether then
am is are was were be been being do does did doing done have has had having
will would shall should can could may might must ought
not no n't just only also too very quite rather even still again once ever almost
s t d ll m re ve
"""
FUNCTION_WORDS = frozenset(_LISTED.split())
"""English function words: articles, pronouns, prepositions, conjunctions, auxiliaries, particles.

The closed classes as school grammars list them, and what is left of contractions.
"""


@dataclass(frozen=True)
class FunctionWordScorer:
    """Scores content words above function words; among both, the earlier the better."""

    @property
    def count(self) -> Count:
        """Words: there is no tokenizer here."""
        return count_words

    def score(self, text: str, question: str = "", progress: Progress | None = None) -> TokenScores:
        """Score content words from 2 down to above 1, function words from 1 down to above 0."""
        spans = words(text)
        content = [text[a:b].lower() not in FUNCTION_WORDS for a, b in spans.tolist()]
        early = np.linspace(1, 0, len(spans), endpoint=False, dtype=np.float32)
        scores = early + np.asarray(content, dtype=np.float32)
        return TokenScores(spans, scores, np.ones(len(spans), dtype=bool), "rank")


@dataclass(frozen=True)
class LatestScorer:
    """Scores a word by how late in the text it stands."""

    @property
    def count(self) -> Count:
        """Words: there is no tokenizer here."""
        return count_words

    def score(self, text: str, question: str = "", progress: Progress | None = None) -> TokenScores:
        """Score from 0 (first word) up to 1 (last)."""
        spans = words(text)
        scores = np.linspace(0, 1, len(spans), dtype=np.float32)
        return TokenScores(spans, scores, np.ones(len(spans), dtype=bool), "rank")


def without_function_words() -> TokenPruner:
    """Drop function words first, from the end, then the last of the others."""
    return TokenPruner(FunctionWordScorer(), rules=Rules(guard=False))


def latest() -> TokenPruner:
    """Keep the last words."""
    return TokenPruner(LatestScorer(), rules=Rules(guard=False))
