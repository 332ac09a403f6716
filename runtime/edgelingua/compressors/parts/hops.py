"""Questions of two steps: what was found first leads to a few passages, which are read again.

*Where was the director of The Lantern born?* One text names the director of The Lantern, another
says where she was born. The latter resembles the question little, and the former more.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edgelingua.compressors.parts.second_pass import Reading, title_of
from edgelingua.scores import Progress, TokenScores
from edgelingua.text.boundaries import sentences
from edgelingua.text.ranges import Spans

SHARE = 0.2
"""Share of the text that is read again for each clue, at most, but for one passage: it bounds the
time."""

_MOST = 12
"""Passages that are read again for each clue, at most: names of a long text lead too far."""

PROMISING = 0.15
"""P(keep) of the best token of a passage that may answer, or lead on. Where one passage alone is
that good, the question often has one step: seven in ten of NaturalQuestions, one in four of
MuSiQue; so one clue will do."""

_ANCHOR = 0.1
"""What a sentence without a word of the question is worth, as a clue, of one that has them all."""

_UNSURE = 0.05
"""What a name is worth, as a lead, that the first pass would not keep at all, of one it would."""

_LONG = 1500
"""Characters of a document that is read again whole; of longer ones, paragraphs are."""

_WORD = re.compile(r"[^\W_]+")
_PARAGRAPH = re.compile(r"\n\s*\n")


@dataclass(frozen=True, eq=False)
class Passage:
    """A document or a part of it: ``text``, from its ``start`` in the document at ``document``.

    ``spans`` ``(T, 2)`` and ``scores`` ``(T,)``: of its tokens, from the first pass. ``title``: the
    document's, if it has one, which ends before ``body``.
    """

    document: int
    start: int
    text: str
    title: str
    body: int
    spans: Spans
    scores: NDArray[np.float32]
    words: frozenset[str]

    @property
    def best(self) -> float:
        """Score of its best token."""
        return float(self.scores.max(initial=-np.inf))


@dataclass(frozen=True, eq=False)
class Clue:
    """A sentence after its title, and the passage that it is from."""

    text: str
    passage: Passage


def follow(
    reading: Reading, first: Mapping[int, TokenScores], progress: Progress | None
) -> dict[int, TokenScores]:
    """Return the scores of a first pass, raised where its clues lead to.

    The best sentence of each of the two best passages is a clue; the passages that share names with
    it are scored again with it in the question, `SHARE` of the text or one. Where no passage is any
    good, nothing leads on.

    Parameters
    ----------
    reading, first
        What is read, and its scores.
    progress
        Is told that all is done, again and again; it may raise to stop.
    """
    passages = passages_of(reading.texts, first)
    result = dict(first)
    for clue in clues(passages, reading.question):
        asked = reading.asked_with(clue.text)
        if asked == reading.question:
            break
        chosen = leads(passages, clue, reading.question)
        texts = [passage.text for passage in chosen]
        again = reading.scorer.score_each(texts, asked, _ended(progress, first))
        for passage, scores in zip(chosen, again, strict=True):
            result[passage.document] = _raised(result[passage.document], passage, scores)
    return result


def passages_of(texts: Mapping[int, str], scored: Mapping[int, TokenScores]) -> list[Passage]:
    """Return the documents, the long ones cut into their paragraphs."""
    found = []
    for document, text in texts.items():
        scores = scored[document]
        title, body = title_of(text)
        for start, end in pairwise(_cuts(text)):
            a, b = np.searchsorted(scores.spans[:, 0], [start, end])
            part = text[start:end]
            found.append(
                Passage(
                    document,
                    start,
                    part,
                    title,
                    body,
                    scores.spans[a:b] - start,
                    scores.scores[a:b],
                    _words(part),
                )
            )
    return found


def clues(passages: Sequence[Passage], question: str) -> list[Clue]:
    """Return the sentences to go by, of the two best passages; fewer where fewer may lead on.

    A sentence is worth its best score, and more if it has the question's rare words: names of the
    question are where its first step begins.
    """
    promising = [passage for passage in passages if passage.best >= PROMISING]
    rarity = _rarity(_words(question), passages)
    best = [_best_clue(passage, rarity) for passage in promising]
    order = sorted(range(len(best)), key=lambda number: -best[number][0])
    return [Clue(best[number][1], promising[number]) for number in order[:2]]


def leads(passages: Sequence[Passage], clue: Clue, question: str) -> list[Passage]:
    """Return the passages that a clue leads to, the likeliest first.

    They share names with it that the question lacks; the better if the names are rare and the first
    pass would keep them, and if the passage has words of the question that the clue lacks.
    """
    asked, said = _words(question), _words(clue.text)
    names = {word.casefold() for word in _WORD.findall(clue.text) if not word.islower()}
    rarity = _rarity(frozenset(names - asked) | (asked - said), passages)
    new = names - asked
    kept = _kept(clue.passage, new)
    tells = {word: nats * (_UNSURE + kept.get(word, 1.0)) for word, nats in rarity.items()}
    worth = []
    for number, passage in enumerate(passages):
        shared = rarity.keys() & passage.words
        led = any(word in new and rarity[word] > 0 for word in shared)
        if led and passage is not clue.passage:
            # Summed exactly: the order of a set is another in each process.
            worth.append((-math.fsum(tells[word] for word in shared), number))
    left = SHARE * sum(len(passage.text) for passage in passages)
    chosen: list[Passage] = []
    for _, number in sorted(worth):
        room = left if chosen else max(left, _LONG)  # one at least, of few passages
        if len(chosen) < _MOST and len(passages[number].text) <= room:
            chosen.append(passages[number])
            left -= len(passages[number].text)
    return chosen


def _ended(progress: Progress | None, first: Mapping[int, TokenScores]) -> Progress | None:
    """Report the end of the first pass, whatever is done."""
    total = sum(len(scores.scores) for scores in first.values())
    return None if progress is None else lambda *_: progress(total, total)


def _cuts(text: str) -> list[int]:
    """Where a text is cut into passages: from 0 to its end."""
    if len(text) <= _LONG:
        return [0, len(text)]
    inner = (match.end() for match in _PARAGRAPH.finditer(text.rstrip()))
    return sorted({0, *inner, len(text)})


def _best_clue(passage: Passage, rarity: Mapping[str, float]) -> tuple[float, str]:
    """Return the worth of a passage's best sentence, and the sentence after its title."""
    ends = sentences(passage.text)
    at = np.minimum(np.searchsorted(ends[:, 1], passage.spans[:, 0], "right"), len(ends) - 1)
    most = math.fsum(rarity.values()) or 1.0
    best = (-np.inf, "")
    for number in np.unique(at).tolist():
        start, end = ends[number].tolist()
        sentence = passage.text[start:end].strip()
        titled = passage.title and passage.start + start >= passage.body
        clue = f"{passage.title}: {sentence}" if titled else sentence
        named = math.fsum(rarity[word] for word in rarity.keys() & _words(clue)) / most
        worth = float(passage.scores[at == number].max()) * (_ANCHOR + named)
        best = max(best, (worth, clue), key=lambda pair: pair[0])
    return best


