"""Self-information under a causal language model: what the model did not see coming is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelingua.budget import Count
from edgelingua.bundle import ModelBundle
from edgelingua.errors import InferenceError
from edgelingua.manifest import Cache
from edgelingua.ort import RunOptions, Value
from edgelingua.scores import Progress, TokenScores

_CHUNK = 128
"""Tokens per run: bounds the logits held at once (128 x 49,152 floats are 25 MB)."""

_ROWS = 32
"""Rows of logits normalised at once: keeps the temporary arrays inside the CPU's cache."""


class PerplexityScorer:
    """Negative log-likelihood of each token given what precedes it, in nats.

    This is the self-information of Selective Context (Li et al. 2023, arXiv:2310.06201) and the
    token perplexity of LLMLingua (Jiang et al. 2023, arXiv:2310.05736), each token judged by its
    own surprise.

    Parameters
    ----------
    bundle
        A ``scorer`` bundle.
    variant
        The graph to use; by default the bundle's first.
    options
        Threads and providers.
    window
        Most tokens the model looks at, at most the model's own length. Longer texts are scored in
        windows that overlap by a quarter: every token but the first ones sees at least
        ``window / 4`` tokens before it. A token of context costs memory for its keys and values.

    Raises
    ------
    BundleError
        Another kind of bundle.
    InferenceError
        The graph does not run, or its output is not what a scorer gives.
    """

    def __init__(
        self,
        bundle: ModelBundle,
        *,
        variant: str | None = None,
        options: RunOptions | None = None,
        window: int = 1024,
    ) -> None:
        bundle.require("scorer")
        self._tokens = bundle.manifest.tokens
        self.tokenizer = bundle.tokenizer()
        self._variant = bundle.variant(variant)
        if self._variant.cache is None:  # the manifest's check has seen to it
            raise InferenceError(f"{bundle.folder}: a scorer without a KV cache")
        self._cache: Cache = self._variant.cache
        self._graph = bundle.graph(self._variant, options)
        self._room = max(2, min(window, self._tokens.max_length) - len(self._tokens.prefix))
        smoke = self._window_nll(np.zeros(2, dtype=np.int64))
        if not np.isfinite(smoke).all():
            raise InferenceError(f"{bundle.folder}: the model's output is not finite on this CPU")

    @property
    def count(self) -> Count:
        """Counts tokens with the scorer's own tokenizer."""
        return self.tokenizer.count

    def score(self, text: str, question: str = "", progress: Progress | None = None) -> TokenScores:
        """Score ``text``; the question is not used."""
        encoding = self.tokenizer.encode(text)
        nll = self.score_ids(encoding.ids, progress)
        return TokenScores.from_pieces(encoding.spans, nll, encoding.starts, "nats")

    def score_ids(
        self, ids: NDArray[np.int64], progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """NLL in nats of each of the tokens ``ids`` ``(T,)`` given those before it: ``(T,)``."""
        result = np.zeros(len(ids), dtype=np.float32)
        done = 0
        while done < len(ids):
            start = 0 if done == 0 else done - self._room // 4
            window = ids[start : start + self._room]
            result[done : start + len(window)] = self._window_nll(window)[done - start :]
            done = start + len(window)
            if progress:
                progress(done, len(ids))
        return result

    def _window_nll(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        prefix = np.asarray(self._tokens.prefix, dtype=np.int64)
        sequence = np.concatenate([prefix, ids])
        variant, cache = self._variant, self._cache
        empty = np.zeros((1, cache.heads, 0, cache.head_size), dtype=np.float32)
        past: dict[str, NDArray[Any] | Value] = dict.fromkeys((p for p, _ in cache.names), empty)
        fetch = [variant.logits, *(present for _, present in cache.names)]
        nll = np.zeros(len(sequence) - 1, dtype=np.float32)
        # The last token predicts nothing, so it need not run.
        for start in range(0, len(sequence) - 1, _CHUNK):
            end = min(start + _CHUNK, len(sequence) - 1)
            feeds = past | {
                variant.ids: sequence[None, start:end],
                variant.mask: np.ones((1, end), dtype=np.int64),
            }
            if variant.positions:
                feeds[variant.positions] = np.arange(start, end, dtype=np.int64)[None]
            logits, *present = self._graph.run(feeds, fetch)
            past = dict(zip((p for p, _ in cache.names), present, strict=True))
            nll[start:end] = _nll(logits.numpy()[0], sequence[start + 1 : end + 1])
        return nll[len(prefix) - 1 :]


def _nll(logits: NDArray[np.float32], targets: NDArray[np.int64]) -> NDArray[np.float32]:
    """NLL of ``targets`` ``(T,)`` under ``logits`` ``(T, vocabulary)``."""
    nll = np.empty(len(targets), dtype=np.float32)
    for at in range(0, len(targets), _ROWS):
        rows, wanted = logits[at : at + _ROWS], targets[at : at + _ROWS]
        top = rows.max(axis=1)
        total = np.exp(rows - top[:, None]).sum(axis=1)
        nll[at : at + _ROWS] = np.log(total) + top - rows[np.arange(len(wanted)), wanted]
    return nll
