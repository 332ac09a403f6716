"""The original model's own scores, from torch: what the export has to reproduce."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from edgelingua.manifest import Task, Tokens
from edgelingua_export.sources import Loaded


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
        Shape ``(T,)``: NLL in nats for a scorer, P(keep) for a classifier.
    """
    sequence = torch.as_tensor(np.concatenate([tokens.prefix, ids, tokens.suffix])[None]).long()
    first = len(tokens.prefix)
    with torch.inference_mode():
        logits = loaded.model(input_ids=sequence).logits[0].float()
    if task == "classifier":
        scores = logits.softmax(dim=1)[first : first + len(ids), keep_label]
    else:
        log_probabilities = logits.log_softmax(dim=1)[first - 1 : first - 1 + len(ids)]
        scores = -log_probabilities.gather(1, sequence[0, first:, None])[:, 0]
    result: NDArray[np.float32] = scores.numpy()
    return result
