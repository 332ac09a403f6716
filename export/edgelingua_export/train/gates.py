"""Gates on words: kept or dropped, with a gradient that says which way a score should go."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

FLOOR = -5.0
"""Log of the gate of a dropped word. Not minus infinity: behind that no gradient would pass."""


def word_scores(values: Tensor, cases: Tensor, words: Tensor, shape: tuple[int, int]) -> Tensor:
    """Mean score of each word's pieces.

    Parameters
    ----------
    values
        ``(n, T)``: scores of the pieces.
    cases
        ``(n,)``: the case of each window.
    words
        ``(n, T)``: the word of each piece, counted within its case; -1: none.
    shape
        Cases and most words of one, ``(B, W)``.

    Returns
    -------
    Tensor
        ``(B, W)``; minus infinity where there is no word.
    """
    text = words >= 0
    place = (cases[:, None] * shape[1] + words)[text]
    flat = torch.zeros(shape[0] * shape[1], device=values.device)
    total = flat.index_add(0, place, values[text].float())
    count = flat.index_add(0, place, torch.ones_like(values[text], dtype=torch.float32))
    means = torch.where(count > 0, total / count.clamp(min=1), -torch.inf)
    return means.view(shape)


def log_gates(scores: Tensor, rates: Tensor) -> Tensor:
    """Log of the gate of each word: 0 for the best ``rates`` of a case's words, else `FLOOR`.

    The gradient is that of ``log sigmoid(score - threshold)`` (straight through: Bengio et al.
    2013, arXiv:1308.3432), the threshold being the score of the last word that is kept.

    Parameters
    ----------
    scores
        ``(B, W)``, minus infinity where there is no word.
    rates
        ``(B,)``: share of the words that is kept, rounded down, one word at least.
    """
    real = torch.isfinite(scores)
    kept = (real.sum(1) * rates).long().clamp(min=1)
    order = scores.detach().argsort(dim=1, descending=True, stable=True)
    rank = order.argsort(dim=1)
    keep = rank < kept[:, None]
    last = scores.detach().gather(1, order.gather(1, kept[:, None] - 1))
    soft = logsigmoid(torch.where(real, scores, 0.0) - last)
    hard = torch.where(keep, 0.0, FLOOR)
    return hard + soft - soft.detach()
