"""Whether what we overhear in llama.cpp is what we take it for, tried on the loaded model.

Tensor names and layouts are no interface: another release may change them without a word. So a few
tokens are read with some evicted in between, and what the hook, the serialized cache and the
session's book say must agree.
"""

from __future__ import annotations

import numpy as np

from edgelingua.errors import EdgeLinguaError, ReaderError
from edgelingua.kv.options import CacheOptions
from edgelingua.kv.policy import attention
from edgelingua.kv.state import Cells
from edgelingua.llama.engine import LlamaEngine
from edgelingua.llama.library import BUILD
from edgelingua.llama.weights import Weights

_TOLERANCE = 0.02
"""Of an attention weight: keys are kept in half precision."""


def check(model: Weights) -> None:
    """Read twelve tokens, evict three of them, and compare all that is overheard.

    Raises
    ------
    ReaderError
        Something does not agree; policies that need queries or attention cannot be used.
    """
    try:
        _compare(model)
    except EdgeLinguaError as error:
        raise ReaderError(
            f"{model.path}: what {BUILD} shows while it decodes this model is not what it should "
            f"be: {error}; choose a policy that needs neither queries nor attention"
        ) from error


def _compare(model: Weights) -> None:
    options = CacheOptions(chunk=8, hooks=frozenset({"queries", "attention"}), queries=4)
    engine = LlamaEngine(model, 12, options, probe=True)
    tokens = np.arange(12, dtype=np.int32) + min(100, model.vocabulary_size - 12)
    cells = Cells().appended(tokens[:8])
    engine.decode(tokens[:8], 0, options.hooks)
    gone = np.isin(cells.positions, (2, 3, 5))
    for position in cells.positions[gone].tolist():
        engine.remove(position, position + 1)
    cells = cells.without(gone).appended(tokens[8:])
    heard = engine.decode(tokens[8:], 8, options.hooks)
    if heard.queries is None or heard.attention is None:
        raise ReaderError("no queries or no attention weights passed by")
    weights = engine.overheard_weights(cells.positions)
    if not np.allclose(weights.sum(axis=-1), 1, atol=1e-3):
        raise ReaderError("the attention weights of a token do not add up to 1")
    queries = cells.positions[-4:]
    if weights[..., queries[:, None] < cells.positions].any():
        raise ReaderError("tokens attend to later ones")
    if not np.allclose(weights.mean(axis=1).sum(axis=1), heard.attention, atol=1e-3):
        raise ReaderError("sums of attention weights are not those of the weights")
    signals = {**engine.states(frozenset({"keys"}), cells.positions), "queries": heard.queries}
    computed = attention(cells.view(signals, queries))
    worst = float(np.abs(computed - weights).max())
    if not worst < _TOLERANCE:
        raise ReaderError(f"queries times keys are not the attention: off by up to {worst:.3f}")
