"""Variants for Qualcomm's NPU (HTP): fixed shapes, integers throughout, proved on the backend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from edgelingua import parity
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.bundle.manifest import Task, Tokens, Variant
from edgelingua.errors import InferenceError
from edgelingua.ort.devices import DEVICES
from edgelingua.ort.providers import hardware, is_simulated
from edgelingua.ort.session import Graph, RunOptions
from edgelingua.scorers import ClassifierScorer
from edgelingua_export.errors import ExportError
from edgelingua_export.graph import describe
from edgelingua_export.heads import add_keep_head
from edgelingua_export.onnx_graph import Feeds, save
from edgelingua_export.qdq import QdqRecipe, quantize_fixed

TARGET = "qnn-htp"

LENGTHS = (128, 256)
"""Tokens that a variant takes, special tokens included; a model that takes fewer sets its own."""

PROOF_TOKENS = 1024
"""How much of the parity text the NPU scores: where it is simulated, 128 tokens take seconds."""

MIN_AGREEMENT = 0.95
"""Least share of words on which NPU and fp32 agree whether to keep them at rate 0.5."""

MIN_NPU_SHARE = 0.95
"""Least share of the graph's operators that must run on the NPU."""


@dataclass(frozen=True)
class Unfused:
    """The fp32 graph with P(keep) as its output, before onnxruntime's own kernels come in."""

    path: Path
    variant: Variant


def check_possible(task: Task) -> None:
    """Raise `ExportError` where no variant could be made, or proved on this machine."""
    if task != "classifier":
        raise ExportError(f"target {TARGET}: only classifiers run on the NPU, not a {task}")
    try:
        hardware(DEVICES["qnn"])
    except InferenceError as error:
        raise ExportError(f"target {TARGET}: cannot be checked here: {error}") from None


def set_aside(fp32: Path, label: int) -> Unfused:
    """Copy the classifier's graph ``fp32``, whose keep label is ``label``, before it is fused."""
    if fp32.with_name(f"{fp32.name}_data").exists():
        raise ExportError(f"target {TARGET}: models above 2 GB are too large for it")
    path = fp32.with_name("unfused.onnx")
    save(onnx.load(fp32), path, like=fp32)
    add_keep_head(path, label)
    return Unfused(path, describe(path, path.name, "fp32"))


def add_variants(
    folder: Path, unfused: Unfused, tokens: Tokens, ids: NDArray[np.int64]
) -> tuple[dict[str, Variant], dict[str, Any]]:
    """Write the fixed-length graphs into the bundle's ``folder``.

    Parameters
    ----------
    tokens
        The model's special tokens and length.
    ids
        Tokens ``(T,)`` of a real text, to calibrate with.

    Returns
    -------
    tuple
        The variants by label, and what the manifest's recipe says of them.
    """
    recipe = QdqRecipe()
    variants, windows = {}, {}
    for length in sorted({min(length, tokens.max_length) for length in LENGTHS}):
        label, file = f"npu-qdq-{length}", f"model.npu-{length}.onnx"
        feeds = calibration_windows(unfused.variant, tokens, ids, length)
        quantize_fixed(unfused.path, folder / file, length, feeds, recipe)
        variants[label] = replace(
            unfused.variant, file=file, precision=recipe.name, target=TARGET, length=length
        )
        windows[label] = len(feeds)
    for leftover in unfused.path.parent.glob(f"{unfused.path.name}*"):
        leftover.unlink()
    backend = DEVICES["qnn"].package or ""
    proof = {
        "backend": f"{backend} {metadata.version(backend)}",
        "simulated": is_simulated(hardware(DEVICES["qnn"])),
    }
    return variants, {**asdict(recipe), "calibration_windows": windows, **proof}


def calibration_windows(
    variant: Variant, tokens: Tokens, ids: NDArray[np.int64], length: int
) -> list[Feeds]:
    """Inputs of a graph of fixed ``length`` over ``ids`` ``(T,)``, in windows that half overlap.

    One is mostly padding, as a short text is. For a model that reads questions, some have one.
    """
    room = length - len(tokens.prefix) - len(tokens.pair) - len(tokens.suffix)
    starts = range(0, max(len(ids) - room, 0) + 1, max(room // 2, 1))
    texts = [ids[start : start + room] for start in starts]
    texts.append(ids[: max(room // 8, 1)])
    nothing = ids[:0]
    feeds = [_padded(variant, tokens, nothing, text, length) for text in texts]
    if tokens.pair:
        asked = ids[: room // 8]
        feeds += [_padded(variant, tokens, asked, text[len(asked) :], length) for text in texts]
    return feeds


def _padded(
    variant: Variant,
    tokens: Tokens,
    question: NDArray[np.int64],
    ids: NDArray[np.int64],
    length: int,
) -> Feeds:
    before = [*tokens.prefix, *question, *tokens.pair] if len(question) else [*tokens.prefix]
    sequence = np.concatenate([before, ids, tokens.suffix]).astype(np.int64)
    types = np.full_like(sequence, bool(len(question)))
    types[: len(before)] = 0
    padding = (0, length - len(sequence))
    feeds = {
        variant.ids: np.pad(sequence, padding)[None],
        variant.mask: np.pad(np.ones_like(sequence), padding)[None],
    }
    if variant.token_types:
        feeds[variant.token_types] = np.pad(types, padding)[None]
    return feeds


def _share_on_npu(graph: Graph) -> float:
    return graph.operators[DEVICES["qnn"].provider] / sum(graph.operators.values())


def prove(
    bundle: ModelBundle, labels: Sequence[str], fp32: str, text: str
) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Score a held-out text on the NPU, or its simulator, and with fp32 in the same windows.

    The fp32 scores are written into the bundle, for `parity.verify`.

    Parameters
    ----------
    labels
        The variants for the NPU.
    fp32
        Label of the fp32 variant.

    Returns
    -------
    tuple
        Figures by label: those of `parity.compare`, ``word_agreement``, ``npu_share`` and
        ``tokens``, how many were scored; and what misses a gate.
    """
    figures: dict[str, dict[str, float]] = {}
    failures = []
    encoding = bundle.tokenizer().encode(text)
    ids, starts = encoding.ids[:PROOF_TOKENS], encoding.starts[:PROOF_TOKENS]
    on_npu = RunOptions(device="qnn", strict=True)
    for label in labels:
        variant, graph = bundle.load(label, on_npu)
        scorer = ClassifierScorer(bundle, variant=label, options=on_npu)
        plain = ClassifierScorer(bundle, variant=fp32, window=variant.length or 0)
        reference = plain.score_ids(ids)
        np.save(bundle.folder / parity.reference_file(variant), reference)
        scores = scorer.score_ids(ids)
        compared = parity.compare("classifier", scores, reference)
        figures[label] = {
            **compared.figures,
            "word_agreement": parity.word_agreement(scores, reference, starts),
            "npu_share": _share_on_npu(graph),
            "tokens": len(ids),
        }
        failures += [f"{label}: {failure}" for failure in compared.failures]
        for name, bound in (("word_agreement", MIN_AGREEMENT), ("npu_share", MIN_NPU_SHARE)):
            if not figures[label][name] >= bound:  # written so that NaN fails
                failures.append(f"{label}: {name} {figures[label][name]:.4g}, expected >= {bound}")
    return figures, failures
