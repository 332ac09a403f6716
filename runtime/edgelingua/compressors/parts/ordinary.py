"""What English prose is worth to edgelingua-mini where no question is asked: a common measure.

Without a question, what a model of many languages gives to a text says more about its language than
about the text: to half of the words of a French one more than mini gives to a tenth of an English
one. So beside English documents only the order of its scores counts. The best tenth of a text is
worth what the best tenth of English prose is, and so on: English keeps beside it what it would keep
beside prose of its own language, however well or badly the other language is thought of.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgelingua.scores import TokenScores

_WORTH = (0.9, 0.42, 0.335, 0.28, 0.245, 0.21, 0.185, 0.165, 0.145, 0.13, 0.115, 0.105, 0.09, 0.08,
          0.07, 0.06, 0.055, 0.045, 0.04, 0.03, 0.01)  # fmt: skip
"""P(keep) by edgelingua-mini of what stands behind each twentieth of a text, the best token first.

140 passages of NaturalQuestions, HotpotQA, SQuAD and SquadShifts."""

_PACE = 0.6
"""How fast a text in another language is kept, of how fast ordinary prose is: some is duller."""

_SURE, _SURE_ECHO = 0.06, 0.2
"""P(keep) of a text's best token from which a model of many languages is believed, and of one that
goes on repeating the question: what stands beside that seems to have to do with it."""


def worth(share: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return what stands behind shares of a text in another language is worth."""
    places = np.linspace(0, 1, len(_WORTH))
    return np.interp(share / _PACE, places, _WORTH).astype(np.float32)


def levelled(scores: TokenScores) -> TokenScores:
    """Give the tokens of a text, in their order of worth, the scores of ordinary prose."""
    order = np.argsort(-scores.scores, kind="stable")
    reach = np.cumsum((scores.spans[:, 1] - scores.spans[:, 0])[order])
    result = np.empty_like(scores.scores)
    if len(order):
        result[order] = worth(reach / reach[-1])
    return replace(scores, scores=result)


def doubted(scores: TokenScores, *, echoing: bool) -> TokenScores:
    """Lower a text of which nothing is surely worth keeping, where a question is asked.

    Of one that has nothing to do with the question, a model of many languages says up to 0.03 where
    mini says 0.003 of an English one. Where a single token is surely worth it, both mean the same,
    of its whole text: an answer may stand beside what was found, with less. ``echoing``: the text
    goes on repeating the question.
    """
    if scores.unit != "P(keep)":
        return scores
    best = scores.scores.max(initial=0)
    sure = _SURE_ECHO if echoing else _SURE
    return replace(scores, scores=scores.scores * min(best / sure, 1))


def beside_prose(scores: TokenScores, rate: float, part: float) -> float:
    """Return the share of an English text that stays beside ordinary prose where ``rate`` does.

    The prose keeps half of ``rate`` at least: it may be what answers. ``part``: the text's share of
    both. Scores are by edgelingua-mini, without a question.
    """
    order = np.argsort(-scores.scores, kind="stable")
    reach = np.cumsum((scores.spans[:, 1] - scores.spans[:, 0])[order])
    if not len(order):
        return rate
    own = reach / reach[-1]
    others = np.interp(-scores.scores[order], -np.asarray(_WORTH), np.linspace(0, 1, len(_WORTH)))
    fits = int((part * own + (1 - part) * np.maximum(others, rate / 2) <= rate).sum())
    return float(own[fits - 1]) if fits else 0.0
