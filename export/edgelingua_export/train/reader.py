"""The reader in the loop: a pruner learns to drop what does not change what a frozen reader says.

The pruner's words become gates on the reader's attention; no labels are needed. What is dropped
keeps its place: the positions of the others do not change.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import cross_entropy, kl_div
from transformers import PreTrainedModel

from edgelingua_export.train.batches import Batch, Layout
from edgelingua_export.train.gates import log_gates, word_scores
from edgelingua_export.train.loop import scores
from edgelingua_export.train.reader_cases import ReaderBatch, ReaderCase, join
from edgelingua_export.train.recipe import Reading


class ReaderLoss:
    """The part of the loss that asks the reader.

    Parameters
    ----------
    pruner
        What is trained.
    reader
        A causal LM in evaluation mode, on the same device; it does not change.
    cases
        What it reads; drawn by step and seed.
    layout, precision
        As for the labels.
    """

    def __init__(  # noqa: PLR0917 - what a step needs, once
        self,
        pruner: PreTrainedModel,
        reader: PreTrainedModel,
        cases: Sequence[ReaderCase],
        layout: Layout,
        options: Reading,
        precision: str,
        seed: int,
    ) -> None:
        self._pruner, self._reader = pruner, reader.requires_grad_(False)
        self._cases, self._layout, self._options = cases, layout, options
        self._precision, self._seed = precision, seed

    def __call__(self, batch: Batch, values: Tensor, step: int) -> Tensor:
        """Weighted loss of the cases of a step; the labels' batch is not looked at."""
        rng = np.random.default_rng([self._seed, step, 11])
        chosen = rng.choice(len(self._cases), min(self._options.cases, len(self._cases)), False)
        given = join([self._cases[i] for i in chosen], self._layout)
        low, high = np.log(self._options.lowest), np.log(self._options.highest)
        rates = np.exp(rng.uniform(low, high, len(chosen)))
        changed, gold = self.parts(given, rates)
        return self._options.weight * changed + self._options.gold * gold

    def parts(self, given: ReaderBatch, rates: NDArray[np.float64]) -> tuple[Tensor, Tensor]:
        """KL of the reader with and without gates, and its NLL of the answer with them; nats."""
        device = next(self._pruner.parameters()).device
        gates = log_gates(self.words(given), torch.from_numpy(rates).to(device, torch.float32))
        with torch.no_grad():
            whole = said(self._reader, given, None)
        pruned = said(self._reader, given, gates)
        answer = torch.from_numpy(given.tokens[given.answer]).to(device)
        changed = kl_div(pruned, whole, reduction="batchmean", log_target=True)
        return changed, cross_entropy(pruned, answer)

    def words(self, given: ReaderBatch) -> Tensor:
        """Pruner's score of each word ``(B, W)``."""
        targets = np.zeros(given.ids.shape, np.float32)
        windows = Batch(given.ids, given.types, given.mask, targets, given.cases)
        values = scores(self._pruner, windows, self._precision)
        cases, words = (torch.from_numpy(a).to(values.device) for a in (given.cases, given.words))
        return word_scores(values, cases, words, given.shape)


def said(reader: PreTrainedModel, given: ReaderBatch, gates: Tensor | None) -> Tensor:
    """Log-probabilities ``(n, V)`` of the reader at the ``n`` tokens of the answers, float32.

    ``gates`` ``(B, W)`` are added to the attention that tokens of those words get, from anywhere.
    """
    place = next(reader.parameters())
    tokens, words, real = (
        torch.from_numpy(a).to(place.device) for a in (given.tokens, given.token_words, given.real)
    )
    length = tokens.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool, device=place.device).tril()
    seen = causal & real[:, None, :]
    bias = torch.zeros(seen.shape, device=place.device)
    if gates is not None:
        of_token = torch.where(words >= 0, gates.gather(1, words.clamp(min=0)), 0.0)
        # A token sees itself: a row without anything to look at has no softmax.
        itself = torch.eye(length, dtype=torch.bool, device=place.device)
        bias = torch.where(itself, 0.0, of_token[:, None, :].expand(seen.shape))
    lowest = torch.finfo(place.dtype).min
    mask = torch.where(seen, bias, lowest).to(place.dtype)[:, None]
    positions = torch.arange(length, device=place.device)[None].expand(tokens.shape)
    # The fused kernels' backward fails where a bias alone needs a gradient: the first layer's.
    with sdpa_kernel(SDPBackend.MATH):
        hidden = reader.get_decoder()(
            input_ids=tokens, attention_mask=mask, position_ids=positions, use_cache=False
        ).last_hidden_state
    wanted = torch.from_numpy(given.answer).to(place.device)
    before = hidden[:, :-1][wanted[:, 1:]]
    logits: Tensor = reader.get_output_embeddings()(before)
    return logits.float().log_softmax(-1)
