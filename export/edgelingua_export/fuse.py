"""Fused kernels in place of what the exporter spells out node by node, proved on numbers."""

from __future__ import annotations

import gc
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.transformers.fusion_options import FusionOptions
from onnxruntime.transformers.optimizer import optimize_model
from transformers import PretrainedConfig

from edgelingua.bundle.manifest import Task, Variant
from edgelingua_export.advice import no_advice
from edgelingua_export.attention_kind import AttentionKind
from edgelingua_export.errors import reason
from edgelingua_export.grouped_attention import fuse_grouped_attention
from edgelingua_export.heads import LOGITS, STATES
from edgelingua_export.onnx_graph import Feeds, save

MAX_FUSION_ERROR = 1e-3
"""Largest difference on any output, as a share of the largest logit, that fusing may make."""


def fuse(path: Path, task: Task, config: PretrainedConfig, variant: Variant, feeds: Feeds) -> str:
    """Fuse the attention of the graph ``path`` in place, if that leaves its results alone.

    Parameters
    ----------
    config
        The model's configuration.
    variant
        Describes the graph as it is.
    feeds
        Inputs of one run on real text, with an empty cache if the model has one.

    Returns
    -------
    str
        What was fused; or why nothing was, and the graph is as it was.
    """
    # A folder of its own: the graph names the file of its weights, which has to be the same later.
    fused = path.parent / "fused" / path.name
    fused.parent.mkdir()
    try:
        fusion = _causal if task == "scorer" else _encoder
        try:
            model, done = fusion(path, config)
        except Exception as refused:  # onnxruntime's optimizer raises what it happens to meet
            return f"nothing: the graph cannot be fused: {_said(refused, path)}"
        if model is None:
            return f"nothing: {done}"
        save(model, fused, like=path)
        # A large one leaves no room for what comes; onnxruntime's optimizer holds it in a circle.
        del model
        gc.collect()
        try:
            error = _difference(path, fused, variant, feeds)
        except Exception as refused:  # onnxruntime's exceptions share no base but Exception
            return f"nothing: onnxruntime refuses it: {_said(refused, path)}"
        # Written so that NaN fails.
        if not error <= MAX_FUSION_ERROR:
            return f"nothing: {done} would change the results by {error:.2g} of the largest logit"
        for file in fused.parent.iterdir():
            file.replace(path.with_name(file.name))
    finally:
        shutil.rmtree(fused.parent)
    return done


def _said(refused: Exception, path: Path) -> str:
    """What an error says, for a manifest: without the folder of this build."""
    return reason(refused).replace(f"{path.parent}/", "")


def _causal(path: Path, config: PretrainedConfig) -> tuple[onnx.ModelProto | None, str]:
    model = onnx.load(path)
    layers = fuse_grouped_attention(model, AttentionKind.of(config))
    if not layers:
        return None, "the attention is not built like Llama's or GPT-2's"
    return model, f"GroupQueryAttention in {layers} layers"


def _encoder(path: Path, config: PretrainedConfig) -> tuple[onnx.ModelProto | None, str]:
    options = FusionOptions("bert")
    options.use_raw_attention_mask(True)  # else tokens behind the last one masked are all it knows
    options.enable_embed_layer_norm = False  # quantization knows Gather
    # Slower than what they are made of (onnxruntime 1.31 on x86).
    options.enable_skip_layer_norm = options.enable_bias_skip_layer_norm = False
    options.enable_bias_gelu = False
    heads, size = (getattr(config, n, 0) for n in ("num_attention_heads", "hidden_size"))
    with no_advice():  # it reports every fusion
        optimized = optimize_model(str(path), "bert", heads, size, options, opt_level=0)
    layers = sum(node.op_type == "Attention" for node in optimized.model.graph.node)
    if not layers:
        return None, "the attention is not built like BERT's"
    return optimized.model, f"Attention in {layers} layers"


def _difference(plain: Path, fused: Path, variant: Variant, feeds: Feeds) -> float:
    """Largest difference between two graphs, as a share of the largest logit."""
    check = _with_cache if variant.cache else _with_padding
    # One after the other: of a large graph, memory may have room for one copy only.
    expected, got = (check(_session(path), variant, feeds) for path in (plain, fused))
    largest = np.abs(expected[0]).max()
    return float(max(np.abs(e - g).max() for e, g in zip(expected, got, strict=True)) / largest)


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is reported once, as the reason
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _with_cache(
    session: onnxruntime.InferenceSession, variant: Variant, feeds: Feeds
) -> list[NDArray[Any]]:
    """Outputs for the second half of a text behind the cache of the first."""
    names = variant.cache.names if variant.cache else ()
    length = feeds[variant.ids].shape[1]
    half = length // 2
    first = {
        name: feed[:, :half] if name in (variant.ids, variant.mask, variant.positions) else feed
        for name, feed in feeds.items()
    }
    second = {**feeds, variant.ids: feeds[variant.ids][:, half:]}
    if variant.positions:
        second[variant.positions] = feeds[variant.positions][:, half:]
    outputs = [LOGITS, *(present for _, present in names)]
    logits, *cache = _run(session, outputs, first)
    second |= dict(zip((past for past, _ in names), cache, strict=True))
    return [logits, *_run(session, outputs, second)]


def _with_padding(
    session: onnxruntime.InferenceSession, variant: Variant, feeds: Feeds
) -> list[NDArray[Any]]:
    """Logits or states of a text, and of its first half with the second masked away."""
    half = feeds[variant.ids].shape[1] // 2
    mask = feeds[variant.mask].copy()
    mask[:, half:] = 0
    output = STATES if variant.states else LOGITS
    (whole,) = _run(session, [output], feeds)
    (padded,) = _run(session, [output], {**feeds, variant.mask: mask})
    return [whole, padded[:, :half]]


def _run(
    session: onnxruntime.InferenceSession, outputs: list[str], feeds: Feeds
) -> list[NDArray[Any]]:
    wanted = {value.name for value in session.get_inputs()}  # a fused graph may need fewer
    result: list[NDArray[Any]] = session.run(
        outputs, {name: feed for name, feed in feeds.items() if name in wanted}
    )
    return result
