"""A document, its memory and what is asked of it in one row: who sees whom makes the method.

The compressor's pass and the reader's become one: the adapter works where ``written`` says, and a
question sees the prefix, the memory's cells and itself. Positions are those that llama.cpp gives:
cells stay where they were read, and what follows comes right behind the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgelingua.selection.cells import chosen
from edgelingua_export.train.memory.recipe import Memory
from edgelingua_export.train.memory.row import Row

_Ids = NDArray[np.integer]

ANSWER, RECALL = 1, 2
"""What a token is a target of; 0: of nothing."""

_MULTIPLE = 8
"""Fused attention wants rows of such a length."""


@dataclass(frozen=True, eq=False)
class Block:
    """Something asked of a document: tokens ``(n,)``; those from ``said`` on are wanted."""

    tokens: _Ids
    said: int
    kind: int = ANSWER


@dataclass(frozen=True, eq=False)
class Document:
    """Tokens ``(T,)``, their scores ``(T,)``, and tokens of text for each cell."""

    tokens: _Ids
    scores: NDArray[np.floating]
    ratio: float


@dataclass(frozen=True, eq=False)
class Packed:
    """Rows side by side, each ``(B, L)``.

    Parameters
    ----------
    tokens
        Token ids; -1 and below: learned token 0 and on.
    positions, whole_positions
        With the memory in the document's place, and with the document itself.
    segment
        Number of the segment that a token of the document belongs to, or a learned one behind it;
        -1 elsewhere.
    block
        Number of the block; -1 elsewhere.
    target
        `ANSWER`, `RECALL` or 0.
    learned, cell, real
        Whether it is a learned token, stays in the memory, is there at all.
    """

    tokens: Tensor
    positions: Tensor
    whole_positions: Tensor
    segment: Tensor
    block: Tensor
    target: Tensor
    learned: Tensor
    cell: Tensor
    real: Tensor

    def to(self, device: torch.device) -> Packed:
        """All of it, on a device."""
        return Packed(*(getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)))

    @property
    def written(self) -> Tensor:
        """Where the adapter works ``(B, L)``."""
        return self.segment >= 0

    def sees(self, *, whole: bool) -> Tensor:
        """Who sees whom ``(B, L, L)``: with the document itself, or its memory in its place."""
        length = self.tokens.shape[1]
        causal = torch.ones(length, length, dtype=torch.bool, device=self.tokens.device).tril()
        mine, theirs = self.segment[:, :, None], self.segment[:, None, :]
        before = (theirs < 0) & (self.block < 0)[:, None, :]
        same_block = (self.block >= 0)[:, None, :] & (
            self.block[:, :, None] == self.block[:, None, :]
        )
        if whole:
            document = (theirs >= 0) & ~self.learned[:, None, :]
        else:
            document = self.cell[:, None, :] | ((theirs >= 0) & (mine == theirs))
        seen = causal & self.real[:, None, :] & (before | same_block | document)
        # A row that sees nothing has no softmax.
        return seen | torch.eye(length, dtype=torch.bool, device=seen.device)


@dataclass(frozen=True)
class Packer:
    """Makes rows of one length.

    Parameters
    ----------
    memory
        The method.
    before
        What the reader reads before the document ``(P,)``.
    room
        Tokens of blocks.
    """

    memory: Memory
    before: _Ids
    room: int

    @property
    def length(self) -> int:
        """Tokens of a row."""
        memory = self.memory
        segments = -(-memory.document // memory.segment)
        wanted = len(self.before) + memory.document + segments * memory.learned + self.room
        return -(-wanted // _MULTIPLE) * _MULTIPLE

    def pack(self, documents: Sequence[Document], blocks: Sequence[Sequence[Block]]) -> Packed:
        """Put documents, and the blocks asked of each, into rows.

        Raises
        ------
        ExportError
            A document, or what is asked of it, is too long.
        """
        rows = [self._row(*each) for each in zip(documents, blocks, strict=True)]
        return Packed(*(torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True)))

    def _row(self, document: Document, blocks: Sequence[Block]) -> list[NDArray[np.generic]]:
        row = Row(self.length)
        row.add(self.before)
        step = self.memory.segment
        for number, start in enumerate(range(0, len(document.tokens), step)):
            tokens = document.tokens[start : start + step]
            cells = max(1, round(len(tokens) / document.ratio))
            learned = min(cells, self.memory.learned)
            kept = np.zeros(len(tokens), bool)
            if not learned:
                kept = chosen(document.scores[start : start + step], cells, self.memory.scorer)
            row.add(tokens, segment=number, cell=kept)
            row.add(-1 - np.arange(learned), segment=number, cell=True, learned=True)
        at, whole_at = row.position, row.whole_position
        for number, block in enumerate(blocks):
            row.position, row.whole_position = at, whole_at
            target = np.where(np.arange(len(block.tokens)) >= block.said, block.kind, 0)
            row.add(block.tokens, block=number, target=target)
        return row.columns()
