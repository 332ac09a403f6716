"""P(keep) from a token classifier."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Sequence
from contextlib import closing
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from edgelingua.budget import Count
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.errors import InferenceError, InputError, UntrainedModelWarning
from edgelingua.ort.session import RunOptions
from edgelingua.scorers.windows import windows
from edgelingua.scores import Progress, TokenScores
from edgelingua.system.logs import logger

_log = logger(__name__)


class ClassifierScorer:
    """Probability that a token is kept, from a bidirectional encoder with a token-level head.

    The scorer of LLMLingua-2 (Pan et al. 2024, arXiv:2403.12968). A model trained for it
    reads the question in front of every window, as the first half of a sentence pair.

    Parameters
    ----------
    bundle
        A ``classifier`` bundle.
    variant
        The graph to use; by default the bundle's first for the device.
    options
        Threads and device.
    window
        Most tokens the model looks at, special tokens included, at most the model's own length.
        What tokens see of each other costs time by the square: a model of mini's size reads windows
        of 512 a third slower, and gains some 7 % from half the length.
        A variant of fixed length looks at no more than that, and takes the time of that.

    Raises
    ------
    BundleError
        Another kind of bundle.
    InferenceError
        The graph does not run, or its output is not what a classifier gives.
    """

    def __init__(
        self,
        bundle: ModelBundle,
        *,
        variant: str | None = None,
        options: RunOptions | None = None,
        window: int = 256,
    ) -> None:
        bundle.require("classifier")
        manifest = bundle.manifest
        self._bundle = bundle
        self._tokens = manifest.tokens
        self.tokenizer = bundle.tokenizer()
        self._variant, self._graph = bundle.load(variant, options)
        if self._variant.keep is None:  # the manifest's check has seen to it
            raise InferenceError(f"{bundle.folder}: a classifier needs an output for P(keep)")
        self._output = self._variant.keep
        encode = self.tokenizer.encode
        # Every passage of a prompt is scored in the light of the same question.
        self._asked = lru_cache(maxsize=1)(lambda question: encode(question).ids)
        special = len(self._tokens.prefix) + len(self._tokens.suffix)
        self._length = self._variant.length or self._tokens.max_length
        self._room = max(2, min(window, self._length) - special)
        (smoke,) = self._keep([np.zeros(2, dtype=np.int64)], _NOTHING)
        if smoke.shape != (2,) or not np.isfinite(smoke).all():
            raise InferenceError(
                f"{bundle.folder}: the model's output for 2 tokens has shape {smoke.shape}, or is "
                "not finite on this CPU; expected 2 finite values"
            )

    @property
    def count(self) -> Count:
        """Counts tokens with the scorer's own tokenizer."""
        return self.tokenizer.count

    @property
    def reads_question(self) -> bool:
        """Whether a question changes the scores."""
        return bool(self._tokens.pair)

    @property
    def longest_question(self) -> int:
        """Tokens of the longest question that is read whole: a third of the window, or none."""
        return max(1, self._room // 3) if self.reads_question else 0

    def score(self, text: str, question: str = "", progress: Progress | None = None) -> TokenScores:
        """Score ``text``, in the light of ``question`` if the model `reads_question`.

        Warns with `UntrainedModelWarning` when the bundle's head is untrained.
        """
        (scores,) = self.score_each([text], question, progress)
        return scores

    def score_each(
        self, texts: Sequence[str], question: str = "", progress: Progress | None = None
    ) -> list[TokenScores]:
        """Score several texts, each as `score` does alone, as many windows at a time as threads."""
        if not self._bundle.manifest.trained:
            warnings.warn(
                f"{self._bundle.folder}: this classifier's head is untrained, its scores are "
                "random: use it to check parity and speed, not to compress",
                UntrainedModelWarning,
                stacklevel=3,
            )
        encodings = [self.tokenizer.encode(text) for text in texts]
        asked = self._asked(question) if question and self.reads_question else None
        scored = self._score_all([encoding.ids for encoding in encodings], progress, asked)
        return [
            TokenScores.from_pieces(encoding.spans, keep, encoding.starts, "P(keep)")
            for encoding, keep in zip(encodings, scored, strict=True)
        ]

    def score_ids(
        self,
        ids: NDArray[np.int64],
        progress: Progress | None = None,
        question: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        """P(keep) of each of the tokens ``ids`` ``(T,)``: ``(T,)``.

        ``question`` ``(Q,)`` stands in front of every window of a model that `reads_question`; of a
        question longer than a third of the window, its end. Texts longer than the window are read
        in several (`windows`).
        """
        (scores,) = self._score_all([ids], progress, question)
        return scores

    def _score_all(
        self,
        texts: Sequence[NDArray[np.int64]],
        progress: Progress | None,
        question: NDArray[np.int64] | None,
    ) -> list[NDArray[np.float32]]:
        """P(keep) of the tokens of each of several texts, each in windows of its own.

        A run reads one window: an INT8 graph scales its activations over all that it is given at
        once, so windows that share a run would change each other's scores.
        """
        asked, room = self._fitted(question)
        cut = [windows(ids, room) for ids in texts]
        read = [ids[one.seen] for ids, some in zip(texts, cut, strict=True) for one in some]
        total, done = sum(map(len, texts)), 0
        _log.debug("%d tokens in %d windows of at most %d", total, len(read), room)
        results = [np.zeros(len(ids), dtype=np.float32) for ids in texts]
        with closing(self._keep(read, asked)) as kept:
            for result, some in zip(results, cut, strict=True):
                for window in some:
                    window.add(next(kept), to=result)
                    if progress:
                        progress(done + window.done, total)
                done += len(result)
        return results

    def _fitted(self, question: NDArray[np.int64] | None) -> tuple[NDArray[np.int64], int]:
        """Return what of the question is read, and how many tokens of a text fit beside it."""
        if question is None or not len(question):
            return _NOTHING, self._room
        if not self.reads_question:
            raise InputError(f"{self._bundle.folder}: this classifier was not made for questions")
        asked = question[-self.longest_question :]
        room = self._room - len(asked) - len(self._tokens.pair)
        if room < 2:
            raise InputError(
                f"{self._bundle.folder}: windows of {self._room} tokens have no room for a text "
                "beside a question; take longer ones"
            )
        return asked, room

    def probabilities(
        self, sequence: NDArray[np.int64], mask: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """P(keep) of every token of a sequence taken as it is, its special tokens included.

        Parameters
        ----------
        sequence
            Token ids ``(T,)``, at most as many as the variant takes.
        mask
            ``(T,)``: 0 for tokens that the others must not see.

        Raises
        ------
        InputError
            The sequence is longer than the variant takes.
        """
        if len(sequence) > self._length:
            raise InputError(
                f"{self._bundle.folder}: {len(sequence)} tokens at once, the model takes at most "
                f"{self._length}"
            )
        feeds = self._feeds(sequence, mask, np.zeros_like(sequence))
        with closing(self._graph.each([feeds], self._output)) as values:
            return self._checked(next(values), len(sequence))

    def _keep(
        self, read: Sequence[NDArray[np.int64]], question: NDArray[np.int64]
    ) -> Generator[NDArray[np.float32]]:
        """Yield P(keep) ``(T,)`` of each window, those of special tokens and question left out."""
        tokens = self._tokens
        before = [*tokens.prefix, *question, *tokens.pair] if len(question) else [*tokens.prefix]
        feeds = []
        for ids in read:
            sequence = np.concatenate([before, ids, tokens.suffix]).astype(np.int64)
            types = np.zeros_like(sequence)
            if len(question):
                types[len(before) :] = 1
            feeds.append(self._feeds(sequence, np.ones_like(sequence), types))
        with closing(self._graph.each(feeds, self._output)) as found:
            for ids, values in zip(read, found, strict=True):
                size = len(before) + len(ids)
                yield self._checked(values, size + len(tokens.suffix))[len(before) : size]

    def _feeds(
        self, sequence: NDArray[np.int64], mask: NDArray[np.int64], types: NDArray[np.int64]
    ) -> dict[str, NDArray[np.int64]]:
        """Inputs for a sequence ``(T,)``, padded for a variant of fixed length."""
        if self._variant.length:
            # Any token will do behind the mask, and the first one exists in every vocabulary.
            padding = (0, self._variant.length - len(sequence))
            sequence, mask, types = (np.pad(a, padding) for a in (sequence, mask, types))
        feeds = {self._variant.ids: sequence[None], self._variant.mask: mask[None]}
        if self._variant.token_types:
            feeds[self._variant.token_types] = types[None]
        return feeds

    def _checked(self, values: NDArray[np.float32], size: int) -> NDArray[np.float32]:
        """P(keep) ``(size,)`` of the tokens of a sequence, out of the graph's output."""
        expected = (1, self._variant.length or size)
        if values.shape != expected:
            raise InferenceError(
                f"{self._bundle.folder}: the model's output has shape {values.shape}, expected "
                f"{expected}"
            )
        return values[0, :size]


_NOTHING = np.zeros(0, dtype=np.int64)
