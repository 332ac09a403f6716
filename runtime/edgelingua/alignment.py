"""Compressor and cache planned together: what a compressor scored, told to the cache's policy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
    of_character = np.full(len(compressed.prompt.text), np.nan, dtype=np.float32)
    for (start, end), score in zip(compressed.units.tolist(), compressed.scores, strict=True):
        of_character[start:end] = score
    importance = np.full(len(pieces), np.nan, dtype=np.float32)
    for index, scores in enumerate(_of_tokens(of_character, compressed, pieces)):
        if not np.isnan(scores).all():
            importance[index] = np.nanmax(scores)
    return importance


def token_pinned(compressed: Compressed, pieces: Sequence[bytes]) -> NDArray[np.bool_]:
    """Return which tokens of the compressed text have a part in what its prompt pins: ``(n,)``.

    Parameters are those of `token_importance`.
    """
    of_character = np.zeros(len(compressed.prompt.text), dtype=np.float32)
    for start, end in compressed.prompt.ranges("pinned").tolist():
        of_character[start:end] = 1
    return np.asarray([bool(p.any()) for p in _of_tokens(of_character, compressed, pieces)], bool)


def _of_tokens(
    of_character: NDArray[np.float32], compressed: Compressed, pieces: Sequence[bytes]
) -> Iterator[NDArray[np.float32]]:
    """Values of the prompt's characters, as they come in each token: one for each of its bytes."""
    text = compressed.prompt.text
    kept = [
        np.repeat(of_character[at], len(text[at].encode()))
        for start, end in compressed.spans.tolist()
        for at in range(start, end)
    ]
    of_byte = np.concatenate([*kept, np.zeros(0, dtype=np.float32)])
    end = 0
    for piece in pieces:
        yield of_byte[end : end + len(piece)]
        end += len(piece)
