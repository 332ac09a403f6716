"""What a reader makes of memories: NLL of answers, question by question."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from edgelingua_export.train.memory.adapter import Compressor
from edgelingua_export.train.memory.packing import Block, Document, Packer

_ROWS = 16


@torch.no_grad()
def nats(
    compressor: Compressor,
    packer: Packer,
    documents: Sequence[Document],
    blocks: Sequence[Sequence[Block]],
    *,
    whole: bool,
    adapted: bool = True,
) -> list[list[float]]:
    """NLL, in nats a token, of what is said in each of the blocks of each document.

    ``whole`` and ``adapted`` as for `Compressor.said`.
    """
    found: list[list[float]] = []
    device = compressor.vectors.device
    for start in range(0, len(documents), _ROWS):
        part = slice(start, start + _ROWS)
        rows = packer.pack(documents[part], blocks[part]).to(device)
        said = compressor.said(rows, whole=whole, adapted=adapted)
        wanted = rows.target[:, 1:] > 0
        of_token = -said.gather(1, rows.tokens[:, 1:][wanted][:, None])[:, 0]
        row, _ = wanted.nonzero(as_tuple=True)
        block = rows.block[:, 1:][wanted]
        for number, mine in enumerate(blocks[part]):
            found.append(
                [float(of_token[(row == number) & (block == b)].mean()) for b in range(len(mine))]
            )
    return found
