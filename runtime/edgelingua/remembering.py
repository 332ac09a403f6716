"""Documents become memories: a few cells of a reader's cache, for many questions later."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.errors import CapError, InputError, LanguageWarning
from edgelingua.kv.memory import Memory, Portion
from edgelingua.kv.policies import Streaming
from edgelingua.llama.memory_adapter import MemoryAdapter
from edgelingua.llama.model import LlamaModel
from edgelingua.llama.template import last_message
from edgelingua.models import registry
from edgelingua.models.languages import Reader, readers
from edgelingua.scorers.classifier import ClassifierScorer
from edgelingua.scores import Progress
from edgelingua.selection.cells import chosen, word_scores
from edgelingua.system.caller import warn_caller
from edgelingua.text.encodings import refuse_surrogates
from edgelingua.text.ranges import Spans

SEGMENT = 512
"""Tokens that are read at once where no adapter says how many."""


def remember(
    reader: LlamaModel,
    text: str,
    cells: int,
    *,
    adapter: MemoryAdapter | None = None,
    progress: Progress | None = None,
) -> Memory:
    """Read a document once; return ``cells`` cells that stand for it.

    It is read segment by segment, each with the cells of those before it in sight: memory that is
    needed does not grow with the document. Without an adapter, the cells of the words that
    edgelingua-mini scores highest (edgelingua-multi, in a text that is not English) are kept as the
    reader wrote them.

    Parameters
    ----------
    reader
        Writes the memory, and is the only one that can read it.
    text
        The document.
    cells
        How many; every segment gets its share, one at least.
    adapter
        Trained to write memories for this reader.
    progress
        Called before each step of reading.

    Raises
    ------
    InputError
        The document is blank, or not longer than its memory; or the adapter has fewer cells.
    CapError
        The reader was trained for less than a segment beside the memory.
    """
    portions = portions_of(reader, text, cells, adapter)
    before = opening(reader, adapter)
    cap = len(before) + cells + max(len(portion.stays) for portion in portions) + 1
    if cap > reader.trained_length:
        raise CapError(
            f"a memory of {cells} cells: while it is written, {cap} cells are in use, and this "
            f"reader was trained for {reader.trained_length}; ask for fewer"
        )
    # All that is read is pinned, so there is nothing to choose.
    session = reader.session(cap, Streaming(sinks=0, recent=0))
    session.feed(before, pinned=True)
    return session.distil(
        portions, text, adapter=adapter.lora if adapter else None, progress=progress
    )


def opening(reader: LlamaModel, adapter: MemoryAdapter | None = None) -> NDArray[np.int32]:
    """Tokens to read before a document: as in the adapter's training, or the chat template's."""
    if adapter:
        return reader.tokenize(adapter.before, special=True)
    if not reader.chat_template:
        return reader.tokenize("", begin=True)
    parts = reader.chat([("user", "")])
    return np.concatenate([part.tokens for part in parts[: last_message(parts)]])


def closing(reader: LlamaModel) -> NDArray[np.int32]:
    """Tokens to read behind a document and a question, before the answer."""
    if not reader.chat_template:
        return reader.tokenize_part("\n")
    parts = reader.chat([("user", "")])
    return np.concatenate([part.tokens for part in parts[last_message(parts) + 1 :]])


def portions_of(
    reader: LlamaModel, text: str, cells: int, adapter: MemoryAdapter | None = None
) -> list[Portion]:
    """Cut a document into segments, and choose which cells stay: what `Session.distil` wants.

    Parameters and errors are those of `remember`.
    """
    if not text.strip():
        raise InputError("nothing to remember: the document is empty or blank")
    refuse_surrogates(text, "the document")
    tokens = reader.tokenize_part(text)
    segment, scorer, vectors = SEGMENT, _scorer_for(text), None
    if adapter:
        segment, scorer, vectors = adapter.segment, adapter.scorer, adapter.vectors
    count = -(-len(tokens) // segment)
    most = len(tokens) - 1 if vectors is None else min(len(tokens) - 1, count * len(vectors))
    if not count <= cells <= most:
        raise InputError(
            f"a memory of {cells} cells for a document of {len(tokens)} tokens: expected {count} "
            f"to {most}" + ("" if most >= count else "; it is short enough to be read as it is")
        )
    segments = np.array_split(tokens, count)
    shares = [len(share) for share in np.array_split(np.empty(cells), count)]
    if vectors is not None:
        return [
            Portion(part, np.zeros(len(part), bool), vectors[:share])
            for part, share in zip(segments, shares, strict=True)
        ]
    scores = scores_of(scorer, text, spans_of(reader, text, tokens))
    ends = np.cumsum([len(part) for part in segments])[:-1]
    return [
        Portion(part, chosen(own, share, scorer))
        for part, own, share in zip(segments, np.split(scores, ends), shares, strict=True)
    ]


def scores_of(scorer: str, text: str, spans: Spans) -> NDArray[np.float32]:
    """Scores ``(T,)`` of the tokens at ``spans``, by a classifier bundle; without one all are 0."""
    if not scorer:
        return np.zeros(len(spans), np.float32)
    return word_scores(_scorer(scorer), text, spans)


def _scorer_for(text: str) -> str:
    """Return the name of the bundle that knows the language of ``text``; empty: none does."""
    mini, multi = registry.DEFAULT_CLASSIFIER, registry.DEFAULT_MULTILINGUAL
    installed = registry.multilingual_bundle() is not None
    found = readers([text], "", _unknown if installed else None)
    if not found.settled:
        warn_caller(found.warning(mini, question=False), LanguageWarning)
    return {Reader.ENGLISH: mini, Reader.MANY: multi, Reader.NOBODY: ""}[found.of[0]]


def _unknown(letters: str) -> float:
    return _scorer(registry.DEFAULT_MULTILINGUAL).tokenizer.unknown(letters)


@cache
def _scorer(name: str) -> ClassifierScorer:
    return ClassifierScorer(ModelBundle.open(registry.find_bundle(name)))


def spans_of(reader: LlamaModel, text: str, tokens: NDArray[np.int32]) -> Spans:
    """Characters of the text in which each token begins and ends ``(n, 2)``."""
    sizes = np.asarray([len(piece) for piece in reader.pieces(tokens)], np.int64)
    widths = np.asarray([len(character.encode()) for character in text], np.int64)
    of_byte = np.append(np.repeat(np.arange(len(text)), widths), len(text))
    ends = np.minimum(np.cumsum(sizes), len(of_byte) - 1)
    last = of_byte[np.maximum(ends - 1, 0)] + 1
    return np.stack([of_byte[np.maximum(ends - sizes, 0)], last], axis=1)
