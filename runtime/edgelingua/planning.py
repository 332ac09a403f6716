"""Compressor and cache planned together: what a compressor scored, told to the cache's policy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgelingua.compressed import Compressed


def token_importance(compressed: Compressed, pieces: Sequence[bytes]) -> NDArray[np.float32]:
    """Return the compressor's score of each token of the compressed text.

    Parameters
    ----------
    compressed
        The compressed prompt.
    pieces
        The bytes of its tokens as the reader cuts it, ``n`` of them.

    Returns
    -------
    ``(n,)``: the best score among the units that a token has a part in; NaN where there is none, as
    in what was protected.
    """
    text = compressed.prompt.text
    of_character = np.full(len(text), np.nan, dtype=np.float32)
    for (start, end), score in zip(compressed.units.tolist(), compressed.scores, strict=True):
        of_character[start:end] = score
    kept = [
        np.repeat(of_character[at], len(text[at].encode()))
        for start, end in compressed.spans.tolist()
        for at in range(start, end)
    ]
    of_byte = np.concatenate([*kept, np.zeros(0, dtype=np.float32)])
    ends = np.cumsum([len(piece) for piece in pieces])
    importance = np.full(len(pieces), np.nan, dtype=np.float32)
    for index, (piece, end) in enumerate(zip(pieces, ends.tolist(), strict=True)):
        scores = of_byte[end - len(piece) : end]
        if not np.isnan(scores).all():
            importance[index] = np.nanmax(scores)
    return importance
