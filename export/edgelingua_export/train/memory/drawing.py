"""Documents and what is asked of them, drawn by step and seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgelingua_export.train.memory.packing import RECALL, Block, Document, Packed, Packer
from edgelingua_export.train.memory.passages import Passages
from edgelingua_export.train.memory.recipe import MemoryRecipe

_Ids = NDArray[np.int32]

_BEGUN, _GONE_ON = 8, 24
"""Tokens of a passage that is recalled: given, and wanted."""
_ASKED = 0.8
"""Share of the documents that begin where something is asked of them."""


class Drawer:
    """Draws the rows of a step; the same for the same recipe, seed and step.

    Parameters
    ----------
    passages
        What documents are made of: passages that follow each other, in random order.
    between, after, end
        Tokens between passages and before a question; between a question and its answer; behind it.
    """

    def __init__(
        self,
        passages: Passages,
        recipe: MemoryRecipe,
        before: _Ids,
        between: _Ids,
        after: _Ids,
        end: _Ids,
    ) -> None:
        self._passages, self._recipe = passages, recipe
        self._between, self._after, self._end_of_turn = between, after, end
        self.packer = Packer(recipe.memory, before, recipe.asking.room)
        asked = np.unique(passages.questions[:, 0])
        others = np.setdiff1d(np.arange(passages.count), asked)
        self._starts = asked if len(asked) else others
        self._others = others if len(others) else self._starts

    def rows(self, step: int) -> Packed:
        """Documents of a step, and what is asked of them."""
        rng = np.random.default_rng([self._recipe.seed, step])
        drawn = [self._document(rng) for _ in range(self._recipe.schedule.documents)]
        return self.packer.pack([d for d, _ in drawn], [blocks for _, blocks in drawn])

    def _question(self, row: NDArray[np.int32]) -> Block:
        """Block of a row of the passages' questions."""
        question, answer = (self._passages.tokens(number) for number in row[2:].tolist())
        asked = np.concatenate([self._between, question, self._after])
        return Block(np.concatenate([asked, answer, self._end_of_turn]), len(asked))

    def _joined(self, numbers: list[int], most: int) -> tuple[_Ids, NDArray[np.float16]]:
        """Tokens and scores of passages as one document of at most so many tokens."""
        tokens: list[_Ids] = []
        scores: list[NDArray[np.float16]] = []
        for number in numbers:
            if tokens:
                tokens.append(self._between)
                scores.append(np.zeros(len(self._between), np.float16))
            tokens.append(self._passages.tokens(number))
            scores.append(self._passages.worth(number))
        return np.concatenate(tokens)[:most], np.concatenate(scores)[:most]

    def _document(self, rng: np.random.Generator) -> tuple[Document, list[Block]]:
        memory, asking = self._recipe.memory, self._recipe.asking
        most = int(rng.integers(memory.shortest, memory.document, endpoint=True))
        ratio = float(np.exp(rng.uniform(np.log(memory.lowest), np.log(memory.highest))))
        first = int(rng.choice(self._starts if rng.random() < _ASKED else self._others))
        end = self._end(first, most)
        # What fills the rest of the room may be cut off: nothing is asked of it.
        rest = [end] if end < self._passages.count else []
        numbers = [*rng.permutation(np.arange(first, end)).tolist(), *rest]
        tokens, scores = self._joined(numbers, most)
        blocks: list[Block] = []
        left = round(asking.room * (1 - asking.recall))
        for row in rng.permutation(self._passages.asked(first, end - 1)):
            block = self._question(row)
            if len(block.tokens) <= left:
                blocks.append(block)
                left -= len(block.tokens)
        left += round(asking.room * asking.recall)
        passage = min(_BEGUN + _GONE_ON, len(tokens))
        while asking.recall and (left := left - len(self._between) - passage) >= 0:
            blocks.append(self._recalled(tokens, passage, rng))
        return Document(tokens, scores, ratio), blocks

    def _end(self, first: int, most: int) -> int:
        """Where the passages from ``first`` on end that fit whole into so many tokens."""
        room, end = most, first
        while end < self._passages.count:
            room -= len(self._passages.tokens(end)) + (len(self._between) if end > first else 0)
            if room < 0:
                break
            end += 1
        return end

    def _recalled(self, tokens: _Ids, length: int, rng: np.random.Generator) -> Block:
        at = int(rng.integers(0, len(tokens) - length, endpoint=True))
        block = np.concatenate([self._between, tokens[at : at + length]])
        return Block(block, len(self._between) + min(_BEGUN, length - 1), RECALL)
