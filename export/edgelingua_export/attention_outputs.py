"""Lets a causal LM's graph show what chosen attention heads look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from edgelingua.bundle.manifest import Variant
from edgelingua_export.errors import ExportError
from edgelingua_export.onnx_graph import Graph, save, tidy

ATTENTION = "attention"

_AFTER_SOFTMAX = 2  # of the fused kernel's attribute ``qk_output``

Head = tuple[int, int]
"""Layer and query head, counted from 0."""


def parse_heads(text: str) -> tuple[Head, ...]:
    """Read ``3.1,3.5``: heads 1 and 5 of layer 3; in order, each once.

    Raises
    ------
    ExportError
        It is not a list of LAYER.HEAD.
    """
    try:
        pairs = [part.split(".") for part in text.split(",")]
        return tuple(sorted({(int(layer), int(head)) for layer, head in pairs}))
    except ValueError:
        raise ExportError(
            f"{text!r}: expected heads as LAYER.HEAD, counted from 0, such as 3.1,3.5"
        ) from None


def check_heads(heads: Sequence[Head], layers: int, per_layer: int) -> None:
    """Raise `ExportError` if one of the heads is not there."""
    for layer, head in heads:
        if not (0 <= layer < layers and 0 <= head < per_layer):
            raise ExportError(
                f"no head {layer}.{head}: the model has {layers} layers of {per_layer} heads, "
                "counted from 0"
            )


def add_attention_output(path: Path, heads: Sequence[Head], per_layer: int) -> None:
    """Add the output ``attention`` ``(1, chosen heads, n, past tokens + n)``, in place.

    It holds the weights, after the softmax, that each of the ``n`` new tokens gives to every token.
    Only the layers asked for keep theirs.

    Parameters
    ----------
    path
        A causal LM with a KV cache, its attention fused or not.
    heads
        Those wanted; the output has them in this order, which is by layer.
    per_layer
        Query heads that a layer has.

    Raises
    ------
    ExportError
        There is no such head.
    """
    graph = Graph.load(path, weights=False)
    layers = sum(name.startswith("present.") for name in graph.producer) // 2
    check_heads(heads, layers, per_layer)
    chosen: dict[int, list[int]] = defaultdict(list)
    for layer, head in heads:
        chosen[layer].append(head)
    shown = []
    for layer, wanted in chosen.items():
        indices = graph.constant(f"attention/heads.{layer}", np.asarray(wanted, dtype=np.int64))
        weights = _weights(graph, layer)
        shown.append(graph.add("Gather", [weights, indices], f"attention/{layer}", axis=1))
    graph.add("Concat", shown, ATTENTION, axis=1)
    graph.model.graph.output.append(
        helper.make_tensor_value_info(
            ATTENTION,
            TensorProto.FLOAT,
            ["batch_size", len(heads), "sequence_length", "total_sequence_length"],
        )
    )
    tidy(graph.model)
    save(graph.model, path, like=path)


def cut_short(folder: Path, variant: Variant) -> Variant:
    """Write a variant's graph once more, cut behind the last layer whose attention it shows.

    It answers with `ATTENTION`, and with the keys and values that it takes to read on. Weights that
    lie beside the graph are shared, others written again.

    Returns
    -------
    Variant
        The variant, which names that file; as it was, if it shows no attention.
    """
    shown = variant.attention
    if shown is None:
        return variant
    path = folder / variant.file
    early = path.with_name("early." + path.name)
    graph = Graph.load(path, weights=False)
    kept = {ATTENTION}.union(
        f"present.{layer}.{kv}" for layer in range(shown.layers) for kv in ("key", "value")
    )
    outputs = [output for output in graph.model.graph.output if output.name in kept]
    graph.model.graph.ClearField("output")
    graph.model.graph.output.extend(outputs)
    tidy(graph.model)
    save(graph.model, early, like=early)
    file = early.relative_to(folder).as_posix()
    return replace(variant, attention=replace(shown, file=file))


def _weights(graph: Graph, layer: int) -> str:
    """Name of the attention weights ``(1, heads, n, total)`` of a layer."""
    key = f"present.{layer}.key"
    kernel = graph.producer[key]
    if kernel.op_type == "GroupQueryAttention":
        kernel.attribute.append(onnx.helper.make_attribute("qk_output", _AFTER_SOFTMAX))
        kernel.output.append(f"attention/weights.{layer}")
        return str(kernel.output[-1])
    softmax = graph.down(key, "Softmax")
    if softmax is None:
        raise ExportError(f"layer {layer}: no softmax follows its keys; its heads cannot be shown")
    return str(softmax.output[0])
