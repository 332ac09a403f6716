"""Which words of a chunk llmlingua 0.2.2 keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgelingua.budget import Count
from edgelingua.compat.options import Llmlingua2Options
from edgelingua.errors import InputError
from tests.oracle.chunks import ChunkReader
from tests.oracle.words import Forcing, Words, mean_probability, split_words


@dataclass(frozen=True)
class PrunedText:
    """A context or a chunk: what is left of it, its words, and 1 for those that stayed."""

    text: str
    words: list[str]
    labels: list[int]


class ChunkPruner:
    """Prunes the chunks of one call; a chunk's words are scored once.

    Parameters
    ----------
    reader
        Gives the words of a chunk.
    count
        Counts tokens: a word weighs as much as it has tokens.
    options, forcing
        The call's.
    """

    def __init__(
        self, reader: ChunkReader, count: Count, options: Llmlingua2Options, forcing: Forcing
    ) -> None:
        self._reader = reader
        self._count = count
        self._options = options
        self._forcing = forcing
        self._scored: dict[str, Words] = {}
        self._sizes: dict[str, int] = {}

    def prune(self, chunks: list[str], rate: float) -> PrunedText:
        """Drop words of every chunk; a rate of 1 or more leaves all, and asks no model.

        Raises
        ------
        InputError
            A chunk without a word, or a rate that keeps nothing.
        """
        reduce = max(0, 1 - rate)
        parts = [self._prune(chunk, reduce) if reduce > 0 else self._whole(chunk)
                 for chunk in chunks]  # fmt: skip
        words = [word for part in parts for word in part.words]
        labels = [label for part in parts for label in part.labels]
        return PrunedText("".join(part.text for part in parts), words, labels)

    def worth(self, chunks: list[str]) -> Any:
        """Mean probability of a context's words, nothing forced.

        Raises
        ------
        InputError
            There is no word.
        """
        values = [
            mean_probability(pieces, self._options.token_to_word)
            for chunk in chunks
            for pieces in self._score(chunk).unforced
        ]
        if not values:
            raise InputError(
                "a context without a word cannot be ranked, in llmlingua 0.2.2 neither"
            )
        return sum(values) / len(values)

    def dropped(self, chunks: list[str]) -> PrunedText:
        """A context of which nothing stays."""
        words = [word for chunk in chunks for word in self._shown(chunk)]
        return PrunedText("", words, [0] * len(words))

    def _whole(self, chunk: str) -> PrunedText:
        text = self._forcing.restore(chunk)
        words = split_words(text)
        return PrunedText(text, words, [1] * len(words))

    def _prune(self, chunk: str, reduce: float) -> PrunedText:
        scored = self._score(chunk)
        words = scored.words
        worth = [mean_probability(p, self._options.token_to_word) for p in scored.forced]
        if self._options.drop_consecutive:
            self._forget_repeated(words, worth, percentile(worth, int(100 * reduce)))
        weighted = [
            value for word, value in zip(words, worth, strict=True) for _ in range(self._size(word))
        ]
        threshold = percentile(weighted, int(100 * reduce + 1))
        kept: list[str] = []
        labels = []
        for word, value in zip(words, worth, strict=True):
            stays = bool(value > threshold or (threshold == 1.0 and value == threshold))
            if self._options.drop_consecutive and word in self._forcing.tokens:
                stays = stays and kept[-1:] != [word]
            if stays:
                kept.append(word)
            labels.append(int(stays))
        return PrunedText(self._reader.join(kept), self._shown(chunk), labels)

    def _forget_repeated(self, words: list[str], worth: list[Any], threshold: Any) -> None:
        """Set a forced word's worth to 0 where it follows itself with no kept word between."""
        between = False
        previous = None
        for index, word in enumerate(words):
            if word not in self._forcing.tokens:
                between |= bool(worth[index] > threshold)
                continue
            if not between and word == previous:
                worth[index] = 0.0
            between = False
            previous = word

    def _score(self, chunk: str) -> Words:
        if chunk not in self._scored:
            self._scored[chunk] = self._reader.words(chunk, self._forcing)
        return self._scored[chunk]

    def _shown(self, chunk: str) -> list[str]:
        return [self._reader.shown(word) for word in self._score(chunk).words]

    def _size(self, word: str) -> int:
        if word not in self._sizes:
            self._sizes[word] = self._count(word)
        return self._sizes[word]


def percentile(values: list[Any], rank: int) -> Any:
    """Percentile in the values' own precision: ties decide, so rounding must be the reference's.

    Raises
    ------
    InputError
        There is no value, or the percentile is not one.
    """
    if not values:
        raise InputError("a chunk without a word has no threshold, in llmlingua 0.2.2 neither")
    if not 0 <= rank <= 100:
        raise InputError(
            f"the rate asks for percentile {rank}, expected 0 to 100; llmlingua 0.2.2 cannot keep "
            "nothing either: raise the rate"
        )
    return np.percentile(values, rank)