def _kept(passage: Passage, words: Collection[str]) -> dict[str, float]:
    """Return P(keep) of the best token of each word that a passage has."""
    found: dict[str, float] = {}
    for match in _WORD.finditer(passage.text):
        word = match.group().casefold()
        if word in words:
            first = np.searchsorted(passage.spans[:, 1], match.start(), "right")
            end = np.searchsorted(passage.spans[:, 0], match.end())
            score = float(passage.scores[first:end].max(initial=0))
            found[word] = max(found.get(word, 0.0), score)
    return found


def _raised(scores: TokenScores, passage: Passage, again: TokenScores) -> TokenScores:
    """Return a document's scores, where a passage's are larger those."""
    result = scores.scores.copy()
    wanted = scores.spans[:, 0] - passage.start
    at = np.searchsorted(again.spans[:, 0], wanted)
    at[at == len(again.spans)] = 0
    if len(again.spans):
        same = again.spans[at, 0] == wanted  # a cut may end a token that runs on in the document
        result[same] = np.maximum(result[same], again.scores[at[same]])
    return replace(scores, scores=result)


def _words(text: str) -> frozenset[str]:
    return frozenset(map(str.casefold, _WORD.findall(text)))


def _rarity(words: frozenset[str], passages: Sequence[Passage]) -> dict[str, float]:
    """Nats that a word tells about which passage it is in; of words that are in none, nothing."""
    many = Counter(word for passage in passages for word in passage.words & words)
    return {word: math.log(len(passages) / times) for word, times in many.items()}
