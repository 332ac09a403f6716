"""Vectors of sentences and questions, and the contrastive loss between them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize
from transformers import PreTrainedModel

from edgelingua_export.train.sentence.batches import NO_SENTENCE, Batch, Rows


def vectors(model: PreTrainedModel, rows: Rows, count: int, precision: str) -> Tensor:
    """Unit vectors ``(count, width)``, float32: the mean of the states of each sentence's tokens.

    A window's tokens see all of it, so a sentence's vector says what the sentence means there.
    """
    device = next(model.parameters()).device
    use = precision == "bf16" and device.type == "cuda"
    with torch.autocast(device.type, torch.bfloat16, enabled=use):
        states: Tensor = model(
            input_ids=torch.from_numpy(rows.ids).to(device, non_blocking=True),
            attention_mask=torch.from_numpy(rows.mask).to(device, non_blocking=True).long(),
        ).last_hidden_state
    number = torch.from_numpy(rows.sentence).to(device, non_blocking=True).flatten()
    # What belongs to none is summed up in one more row, which is left out.
    number = torch.where(number == NO_SENTENCE, count, number)
    sums = torch.zeros(count + 1, states.shape[-1], device=device)
    # Sums and means are parallel: unit vectors are the same of both.
    sums = sums.index_add(0, number, states.flatten(0, 1).float())
    return normalize(sums[:count], dim=-1)


def similarities(model: PreTrainedModel, batch: Batch, precision: str) -> Tensor:
    """Cosines ``(questions, sentences)``, float32."""
    asked = vectors(model, batch.questions, len(batch.questions.ids), precision)
    said = vectors(model, batch.windows, len(batch.sizes), precision)
    return asked @ said.T


def loss(cosines: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """InfoNCE (van den Oord et al. 2018, arXiv:1807.03748), in nats a question.

    Each sentence with a label competes with all that have none, those of the other questions too,
    and counts as much as its label. Questions without a labelled sentence count nothing.

    Parameters
    ----------
    cosines, labels
        ``(questions, sentences)``.
    """
    logits = cosines / temperature
    others = logits.masked_fill(labels > 0, -torch.inf).logsumexp(dim=-1, keepdim=True)
    nats = torch.logaddexp(logits, others) - logits
    weight = labels.sum(-1)
    each = (nats * labels).sum(-1) / weight.clamp(min=1e-6)
    return each.sum() / (weight > 0).sum().clamp(min=1)
