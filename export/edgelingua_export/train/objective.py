"""What training minimizes: right probabilities, and the right order among rivals."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

LEVELS = (0.95, 0.3)
"""Labels from here on are to stand above all lower ones: answers, then evidence."""


@dataclass(frozen=True)
class Weights:
    """Of the parts of the loss: cross-entropy of each token, and order inside a group."""

    tokens: float = 1.0
    order: float = 0.1


def loss(scores: Tensor, targets: Tensor, groups: Tensor, weights: Weights) -> Tensor:
    """Loss of a batch.

    Parameters
    ----------
    scores
        ``(n, T)``: log-odds of P(keep).
    targets
        ``(n, T)``: labels; below 0 where there is no text, or none are known.
    groups
        ``(n,)``: the group of each window.
    """
    text = targets >= 0
    if not bool(text.any()):
        return scores.sum() * 0
    scores, targets = scores.float()[text], targets[text]
    of_token = groups[:, None].expand(text.shape)[text]
    total = weights.tokens * binary_cross_entropy_with_logits(scores, targets)
    if weights.order:
        for level in LEVELS:
            total = total + weights.order * order_loss(scores, targets >= level, of_token)
    return total


def order_loss(scores: Tensor, wanted: Tensor, groups: Tensor) -> Tensor:
    """Mean over groups and their wanted tokens of ``-log(e^s / (e^s + sum of the others' e^s))``.

    All the texts of a group are normalized together (Clark and Gardner 2018, arXiv:1710.10723),
    so that scores can be compared across texts: at the use, words of all of them share a budget.
    Groups without wanted tokens, or without others, count for nothing.
    """
    count = int(groups.max()) + 1
    rivals, known = _log_sums(scores[~wanted], groups[~wanted], count)
    use = wanted & known[groups]
    if not bool(use.any()):
        return scores.sum() * 0
    each = softplus(rivals[groups[use]] - scores[use])
    sums = torch.zeros(count, device=scores.device).index_add(0, groups[use], each)
    sizes = torch.zeros(count, device=scores.device).index_add(
        0, groups[use], torch.ones_like(each)
    )
    return (sums / sizes.clamp(min=1)).sum() / (sizes > 0).sum()


def order_distance(scores: Tensor, wanted: Tensor, groups: Tensor) -> Tensor:
    """Mean over groups of how far (KL, nats) the softmax of ``scores`` is from that of ``wanted``.

    All ``(n,)``. The softmax is over all tokens of a group: what stands highest matters most
    (listwise distillation, after Cao et al. 2007, doi:10.1145/1273496.1273513).
    """
    count = int(groups.max()) + 1
    theirs = wanted - _log_sums(wanted, groups, count)[0][groups]
    sums, any_tokens = _log_sums(scores, groups, count)
    ours = scores - sums[groups]
    distance: Tensor = (theirs.exp() * (theirs - ours)).sum() / any_tokens.sum()
    return distance


def _log_sums(scores: Tensor, groups: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the log of the sum of exponentials of each group ``(count,)``, and which have any."""
    highest = torch.full((count,), -torch.inf, device=scores.device)
    highest = highest.scatter_reduce(0, groups, scores.detach(), "amax").clamp(min=-1e4)
    mass = torch.zeros(count, device=scores.device)
    mass = mass.index_add(0, groups, (scores - highest[groups]).exp())
    return highest + mass.clamp(min=1e-30).log(), mass > 0
