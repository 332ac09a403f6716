"""Does the bundle score a real text like the model it was made from?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelingua import parity
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.bundle.manifest import Task, Tokens
from edgelingua.scorers.heads import BundleHeads
from edgelingua.text.tokenizer import TextTokenizer
from edgelingua_export import npu, texts
from edgelingua_export.errors import ParityError
from edgelingua_export.options import BuildOptions
from edgelingua_export.quantize import FP32, INT8
from edgelingua_export.reports import Report
from edgelingua_export.sources import Loaded
from edgelingua_export.torch_reference import Original, reference_attention, reference_scores

MAX_CONVERSION_ERROR = {"scorer": 1e-2, "classifier": 1e-3, "encoder": 1e-3}
"""Most that torch and the fp32 graph may differ on any token, in nats, P(keep), cosines."""

MAX_ATTENTION_ERROR = 1e-3
"""Largest difference allowed between torch's and the fp32 graph's attention weights."""


def original_scores(
    loaded: Loaded, task: Task, tokens: Tokens, tokenizer: TextTokenizer, options: BuildOptions
) -> Original:
    """Score as much of the real text with torch as fits the model at once.

    How a longer one is cut into windows is not what is compared.
    """
    room = min(parity.WINDOW, tokens.max_length) - len(tokens.prefix) - len(tokens.suffix)
    ids = tokenizer.encode(texts.read(texts.PARITY)).ids[:room]
    return Original(
        ids,
        reference_scores(loaded, task, tokens, ids, options.keep_label),
        reference_attention(loaded, tokens, ids, options.attention),
    )


def write_text(folder: Path) -> None:
    """Put the real text into a bundle."""
    (folder / parity.TEXT).parent.mkdir(exist_ok=True)
    (folder / parity.TEXT).write_text(texts.read(texts.PARITY), encoding="utf-8")


def prove(bundle: ModelBundle, original: Original, step: Report) -> dict[str, Any]:
    """Compare every variant with fp32, and fp32 with torch, through the runtime's scorers.

    The fp32 scores are written into the bundle, for `parity.verify`.

    Returns
    -------
    dict
        The figures for the manifest.

    Raises
    ------
    ParityError
        Some of them miss a gate.
    """
    step("parity on real text: torch, fp32, INT8")
    task = bundle.manifest.task
    text = texts.read(texts.PARITY)
    ids = bundle.tokenizer().encode(text).ids
    scores = {name: parity.scorer_for(bundle, name).score_ids(ids) for name in (FP32, INT8)}
    exported = parity.scorer_for(bundle, FP32).score_ids(original.ids)
    conversion = float(np.abs(exported - original.scores).max())
    int8 = parity.compare(task, scores[INT8], scores[FP32])
    failures = list(int8.failures)
    if not conversion <= MAX_CONVERSION_ERROR[task]:  # written so that NaN fails
        failures.insert(
            0,
            f"fp32 differs from torch by {conversion:.2g}, "
            f"expected <= {MAX_CONVERSION_ERROR[task]:g}",
        )
    figures: dict[str, Any] = {
        "text_tokens": len(ids),
        "fp32_vs_torch": {"max_difference": conversion},
        "variants": {INT8: int8.figures},
    }
    step(f"fp32 vs torch: max |Δ| {conversion:.2g}")
    if bundle.variant(FP32).attention:
        differences = {name: _attention_difference(bundle, name, original) for name in (FP32, INT8)}
        figures["attention_vs_torch"] = {"max_difference": float(differences[FP32].max())}
        figures["attention_int8_vs_torch"] = {"mean_difference": float(differences[INT8].mean())}
        if not differences[FP32].max() <= MAX_ATTENTION_ERROR:
            failures.append(f"attention differs from torch by {differences[FP32].max():.2g}")
    if on_npu := [name for name, v in bundle.manifest.variants.items() if v.target == npu.TARGET]:
        step("parity on the NPU")
        of_npu, missed = npu.prove(bundle, on_npu, FP32, text)
        figures["variants"] |= of_npu
        failures += missed
    for name, values in figures["variants"].items():
        step(f"{name} vs fp32: " + ", ".join(f"{k} {v:.4g}" for k, v in values.items()))
    if failures:
        location = bundle.manifest.source["location"]
        raise ParityError(f"{location}: parity failed, no bundle written: {'; '.join(failures)}")
    np.save(bundle.folder / parity.REFERENCE, scores[FP32])
    return figures


def _attention_difference(
    bundle: ModelBundle, variant: str, original: Original
) -> NDArray[np.float32]:
    """How far the weights of the graph that is cut short are from torch's."""
    scorer = BundleHeads(bundle, variant=variant, window=parity.WINDOW)
    exported = scorer.attention(original.ids, len(original.ids) // 2)
    difference: NDArray[np.float32] = np.abs(exported - original.attention[:, -exported.shape[1] :])
    return difference
