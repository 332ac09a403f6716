"""The original model's own scores, from torch: what the export has to reproduce."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from edgelingua.manifest import Manifest
from edgelingua_export.sources import Loaded


def reference_scores(
    loaded: Loaded, manifest: Manifest, ids: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Score ``ids`` ``(T,)``, which fit the model at once, as the runtime's scorers define it.

    Returns
    -------
    ndarray
        Shape ``(T,)``: NLL in nats for a scorer, P(keep) for a classifier.
    """
    tokens = manifest.tokens
    sequence = torch.as_tensor(np.concatenate([tokens.prefix, ids, tokens.suffix])[None]).long()
    first = len(tokens.prefix)
    with torch.inference_mode():
        logits = loaded.model(input_ids=sequence).logits[0].float()
    if manifest.task == "classifier":
        scores = logits.softmax(dim=1)[first : first + len(ids), manifest.keep_label]
    else:
        log_probabilities = logits.log_softmax(dim=1)[first - 1 : first - 1 + len(ids)]
        scores = -log_probabilities.gather(1, sequence[0, first:, None])[:, 0]
    result: NDArray[np.float32] = scores.numpy()
    return result
