"""The original model's own scores, from torch: what the export has to reproduce."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import normalize

from edgelingua.bundle.manifest import Task, Tokens
from edgelingua_export.attention_outputs import check_heads
from edgelingua_export.sources import Loaded


@dataclass(frozen=True)
class Original:
    """What torch says of tokens ``ids`` ``(T,)``: `reference_scores`, and `reference_attention`."""

    ids: NDArray[np.int64]
    scores: NDArray[np.float32]
    attention: NDArray[np.float32]


def reference_scores(
    loaded: Loaded, task: Task, tokens: Tokens, ids: NDArray[np.int64], keep_label: int
) -> NDArray[np.float32]:
    """Score ``ids`` ``(T,)``, which fit the model at once, as the runtime's scorers define it.

    Parameters
    ----------
    keep_label
        The classifier's label that means "keep".

    Returns
    -------
    ndarray
        Shape ``(T,)``: NLL in nats for a scorer, P(keep) for a classifier, for an encoder the
        cosine of each token's state with the mean of all.
    """
    sequence = torch.as_tensor(np.concatenate([tokens.prefix, ids, tokens.suffix])[None]).long()
    first = len(tokens.prefix)
    with torch.inference_mode():
        output = loaded.model(input_ids=sequence)
    if task == "encoder":
        states = normalize(output.last_hidden_state[0, first : first + len(ids)], dim=-1)
        own: NDArray[np.float32] = (states @ normalize(states.mean(dim=0), dim=-1)).numpy()
        return own
    logits = output.logits[0].float()
    if task == "classifier":
        scores = logits.softmax(dim=1)[first : first + len(ids), keep_label]
    else:
        log_probabilities = logits.log_softmax(dim=1)[first - 1 : first - 1 + len(ids)]
        scores = -log_probabilities.gather(1, sequence[0, first:, None])[:, 0]
    result: NDArray[np.float32] = scores.numpy()
    return result


def reference_attention(
    loaded: Loaded, tokens: Tokens, ids: NDArray[np.int64], heads: Sequence[tuple[int, int]]
) -> NDArray[np.float32]:
    """Attention weights of chosen heads (layer, head) over ``ids`` ``(T,)``: ``(heads, T, T)``.

    Those of the tokens that start a text are left out.

    Raises
    ------
    ExportError
        The model has no such head.
    """
    if not heads:
        return np.zeros((0, len(ids), len(ids)), dtype=np.float32)
    first = len(tokens.prefix)
    sequence = torch.as_tensor(np.concatenate([tokens.prefix, ids])[None]).long()
    model = loaded.model
    check_heads(heads, model.config.num_hidden_layers, model.config.num_attention_heads)
    before = model.config._attn_implementation
    model.set_attn_implementation("eager")  # the others never have the weights
    try:
        with torch.inference_mode():
            layers = model(input_ids=sequence, output_attentions=True).attentions
    finally:
        model.set_attn_implementation(before)
    return np.stack([layers[layer][0, head, first:, first:].numpy() for layer, head in heads])
