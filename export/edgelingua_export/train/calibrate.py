"""Probabilities that are probabilities: scaling on held-out texts, and how well it fits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from transformers import PreTrainedModel

from edgelingua_export.train.batches import Layout, assemble
from edgelingua_export.train.corpus import Corpus
from edgelingua_export.train.loop import scores

BINS = 10


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Log-odds and labels ``(n,)`` of held-out tokens, of one mode."""

    log_odds: NDArray[np.float32]
    labels: NDArray[np.float32]


def held_out(
    model: PreTrainedModel, corpus: Corpus, spans: list[tuple[int, int]], layout: Layout
) -> dict[str, HeldOut]:
    """Score held-out groups: ``question`` and ``text``, each where there is such a group."""
    with_question = {span for span in spans if corpus.items[span[0], 1] >= 0}
    found = {}
    for mode in ("question", "text"):
        chosen = [s for s in spans if (s in with_question) == (mode == "question")][:_MOST]
        pairs: list[tuple[Tensor, Tensor]] = []
        with torch.no_grad():
            for start in range(0, len(chosen), 8):
                rng = np.random.default_rng(start)
                batch = assemble(corpus, chosen[start : start + 8], layout, rng)
                text = torch.from_numpy(batch.targets >= 0)
                values = scores(model, batch, "fp32").cpu()
                pairs.append((values[text], torch.from_numpy(batch.targets)[text]))
        if pairs:
            parts = [torch.cat(part).numpy() for part in zip(*pairs, strict=True)]
            found[mode] = HeldOut(*parts)
    return found


_MOST = 100


def platt(parts: dict[str, HeldOut]) -> tuple[float, float]:
    """Scale and shift of the log-odds that make the likelihood of the labels highest.

    Platt 1999; both modes count the same, however many tokens each has.
    """
    scale, shift = torch.ones((), requires_grad=True), torch.zeros((), requires_grad=True)
    optimizer = torch.optim.LBFGS([scale, shift], max_iter=100, line_search_fn="strong_wolfe")
    tensors = [(torch.from_numpy(p.log_odds), torch.from_numpy(p.labels)) for p in parts.values()]

    def closure() -> Tensor:
        optimizer.zero_grad()
        losses = [binary_cross_entropy_with_logits(scale * x + shift, y) for x, y in tensors]
        total = torch.stack(losses).sum()
        total.backward()  # type: ignore[no-untyped-call]
        return total

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return float(scale.detach()), float(shift.detach())


def fold(model: PreTrainedModel, scale: float, shift: float) -> None:
    """Put scale and shift of the log-odds into the weights of the model's head."""
    head = model.get_submodule("classifier")
    with torch.no_grad():
        head.weight.mul_(scale)
        head.bias.mul_(scale)
        head.bias += torch.tensor([-shift / 2, shift / 2], device=head.bias.device)


def reliability(part: HeldOut) -> list[tuple[float, float, int]]:
    """Return, per bin of P(keep): mean P(keep), mean label, tokens; empty bins are left out."""
    keep = 1 / (1 + np.exp(-part.log_odds.astype(np.float64)))
    bins = np.minimum((keep * BINS).astype(np.int64), BINS - 1)
    return [
        (
            float(keep[bins == b].mean()),
            float(part.labels[bins == b].mean()),
            int((bins == b).sum()),
        )
        for b in range(BINS)
        if (bins == b).any()
    ]


def calibration_error(part: HeldOut) -> float:
    """Expected calibration error: mean distance of P(keep) and label over bins, by tokens."""
    rows = reliability(part)
    total = sum(count for _, _, count in rows)
    return sum(abs(keep - label) * count for keep, label, count in rows) / total
