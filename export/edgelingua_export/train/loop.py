"""Training of the token classifier: what is held out, and the loss of a step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel

from edgelingua_export.reports import Report
from edgelingua_export.train.batches import Batch, Layout, assemble
from edgelingua_export.train.corpus import Corpus
from edgelingua_export.train.descent import Order, Spans, descend
from edgelingua_export.train.objective import Weights, loss
from edgelingua_export.train.recipe import Recipe

Part = Callable[[Batch, Tensor, int], Tensor]
"""A part of the loss beside the labels': of a batch, its log-odds ``(n, T)``, and the step."""


@dataclass(frozen=True, eq=False)
class Split:
    """Ranges of ``corpus.items``, one a group, to train on and to measure on."""

    train: Spans
    held_out: Spans


def split(corpus: Corpus, share: float) -> Split:
    """Hold out the groups of about ``share`` of the labelled texts, chosen by their tokens."""
    edges = corpus.groups()
    held = _held_texts(corpus, share)
    train: list[tuple[int, int]] = []
    held_out: list[tuple[int, int]] = []
    for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        items = corpus.items[begin:end]
        labelled = items[items[:, 3] >= 0, 2]
        (held_out if held[labelled].any() else train).append((begin, end))
    return Split(train, held_out)


def _held_texts(corpus: Corpus, share: float) -> NDArray[np.bool_]:
    # A text's tokens decide, not its place: data sets may be added without a new split.
    begins = corpus.ids_edges[:-1]
    total = np.add.reduceat(np.append(corpus.ids, 0).astype(np.int64) ** 2, begins)
    held: NDArray[np.bool_] = (total * 2654435761 % 2**32) < share * 2**32
    return held


def fit(
    model: PreTrainedModel,
    corpus: Corpus,
    recipe: Recipe,
    layout: Layout,
    folder: Path,
    *,
    parts: Sequence[Part] = (),
    report: Report = print,
) -> None:
    """Train ``model`` in place; ``folder`` gets ``log.jsonl`` and ``checkpoint.pt``.

    The loss is that of the labels and of what ``parts`` add to it.

    A checkpoint that is there is gone on from: same recipe, same steps, same batches.

    Raises
    ------
    ExportError
        The checkpoint belongs to another number of steps.
    """
    halves = split(corpus, recipe.schedule.held_out)
    weights, precision = recipe.weights, recipe.schedule.precision

    def value(batch: Batch, step: int) -> Tensor:
        values, total = _step(model, batch, weights, precision)
        for part in parts:
            total = total + part(batch, values, step)
        return total

    # Held-out loss is that of labels: without them there is none.
    measured = halves.held_out and (weights.tokens or weights.order)
    descend(
        model,
        Order(corpus, halves.train, recipe),
        lambda spans, rng: assemble(corpus, spans, layout, rng),
        value,
        folder,
        measure=(lambda: held_out_loss(model, corpus, halves, layout, recipe))
        if measured
        else None,
        report=report,
    )


def held_out_loss(
    model: PreTrainedModel, corpus: Corpus, parts: Split, layout: Layout, recipe: Recipe
) -> float:
    """Mean loss over at most 256 held-out groups, one at least; the same windows each time."""
    model.eval()
    values = []
    with torch.no_grad():
        for start in range(0, min(len(parts.held_out), 256), recipe.schedule.groups):
            spans = parts.held_out[start : start + recipe.schedule.groups]
            batch = assemble(corpus, spans, layout, np.random.default_rng(start))
            values.append(_step(model, batch, recipe.weights, recipe.schedule.precision)[1])
    model.train()
    return float(torch.stack(values).mean())


def scores(model: PreTrainedModel, batch: Batch, precision: str) -> Tensor:
    """Log-odds of P(keep) of each token of a batch ``(n, T)``, float32."""
    device = next(model.parameters()).device
    inputs = {
        "input_ids": _to(batch.ids, device),
        "attention_mask": _to(batch.mask, device).long(),
    }
    if getattr(model.config, "type_vocab_size", 0) > 1:
        inputs["token_type_ids"] = _to(batch.types, device)
    use = precision == "bf16" and device.type == "cuda"
    with torch.autocast(device.type, torch.bfloat16, enabled=use):
        logits = model(**inputs).logits
    difference: Tensor = logits[..., 1].float() - logits[..., 0].float()
    return difference


def _step(
    model: PreTrainedModel, batch: Batch, weights: Weights, precision: str
) -> tuple[Tensor, Tensor]:
    """Log-odds of a batch's tokens, and the loss of its labels."""
    values = scores(model, batch, precision)
    wanted, groups = (_to(array, values.device) for array in (batch.targets, batch.groups))
    return values, loss(values, wanted, groups, weights)


def _to(array: NDArray[Any], device: torch.device) -> Tensor:
    return torch.from_numpy(array).to(device, non_blocking=True)
