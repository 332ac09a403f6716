"""Passages ranked by a question, and the tokens inside them: two rankings made into one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgelingua.budget import Count
from edgelingua.errors import InputError
from edgelingua.scores import Progress, TokenScores
from edgelingua.text.boundaries import sentences
from edgelingua.text.ranges import Spans


@dataclass(frozen=True, eq=False)
class Judged:
    """A text cut into passages, and how good its tokens and passages are.

    ``spans`` ``(T, 2)`` and ``starts`` ``(T,)`` as in `TokenScores`, or pieces of a tokenizer;
    ``order`` ``(T,)``: the higher, the more its passage needs the token; ``passages``: half-open
    ranges of tokens that tile them; ``relevance`` ``(P,)``: higher = keep.
    """

    spans: Spans
    starts: NDArray[np.bool_]
    order: NDArray[np.floating]
    passages: list[tuple[int, int]]
    relevance: NDArray[np.float64]


class Judge(Protocol):
    """Cuts a text into passages, and judges these and their tokens."""

    @property
    def count(self) -> Count:
        """Counts tokens the way the judge's own tokenizer does."""
        ...

    def judge(self, text: str, question: str, progress: Progress | None) -> Judged:
        """Judge ``text`` in the light of ``question``, which is not empty."""
        ...


@dataclass(frozen=True)
class PassageScorer:
    """Make one score of a ranking of passages and a ranking of the tokens in each.

    Laid end to end in rank order, a passage starts ``s`` tokens into the pile; its token at
    quantile ``u`` (0: the best of its passage) scores ``-(s + depth * u)``. So the best passage
    loses its dullest tokens only when the budget could not pay for the sharpest ones of the passage
    ``depth`` tokens further down.

    Parameters
    ----------
    judge
        Ranks passages and tokens.
    depth
        See above; 0 keeps and drops whole passages but for one.
    """

    judge: Judge
    depth: float = 240.0

    @property
    def count(self) -> Count:
        """Counts tokens with the judge's own tokenizer."""
        return self.judge.count

    def score(self, text: str, question: str = "", progress: Progress | None = None) -> TokenScores:
        """Score ``text`` for ``question``.

        Raises
        ------
        InputError
            There is no question.
        """
        if not question:
            raise InputError("this method ranks passages by the question: the prompt needs one")
        judged = self.judge.judge(text, question, progress)
        depth_in_pile = np.zeros(len(judged.spans), dtype=np.float32)
        pile = 0
        for index in np.argsort(-judged.relevance, kind="stable").tolist():
            start, end = judged.passages[index]
            dullness = np.argsort(np.argsort(-judged.order[start:end], kind="stable"))
            depth_in_pile[start:end] = pile + self.depth * dullness / (end - start)
            pile += end - start
        return TokenScores.from_pieces(judged.spans, -depth_in_pile, judged.starts, "rank")


def cut(text: str, spans: Spans, longest: int) -> list[tuple[int, int]]:
    """Cut a text into passages of at most ``longest`` tokens that end where sentences do.

    Parameters
    ----------
    spans
        Its tokens, ``(T, 2)``.

    Returns
    -------
    list of (int, int)
        Half-open ranges of token indices, which they tile. Only a sentence that is longer by
        itself is cut inside.
    """
    sentence_ends = np.searchsorted(spans[:, 0], sentences(text)[:, 1]).tolist()
    passages = []
    start = 0
    for at, end in enumerate(sentence_ends):
        while end - start > longest:  # one long sentence
            passages.append((start, start + longest))
            start += longest
        following = sentence_ends[at + 1] if at + 1 < len(sentence_ends) else None
        if end > start and (following is None or following - start > longest):
            passages.append((start, end))
            start = end
    return passages
