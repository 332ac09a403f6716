"""Vectors of sentences in their context, from a bidirectional encoder."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelingua.budget import Count
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.errors import InferenceError, InputError
from edgelingua.ort.session import RunOptions
from edgelingua.scores import Progress
from edgelingua.text.ranges import Spans
from edgelingua.text.sentences import sentence_spans, sentence_tokens

_CONTEXT = 6
"""One part in so many of a window is context on either side, at least, where the text goes on."""


@dataclass(frozen=True, eq=False)
class Sentences:
    """Sentences of a text.

    ``spans`` int64 ``(n, 2)`` in characters; ``vectors`` float32 ``(n, width)`` of length one, or
    zero for a sentence without a token.
    """

    spans: Spans
    vectors: NDArray[np.float32]


class SentenceEncoder:
    """Encodes sentences and questions, so that a question lies near what answers it.

    A sentence's vector is the mean of its tokens' states out of a window that has the sentences
    around it, as in CPC (Liskavets et al. 2024, arXiv:2409.01227).

    Parameters
    ----------
    bundle
        An ``encoder`` bundle.
    variant
        The graph to use; by default the bundle's first for the device.
    options
        Threads and device.
    window
        Most tokens the model looks at, special tokens included, at most the model's own length.

    Raises
    ------
    BundleError
        Another kind of bundle.
    InferenceError
        The graph does not run, or its output is not what an encoder gives.
    """

    def __init__(
        self,
        bundle: ModelBundle,
        *,
        variant: str | None = None,
        options: RunOptions | None = None,
        window: int = 256,
    ) -> None:
        bundle.require("encoder")
        self.bundle = bundle
        self._tokens = bundle.manifest.tokens
        self.tokenizer = bundle.tokenizer()
        self._variant, self._graph = bundle.load(variant, options)
        if self._variant.states is None:  # the manifest's check has seen to it
            raise InferenceError(f"{bundle.folder}: an encoder needs an output for states")
        self._output = self._variant.states
        special = len(self._tokens.prefix) + len(self._tokens.suffix)
        self._room = max(2, min(window, self._tokens.max_length) - special)
        self.width = self._alone(np.zeros(2, dtype=np.int64)).shape[1]

    @property
    def count(self) -> Count:
        """Counts tokens with the encoder's own tokenizer."""
        return self.tokenizer.count

    def encode(self, text: str, progress: Progress | None = None) -> Sentences:
        """Encode the sentences of ``text``.

        A text that does not fit the window is read in several, of whole sentences; each has at
        least a sixth of it on either side as context alone, where the text goes on there. Of a
        sentence longer than the window, each part is read for itself.
        """
        encoding = self.tokenizer.encode(text)
        spans = sentence_spans(text)
        edges = sentence_tokens(spans, encoding.spans)
        sums = np.zeros((len(spans), self.width), dtype=np.float32)
        windows = [
            (slice(start, min(seen.stop, start + self._room)), first, last)
            for seen, first, last in _windows(edges, self._room)
            for start in range(seen.start, seen.stop, self._room)
        ]
        with closing(self._states([encoding.ids[seen] for seen, _, _ in windows])) as read:
            for (seen, first, last), states in zip(windows, read, strict=True):
                for sentence in range(first, last):
                    a, b = np.clip(edges[sentence : sentence + 2], seen.start, seen.stop)
                    sums[sentence] += states[a - seen.start : b - seen.start].sum(axis=0)
                if progress:
                    progress(int(edges[last]), int(edges[-1]))
        return Sentences(spans, _unit(sums))

    def encode_question(self, question: str) -> NDArray[np.float32]:
        """Encode a question: ``(width,)``, of length one; of a long one, its last window.

        Raises
        ------
        InputError
            It has no token.
        """
        ids = self.tokenizer.encode(question).ids[-self._room :]
        if not len(ids):
            raise InputError("sentences are ranked by the question: the prompt needs one")
        return _unit(self._alone(ids).mean(axis=0))

    def score_ids(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Cosine of each token's state with the mean of its window's: ``(T,)``, for `parity`."""
        result = np.zeros(len(ids), dtype=np.float32)
        starts = range(0, len(ids), self._room)
        read = self._states([ids[start : start + self._room] for start in starts])
        for start, states in zip(starts, map(_unit, read), strict=True):
            result[start : start + self._room] = states @ _unit(states.mean(axis=0))
        return result

    def _alone(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """States ``(T, width)`` of the tokens of one window."""
        (states,) = self._states([ids])
        return states

    def _states(self, windows: Sequence[NDArray[np.int64]]) -> Generator[NDArray[np.float32]]:
        """Yield states ``(T, width)`` of each window's tokens, the special ones left out."""
        tokens = self._tokens
        feeds = []
        for ids in windows:
            sequence = np.concatenate([tokens.prefix, ids, tokens.suffix]).astype(np.int64)[None]
            feed = {self._variant.ids: sequence, self._variant.mask: np.ones_like(sequence)}
            if self._variant.token_types:
                feed[self._variant.token_types] = np.zeros_like(sequence)
            feeds.append(feed)
        with closing(self._graph.each(feeds, self._output)) as read:
            for ids, states in zip(windows, read, strict=True):
                yield self._checked(ids, states)

    def _checked(self, ids: NDArray[np.int64], states: NDArray[np.float32]) -> NDArray[np.float32]:
        before, after = len(self._tokens.prefix), len(self._tokens.suffix)
        size = before + len(ids) + after
        if states.ndim != 3 or states.shape[:2] != (1, size) or not np.isfinite(states).all():
            raise InferenceError(
                f"{self.bundle.folder}: the model's output for {size} tokens has shape "
                f"{states.shape}, or is not finite on this CPU; expected finite values of shape "
                f"(1, {size}, width)"
            )
        return states[0, before : size - after]


def _windows(edges: NDArray[np.int64], room: int) -> Iterator[tuple[slice, int, int]]:
    """Yield the tokens of each window, and the first and last (exclusive) sentence it is for.

    ``edges`` ``(n + 1,)``: where each sentence begins, and the end.
    """
    count, context = len(edges) - 1, room // _CONTEXT

    def reach(start: int, size: int) -> int:
        """First sentence that does not end within so many tokens from the start of another."""
        return int(np.searchsorted(edges, edges[start] + size, side="right")) - 1

    first = 0
    while first < count:
        before = int(np.searchsorted(edges, edges[first] - context))
        after = reach(before, room)
        if after <= first:  # no room for its context, or not even for itself
            before, after = first, max(first + 1, reach(first, room))
        last = after
        if after < count:
            last = max(first + 1, reach(after, -context))
        yield slice(int(edges[before]), int(edges[after])), first, last
        first = last


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors ``(…, width)`` of length one; zero stays zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: NDArray[np.float32] = vectors / np.maximum(lengths, 1e-12)
    return unit
