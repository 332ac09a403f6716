"""Compressor and cache planned together: what the session is told of tokens, and memories."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from edgelingua.compressed import Compressed, mark
from edgelingua.kv.memory import Memory
from edgelingua.kv.session import Session
from edgelingua.llama.model import ChatPart, LlamaModel
from edgelingua.llama.template import last_message
from edgelingua.prompt import SEPARATOR
from edgelingua.selection.rest import Further


def cell_masks(
    reader: LlamaModel, parts: Sequence[ChatPart], question: str, document: Compressed | str
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Return what a session is told of the tokens of a chat prompt, before it reads them.

    Only the document may be evicted, and of it nothing that its prompt pins. Template, system
    prompt and question stay.

    Parameters
    ----------
    reader
        The model whose tokens these are.
    parts
        The prompt as `LlamaModel.chat` lays it out, ``n`` tokens in all; its last message is
        ``document`` and behind it ``question``.
    question
        How that message ends.
    document
        What stands before it; a plain text has no scores and no pins.

    Returns
    -------
    pinned
        ``(n,)`` bool: must stay.
    importance
        ``(n,)`` float32: what the compressor scored, higher = keep; NaN where it scored nothing.
    """
    sizes = [len(part.tokens) for part in parts]
    at = last_message(parts)
    tokens, start = parts[at].tokens, sum(sizes[:at])
    pinned = np.ones(sum(sizes), dtype=bool)
    importance = np.full(len(pinned), np.nan, dtype=np.float32)
    evictable = len(tokens) - reader.tail(tokens, question)
    pinned[start : start + evictable] = False
    if isinstance(document, Compressed):
        pieces = reader.pieces(tokens)
        pinned[start : start + evictable] = token_pinned(document, pieces)[:evictable]
        importance[start : start + len(tokens)] = token_importance(document, pieces)
    return pinned, importance


def further_masks(
    reader: LlamaModel,
    tokens: NDArray[np.int32],
    question: str,
    document: Compressed,
    further: Further,
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Return the same of what is read later of the same document.

    Parameters
    ----------
    reader, question, document
        As in `cell_masks`.
    tokens
        Those of ``further``, and behind it the question, ``n`` in all.
    further
        What is read.
    """
    pinned = np.arange(len(tokens)) >= len(tokens) - reader.tail(tokens, question)
    of_character = np.append(_scores_of_characters(document), np.float32(np.nan))
    codes = np.frombuffer(further.text.encode("utf-32-le"), dtype="<u4")
    of_byte = np.repeat(of_character[further.places], _widths(codes))
    importance = np.full(len(tokens), np.nan, dtype=np.float32)
    end = 0
    for index, piece in enumerate(reader.pieces(tokens)):
        importance[index] = _best(of_byte[end : end + len(piece)])
        end += len(piece)
    return pinned, importance


def cells_of(reader: LlamaModel, memories: Sequence[Memory]) -> int:
    """Return how many cells `attach` takes."""
    return sum(len(memory) + len(_between(reader)) for memory in memories)


def attach(
    session: Session, reader: LlamaModel, memories: Sequence[Memory], *, group: int = 0
) -> None:
    """Put memories where documents stand: behind each a blank line, and all of it stays.

    Raises
    ------
    StateError, CapError, InputError
        As `Session.attach`.
    """
    for memory in memories:
        session.attach(memory, group=group)
        session.feed(_between(reader), pinned=True, group=group)


def _between(reader: LlamaModel) -> NDArray[np.int32]:
    return reader.tokenize_part(SEPARATOR)


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
    of_character = _scores_of_characters(compressed)
    every = [_best(scores) for scores in _of_tokens(of_character, compressed, pieces)]
    return np.asarray(every, dtype=np.float32)


def token_pinned(compressed: Compressed, pieces: Sequence[bytes]) -> NDArray[np.bool_]:
    """Return which tokens of the compressed text have a part in what its prompt pins: ``(n,)``.

    Parameters are those of `token_importance`.
    """
    of_character = np.zeros(len(compressed.prompt.text), dtype=np.float32)
    for start, end in compressed.prompt.layout.pinned.tolist():
        of_character[start:end] = 1
    return np.asarray([bool(p.any()) for p in _of_tokens(of_character, compressed, pieces)], bool)


def _scores_of_characters(compressed: Compressed) -> NDArray[np.float32]:
    of_character = np.full(len(compressed.prompt.text), np.nan, dtype=np.float32)
    for (start, end), score in zip(compressed.units.tolist(), compressed.scores, strict=True):
        of_character[start:end] = score
    return of_character


def _best(scores: NDArray[np.float32]) -> float:
    return float("nan") if np.isnan(scores).all() else float(np.nanmax(scores))


def _widths(codes: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Bytes of characters in UTF-8."""
    return 1 + (codes > 0x7F) + (codes > 0x7FF) + (codes > 0xFFFF).astype(np.int64)


def _of_tokens(
    of_character: NDArray[np.float32], compressed: Compressed, pieces: Sequence[bytes]
) -> Iterator[NDArray[np.float32]]:
    """Values of the prompt's characters, as they come in each token: one for each of its bytes."""
    codes = np.frombuffer(compressed.prompt.text.encode("utf-32-le"), dtype="<u4")
    widths = _widths(codes)
    kept = np.zeros(len(codes), dtype=bool)
    for start, end in compressed.spans.tolist():
        kept[start:end] = True
    of_byte = np.repeat(of_character[kept], widths[kept])
    if len(compressed.gaps):  # a mark is worth what stands behind it
        text, gap = compressed.prompt.text, compressed.gap
        sizes = [len(mark(text, at, gap).encode()) for at in compressed.gaps.tolist()]
        before = np.concatenate([[0], np.cumsum(np.where(kept, widths, 0))])[compressed.gaps]
        of_byte = np.insert(of_byte, np.repeat(before, sizes), np.repeat(of_byte[before], sizes))
    end = 0
    for piece in pieces:
        yield of_byte[end : end + len(piece)]
        end += len(piece)
