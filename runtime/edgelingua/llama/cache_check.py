"""Whether a model stands a quantized cache, tried on the loaded model.

Rounding of keys and values is lossless in practice for one model and the end of all sense for
another, and nothing in the file tells.
"""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import RoughCacheWarning
from edgelingua.kv.options import CacheOptions
from edgelingua.llama.engine import LlamaEngine
from edgelingua.llama.weights import Weights

TEXT = (
    "The lighthouse keeper wrote down the weather every evening: wind from the north-west, rain. "
    "When the new lamp was delivered in 1911, he asked his daughter to count the steps of the "
    "tower again; there were 167, one more than the builders had promised."
)
"""Prose with names and numbers; what it says does not matter."""

TOLERATED = 0.1
"""Mean divergence in nats above which a cache is warned of."""

_UNREAD = 16
"""First tokens, read at once and not compared: there is little in the cache to be rounded."""


def warn_if_rough(model: Weights, cache: CacheOptions) -> None:
    """Warn if a cache changes what the model predicts by more than `TOLERATED`."""
    nats = divergence(model, cache)
    if not nats <= TOLERATED:
        warnings.warn(
            f"{model.path.name} with a cache in {cache.keys}/{cache.values} predicts something "
            f"else than in f16: {nats:.2f} nats on a short text, {TOLERATED} are tolerable; keep "
            "keys in f16 or q8_0",
            RoughCacheWarning,
            stacklevel=4,
        )


def divergence(model: Weights, cache: CacheOptions) -> float:
    """Mean Kullback-Leibler divergence, in nats, of what a cache predicts from what f16 predicts.

    A short text is read twice, token by token.
    """
    tokens = model.tokenize(TEXT, begin=True)
    exact = _predictions(model, tokens, CacheOptions())
    rounded = _predictions(model, tokens, cache)
    return float((np.exp(exact) * (exact - rounded)).sum(axis=1).mean())


def _predictions(
    model: Weights, tokens: NDArray[np.int32], cache: CacheOptions
) -> NDArray[np.float64]:
    """Log probabilities ``(n, vocabulary)`` behind the tokens compared."""
    options = replace(cache, chunk=_UNREAD, hooks=frozenset(), queries=0)
    engine = LlamaEngine(model, len(tokens), options)
    engine.decode(tokens[:_UNREAD], 0)
    rows = []
    for at in range(_UNREAD, len(tokens)):
        engine.decode(tokens[at : at + 1], at)
        logits = engine.logits().astype(np.float64)
        logits -= logits.max()
        rows.append(logits - np.log(np.exp(logits).sum()))
    return np.stack(rows)
