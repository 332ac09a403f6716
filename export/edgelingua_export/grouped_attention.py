"""Fuses the attention of causal LMs into onnxruntime's ``GroupQueryAttention``.

Exported, one layer's attention is some eighty nodes: rotary embedding, the cache's concatenation,
keys and values repeated for every query head, a mask, a softmax. The fused kernel does it without
the copies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper

from edgelingua_export.attention_kind import AttentionKind
from edgelingua_export.onnx_graph import FUSED, Graph, tidy
from edgelingua_export.rotary import Rotary, tables_from_zero, unturned


@dataclass(frozen=True)
class _Layer:
    """Names of the tensors where one layer's attention begins and ends.

    ``query`` and ``key`` are ``(1, heads, n, head_size)``, before they are turned; ``rotary`` are
    the cosines and sines that turn them, if any do.
    """

    query: str
    key: str
    value: str
    rotary: Rotary | None
    output: str
    past: tuple[str, str]
    present: tuple[str, str]


def fuse_grouped_attention(model: onnx.ModelProto, attention: AttentionKind) -> int:
    """Fuse the attention of every layer, in place.

    Only the places where an attention begins and ends are recognised; what lies between (scaling,
    masks) is taken to be the usual. Whether the result computes the same is for the caller to check
    on numbers.

    Parameters
    ----------
    model
        A causal LM as optimum exports it.
    attention
        What its configuration says.

    Returns
    -------
    int
        Layers fused: all of them, or 0 and an unchanged model.
    """
    graph = Graph.of(model)
    inputs = [value.name for value in model.graph.input]
    keys = [name for name in inputs if name.startswith("past_key_values.") and name[-4:] == ".key"]
    layers = [layer for key in keys if (layer := _layer(graph, key)) is not None]
    if not layers or len(layers) < len(keys):
        return 0
    last, number, total = _lengths(graph)
    tables = tables_from_zero(graph, {layer.rotary for layer in layers if layer.rotary}, total)
    for index, layer in enumerate(layers):
        for present in layer.present:
            graph.producer[present].output[0] += "/unfused"
        graph.producer[layer.output].output[0] += "/unfused"
        query, key = (_side_by_side(graph, tensor) for tensor in (layer.query, layer.key))
        turning = tables[layer.rotary] if layer.rotary else ()
        node = helper.make_node(
            "GroupQueryAttention",
            [query, key, layer.value, *layer.past, last, number, *turning],
            [layer.output, *layer.present],
            f"{layer.output}/fused",
            domain=FUSED,
            do_rotary=int(bool(turning)),
        )
        attributes = attention.attributes(index)
        node.attribute.extend(helper.make_attribute(*pair) for pair in attributes.items())
        model.graph.node.append(node)
    tidy(model)
    return len(layers)


def _layer(graph: Graph, past_key: str) -> _Layer | None:
    """Find where the attention that caches ``past_key`` begins and ends."""
    past = past_key, past_key.removesuffix("key") + "value"
    present = tuple(name.replace("past_key_values", "present") for name in past)
    new = []
    for before, after in zip(past, present, strict=True):
        grown = graph.producer[after]
        if grown.op_type != "Concat" or grown.input[0] != before:
            return None
        new.append(grown.input[1])
    value = graph.up(new[1], "Transpose", "Reshape")
    met = graph.down(present[0], "MatMul")
    output = _heads_merged(graph, met.output[0]) if met else None
    if met is None or output is None or value is None:
        return None
    key, rotary = unturned(graph, new[0])
    # Queries, often scaled before they meet the keys, are turned by the same angles.
    query, same = unturned(graph, graph.up(met.input[0], "Mul") or met.input[0])
    if rotary != same:
        return None
    return _Layer(query, key, value, rotary, output, past, (present[0], present[1]))


def _heads_merged(graph: Graph, similarity: str) -> str | None:
    """Return the tensor in which what the heads found lies side by side again."""
    softmax = graph.down(similarity, "Softmax")
    transposed = graph.down(softmax.output[0], "Transpose") if softmax else None
    users = graph.consumers[transposed.output[0]] if transposed else []
    merged = [node for node in users if node.op_type != "Shape"]
    if len(merged) != 1 or merged[0].op_type != "Reshape":
        return None
    return str(merged[0].output[0])


def _lengths(graph: Graph) -> tuple[str, str, str]:
    """Index of the last token ``(1,)`` and number of tokens, as the kernel wants them; the number.

    From the mask, which has a place for every token, cached or new.
    """
    one = graph.constant("lengths/one", np.asarray([1], dtype=np.int64))
    axis = graph.constant("lengths/axis", np.asarray(1, dtype=np.int64))
    shape = graph.add("Shape", ["attention_mask"], "lengths/shape")
    total = graph.add("Gather", [shape, axis], "lengths/total")
    number = graph.add("Cast", [total], "lengths/total_int32", to=TensorProto.INT32)
    summed = graph.add("ReduceSum", ["attention_mask", one], "lengths/summed", keepdims=0)
    last = graph.add("Sub", [summed, one], "lengths/last")
    return graph.add("Cast", [last], "lengths/last_int32", to=TensorProto.INT32), number, total


def _side_by_side(graph: Graph, tensor: str) -> str:
    """Lay the heads ``(1, heads, n, size)`` side by side: ``(1, n, heads * size)``.

    Mostly that is what they were cut from; some models normalise each head in between.
    """
    before = graph.up(tensor, "Transpose", "Reshape")
    if before:
        return before
    transpose = helper.make_node(
        "Transpose", [tensor], [f"{tensor}/rows"], f"{tensor}/rows", perm=[0, 2, 1, 3]
    )
    graph.model.graph.node.append(transpose)
    shape = graph.constant(f"{tensor}/shape", np.asarray([0, 0, -1], dtype=np.int64))
    return graph.add("Reshape", [transpose.output[0], shape], f"{tensor}/side_by_side")
