"""What a causal language model's evaluator heads look at while it reads the question."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from edgelingua.budget import Count
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.errors import InferenceError
from edgelingua.ort.session import RunOptions
from edgelingua.scorers.causal import CausalModel
from edgelingua.scorers.looks import LAST, asking, share
from edgelingua.scores import Progress, TokenScores
from edgelingua.text.tokenizer import Encoding


class Looker(Protocol):
    """A causal LM of which the attention of a few heads can be seen."""

    @property
    def count(self) -> Count:
        """Counts tokens with the model's own tokenizer."""
        ...

    @property
    def room(self) -> int:
        """Most tokens it looks at together, those that start a text not counted."""
        ...

    def encode(self, text: str) -> Encoding:
        """Tokenize a text, nothing added."""
        ...

    def attention(self, ids: NDArray[np.int64], queries: int) -> NDArray[np.float32]:
        """Attention that the last tokens of ``ids`` ``(T,)``, at most `room`, pay to all of them.

        Returns
        -------
        ndarray
            ``(heads, queries, T)``: weights after the softmax. What goes to the tokens that start
            a text is left out, so rows sum to less than one.
        """
        ...


@dataclass(frozen=True)
class HeadScorer:
    """Attention that the question pays to each token, by the heads that find answers.

    EHPC: Fei et al. 2025, arXiv:2501.12959. Longer texts than the model looks at are cut into
    windows of equal length, each with the question behind it.
    """

    looker: Looker

    @classmethod
    def of(
        cls,
        bundle: ModelBundle,
        *,
        variant: str | None = None,
        options: RunOptions | None = None,
        window: int = 1024,
    ) -> Self:
        """Return a scorer that runs a bundle; the parameters are those of `BundleHeads`."""
        return cls(BundleHeads(bundle, variant=variant, options=options, window=window))

    @property
    def count(self) -> Count:
        """Counts tokens with the model's own tokenizer."""
        return self.looker.count

    def score(self, text: str, question: str = "", progress: Progress | None = None) -> TokenScores:
        """Score tokens by the attention they get, as a multiple of an equal share.

        Raises
        ------
        InputError
            There is no question.
        """
        room, whole = self.looker.room, asking(question)
        encoding = self.looker.encode(text)
        # Of a very long question the end: what is asked for, mostly.
        asked = self.looker.encode(whole).ids[-(room // 2) :]
        scores = np.zeros(len(encoding.ids), dtype=np.float32)
        windows = -(-len(scores) // (room - len(asked)))
        edges = np.linspace(0, len(scores), windows + 1).astype(int).tolist() if windows else [0]
        for start, end in pairwise(edges):
            ids = np.concatenate([encoding.ids[start:end], asked])
            looked = self.looker.attention(ids, min(LAST, len(asked)))
            scores[start:end] = share(looked[:, :, : end - start])
            if progress:
                progress(end, len(scores))
        return TokenScores.from_pieces(encoding.spans, scores, encoding.starts, "rank")


class BundleHeads:
    """The evaluator heads that a bundle names; the layers behind them are not run.

    Parameters
    ----------
    bundle
        A ``scorer`` bundle whose manifest names the heads (``edgelingua-export build --attention``;
        ``edgelingua-export heads`` finds them).
    variant
        The graph to use; by default the bundle's first for the device.
    options
        Threads and device.
    window
        Most tokens the model looks at together, at most the model's own length.

    Raises
    ------
    BundleError
        Another kind of bundle, or one that names no heads.
    InferenceError
        The graph does not run, or its output is not attention.
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
        tokens, self._tokenizer = bundle.manifest.tokens, bundle.tokenizer()
        chosen, graph = bundle.load_early(variant, options)
        if chosen.cache is None or chosen.attention is None:  # the manifest's check has seen to it
            raise InferenceError(f"{bundle.folder}: evaluator heads need a KV cache and attention")
        self._shown = chosen.attention
        self._model = CausalModel(graph, chosen, chosen.cache, chosen.targets, chosen.nll)
        self._prefix = np.asarray(tokens.prefix, dtype=np.int64)
        self.room = max(2, min(window, tokens.max_length) - len(self._prefix))
        if not np.isfinite(self.attention(np.zeros(2, dtype=np.int64), 1)).all():
            raise InferenceError(f"{bundle.folder}: the attention is not finite on this CPU")

    @property
    def count(self) -> Count:
        """Counts tokens with the scorer's own tokenizer."""
        return self._tokenizer.count

    def encode(self, text: str) -> Encoding:
        """Tokenize a text, nothing added."""
        return self._tokenizer.encode(text)

    def attention(self, ids: NDArray[np.int64], queries: int) -> NDArray[np.float32]:
        """Run the last tokens behind the others; see `Looker`."""
        sequence = np.concatenate([self._prefix, ids])
        return self._model.attention(sequence, queries, self._shown)[:, :, len(self._prefix) :]
