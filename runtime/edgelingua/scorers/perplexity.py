"""Self-information under a causal language model: what the model did not see coming is kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgelingua.budget import Count
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.errors import InferenceError, InputError
from edgelingua.ort.session import RunOptions
from edgelingua.scorers.causal import CausalModel, Past
from edgelingua.scores import Progress, TokenScores
from edgelingua.system.logs import logger

_log = logger(__name__)


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
        The graph to use; by default the bundle's first for the device.
    options
        Threads and device.
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
        self._folder = bundle.folder
        self._tokens = bundle.manifest.tokens
        self.tokenizer = bundle.tokenizer()
        chosen, graph = bundle.load(variant, options)
        cache, targets, nll = chosen.cache, chosen.targets, chosen.nll
        if cache is None or targets is None or nll is None:  # the manifest's check has seen to it
            raise InferenceError(f"{bundle.folder}: a scorer needs a KV cache, targets and nll")
        self._model = CausalModel(graph, chosen, cache, targets, nll)
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
        _log.debug("%d tokens in windows of at most %d", len(ids), self._room)
        done = 0
        while done < len(ids):
            start = 0 if done == 0 else done - self._room // 4
            window = ids[start : start + self._room]
            result[done : start + len(window)] = self._window_nll(window)[done - start :]
            done = start + len(window)
            if progress:
                progress(done, len(ids))
        return result

    def attention(self, ids: NDArray[np.int64], queries: int) -> NDArray[np.float32]:
        """Attention that the last tokens of a text pay to all of it, head by head.

        The signal of evaluator heads (EHPC: Fei et al. 2025, arXiv:2501.12959). The bundle must
        have been built with ``--attention``; its manifest names the heads.

        Parameters
        ----------
        ids
            The text ``(T,)``, at most `room` tokens.
        queries
            How many of the last tokens to ask, from 1 to ``T``.

        Returns
        -------
        ndarray
            ``(heads, queries, T)``: weights after the softmax. What goes to the tokens that start
            a text is left out, so rows sum to less than one.

        Raises
        ------
        InputError
            The bundle shows no attention, or the text or ``queries`` is out of range.
        """
        model = self._model
        shown = model.variant.attention
        if shown is None:
            raise InputError(
                f"{self._folder}: shows no attention; build it again with --attention LAYER.HEAD,…"
            )
        if not 1 <= queries <= len(ids) <= self._room:
            raise InputError(
                f"attention: expected 1 <= queries <= tokens <= {self._room}, got {queries} "
                f"queries and {len(ids)} tokens"
            )
        sequence = np.concatenate([self._tokens.prefix, ids]).astype(np.int64)
        return model.attention(sequence, queries, shown)[:, :, len(self._tokens.prefix) :]

    def reading(self) -> Reading:
        """Start reading a text: what was read stays in the model's cache."""
        return Reading(self._model, self._tokens.prefix)

    @property
    def room(self) -> int:
        """Most tokens the model looks at, those that start a text not counted."""
        return self._room

    def _window_nll(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        return self.reading().read(ids)


class Reading:
    """A text read so far: its keys and values, and what the model expects next.

    Made by `PerplexityScorer.reading`. `peek` can be called with one continuation after the other;
    only `read` goes on.
    """

    def __init__(self, model: CausalModel, prefix: tuple[int, ...]) -> None:
        self._model = model
        self._past: Past = model.nothing()
        self._length = 0
        # What was read but has not run yet: at least the last token, which predicts the next one.
        self._pending = np.asarray(prefix, dtype=np.int64)

    def __len__(self) -> int:
        """Tokens read, those that start a text included."""
        return self._length + len(self._pending)

    def read(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Read on; return the NLL in nats of each token given all before it, ``(n,)``."""
        nll, self._past, self._length = self._score(ids)
        if len(ids):
            self._pending = ids[-1:]
        return nll

    def peek(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return what `read` would, and forget that these tokens were there."""
        return self._score(ids)[0]

    def append(self, ids: NDArray[np.int64]) -> None:
        """Read on without a score: cheaper by the model's largest product."""
        self._pending = np.concatenate([self._pending, ids])

    def _catch_up(self) -> None:
        """Run what is pending but for its last token."""
        behind = self._pending[:-1]
        _, self._past, self._length = self._model.run_all(
            behind, behind[:0], self._past, self._length
        )
        self._pending = self._pending[-1:]

    def _score(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.float32], Past, int]:
        self._catch_up()
        sequence = np.concatenate([self._pending, ids])
        return self._model.run_all(sequence[: len(ids)], sequence[1:], self._past, self._length)
