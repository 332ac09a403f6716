"""Fuses the attention of Llama-like causal LMs into onnxruntime's ``GroupQueryAttention``.

Exported, one layer's attention is some eighty nodes: rotary embedding, the cache's concatenation,
keys and values repeated for every query head, a mask, a softmax. The fused kernel does it without
the copies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper

from edgelingua_export.onnx_graph import FUSED, Graph, tidy


@dataclass(frozen=True)
class _Layer:
    """Names of the tensors where one layer's attention begins and ends."""

    query: str
    key: str
    value: str
    cos: str
    sin: str
    output: str
    past: tuple[str, str]
    present: tuple[str, str]


def fuse_grouped_attention(model: onnx.ModelProto, heads: int, kv_heads: int) -> int:
    """Fuse the attention of every layer, in place.

    Only the places where an attention begins and ends are recognised; what lies between (scaling,
    masks) is taken to be the usual. Whether the result computes the same is for the caller to check
    on numbers.

    Parameters
    ----------
    model
        A causal LM as optimum exports it.
    heads, kv_heads
        Query heads, and heads of keys and values.

    Returns
    -------
    int
        Layers fused: all of them, or 0 and an unchanged model.
    """
    graph = Graph.of(model)
    inputs = [value.name for value in model.graph.input]
    keys = [name for name in inputs if name.startswith("past_key_values.") and name[-4:] == ".key"]
    layers = [layer for key in keys if (layer := _layer(graph, key)) is not None]
    tables = {(layer.cos, layer.sin) for layer in layers}
    if len(layers) < len(keys) or len(tables) != 1 or "position_ids" not in inputs:
        return 0
    last, number, total = _lengths(graph)
    cos, sin = _rotary_tables(graph, *tables.pop(), total)
    for layer in layers:
        for present in layer.present:
            graph.producer[present].output[0] += "/unfused"
        graph.producer[layer.output].output[0] += "/unfused"
        node = helper.make_node(
            "GroupQueryAttention",
            [layer.query, layer.key, layer.value, *layer.past, last, number, cos, sin],
            [layer.output, *layer.present],
            f"{layer.output}/fused",
            domain=FUSED,
            num_heads=heads,
            kv_num_heads=kv_heads,
            do_rotary=1,
        )
        model.graph.node.append(node)
    tidy(model)
    return len(layers)


def _layer(graph: Graph, past_key: str) -> _Layer | None:
    """Find where the attention that caches ``past_key`` begins and ends, if it looks like Llama."""
    past = past_key, past_key.removesuffix("key") + "value"
    present = tuple(name.replace("past_key_values", "present") for name in past)
    new = []
    for before, after in zip(past, present, strict=True):
        grown = graph.producer[after]
        if grown.op_type != "Concat" or grown.input[0] != before:
            return None
        new.append(grown.input[1])
    # Keys are turned: x cos + turned(x) sin, with x = Transpose(Reshape(key)).
    straight, turned = (_product(graph, new[0], index) for index in (0, 1))
    if straight is None or turned is None:
        return None
    key = graph.up(straight.input[0], "Transpose", "Reshape")
    value = graph.up(new[1], "Transpose", "Reshape")
    cos, sin = (graph.up(node.input[1], "Unsqueeze") for node in (straight, turned))
    # Queries, often scaled before they meet the keys, are turned by the same angles.
    met = graph.down(present[0], "MatMul")
    if met is None:
        return None
    asking = _product(graph, graph.up(met.input[0], "Mul") or met.input[0], 0)
    if asking is None or asking.input[1] != straight.input[1]:
        return None
    query = graph.up(asking.input[0], "Transpose", "Reshape")
    output = _heads_merged(graph, met.output[0])
    if not (key and value and cos and sin and query and output):
        return None
    return _Layer(query, key, value, cos, sin, output, past, (present[0], present[1]))


def _product(graph: Graph, total: str, index: int) -> onnx.NodeProto | None:
    """Return the product that is a summand of ``total``."""
    added = graph.producer.get(total)
    if added is None or added.op_type != "Add":
        return None
    node = graph.producer.get(added.input[index])
    return node if node is not None and node.op_type == "Mul" else None


def _heads_merged(graph: Graph, similarity: str) -> str | None:
    """Return the tensor in which what the heads found lies side by side again."""
    softmax = graph.down(similarity, "Softmax")
    transposed = graph.down(softmax.output[0], "Transpose") if softmax else None
    users = graph.consumers[transposed.output[0]] if transposed else []
    if len(users) != 1 or users[0].op_type != "Reshape":
        return None
    return str(users[0].output[0])


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


def _rotary_tables(graph: Graph, cos: str, sin: str, total: str) -> tuple[str, str]:
    """Let the graph's own rotary embedding make its tables for all positions from 0.

    Of ``(1, tokens, head_size)`` the kernel takes the first half of the columns; the second, made
    for `_product`'s way of turning, repeats it.
    """
    zero, one = (graph.constant(f"rotary/{n}", np.asarray(n, dtype=np.int64)) for n in (0, 1))
    axis = graph.constant("rotary/axis", np.asarray([0], dtype=np.int64))
    counted = graph.add("Range", [zero, total, one], "rotary/range")
    positions = graph.add("Unsqueeze", [counted, axis], "rotary/positions")
    for node in graph.consumers["position_ids"]:
        for index, name in enumerate(node.input):
            if name == "position_ids":
                node.input[index] = positions
    tables = []
    for name, table in (("cos", cos), ("sin", sin)):
        columns = graph.add("Squeeze", [table, axis], f"rotary/{name}_table")
        halves = [f"rotary/{name}", f"rotary/{name}_again"]
        split = helper.make_node("Split", [columns], halves, halves[0], axis=1, num_outputs=2)
        graph.model.graph.node.append(split)
        tables.append(halves[0])
    return tables[0], tables[1]
