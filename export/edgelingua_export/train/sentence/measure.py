"""How often a question's evidence is among the sentences that a budget holds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from edgelingua_export.train.batches import Layout
from edgelingua_export.train.corpus import Corpus
from edgelingua_export.train.descent import Spans
from edgelingua_export.train.sentence.batches import Batch, assemble
from edgelingua_export.train.sentence.contrast import similarities

RATES = (0.2, 0.1, 0.05)
_QUESTIONS = 16
_ALL = 1 << 20


def found(
    model: PreTrainedModel, corpus: Corpus, spans: Spans, layout: Layout, precision: str
) -> dict[str, float]:
    """Share of the questions of which a best-labelled sentence is kept, at each of `RATES`.

    All texts of a question's group share one budget, a share of their tokens; sentences are taken
    from the best one on until one does not fit.
    """
    model.eval()
    hits = []
    whole = replace(layout, passages=_ALL, stream=1.0)
    with torch.no_grad():
        for start in range(0, len(spans), _QUESTIONS):
            part = spans[start : start + _QUESTIONS]
            batch = assemble(corpus, part, whole, np.random.default_rng(start))
            hits += _hits(batch, similarities(model, batch, precision).cpu().numpy())
    model.train()
    shares = np.mean(hits, axis=0) if hits else np.zeros(len(RATES))
    return {str(rate): round(float(share), 4) for rate, share in zip(RATES, shares, strict=True)}


def _hits(batch: Batch, cosines: NDArray[np.float32]) -> list[NDArray[np.bool_]]:
    result = []
    for own, labels, scores in zip(batch.own, batch.labels, cosines, strict=True):
        if not labels.any():
            continue
        here = np.flatnonzero(own)
        here = here[np.argsort(-scores[here], kind="stable")]
        filled = np.cumsum(batch.sizes[here])
        best = labels[here] == labels.max()
        result.append(np.asarray([(best & (filled <= rate * filled[-1])).any() for rate in RATES]))
    return result
