"""Fuses the attention of causal LMs into onnxruntime's ``GroupQueryAttention``.

Exported, one layer's attention is some eighty nodes: rotary embedding, the cache's concatenation,
keys and values repeated for every query head, a mask, a softmax. The fused kernel does it without
the copies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import onnx
from onnx import TensorProto, helper
from transformers import PretrainedConfig

from edgelingua_export.onnx_graph import FUSED, Graph, tidy


@dataclass(frozen=True)
class Attention:
    """What the kernel must be told of a model's attention.

    ``windows`` are the tokens that each layer looks back at, itself included; 0 stands for all.
    ``scale`` and ``cap`` act on the products of queries and keys; 0 stands for one over the square
    root of a head's size, and for no cap.
    """

    heads: int
    kv_heads: int
    windows: tuple[int, ...]
    scale: float = 0.0
    cap: float = 0.0

    @classmethod
    def of(cls, config: PretrainedConfig) -> Self:
        """Read it off a configuration."""
        heads, layers = config.num_attention_heads, config.num_hidden_layers
        window = getattr(config, "sliding_window", None) or 0
        kinds = getattr(config, "layer_types", None) or ["sliding_attention"] * layers
        scalar = getattr(config, "query_pre_attn_scalar", None)
        return cls(
            heads,
            getattr(config, "num_key_value_heads", heads),
            tuple(window if kind == "sliding_attention" else 0 for kind in kinds),
            scalar**-0.5 if scalar else 0.0,
            getattr(config, "attn_logit_softcapping", None) or 0.0,
        )

    def attributes(self, layer: int) -> dict[str, int | float]:
        """The kernel's attributes for a layer."""
        attributes: dict[str, int | float] = {
            "num_heads": self.heads, "kv_num_heads": self.kv_heads
        }  # fmt: skip
        if self.windows[layer]:
            attributes["local_window_size"] = self.windows[layer]
        if self.scale:
            attributes["scale"] = self.scale
        if self.cap:
            attributes["softcap"] = self.cap
        return attributes


@dataclass(frozen=True)
class _Layer:
    """Names of the tensors where one layer's attention begins and ends.

    ``query`` and ``key`` are ``(1, heads, n, head_size)``, before they are turned; ``rotary`` are
    the cosines and sines that turn them, if any do.
    """

    query: str
    key: str
    value: str
    rotary: tuple[str, str] | None
    output: str
    past: tuple[str, str]
    present: tuple[str, str]


def fuse_grouped_attention(model: onnx.ModelProto, attention: Attention) -> int:
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
    rotaries = {layer.rotary for layer in layers if layer.rotary}
    found = [_angles(graph, table) for rotary in rotaries for table in rotary]
    angles = [node for node in found if node is not None]
    if not layers or len(layers) < len(keys) or len(angles) < len(found):
        return 0
    last, number, total = _lengths(graph)
    positions = _positions(graph, total) if rotaries else ""
    for product in angles:
        product.input[1] = positions
    tables = {rotary: [_half(graph, table) for table in rotary] for rotary in sorted(rotaries)}
    for index, layer in enumerate(layers):
        for present in layer.present:
            graph.producer[present].output[0] += "/unfused"
        graph.producer[layer.output].output[0] += "/unfused"
        query, key = (_side_by_side(graph, tensor) for tensor in (layer.query, layer.key))
        turning = tables[layer.rotary] if layer.rotary else []
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
    key, rotary = _turned(graph, new[0])
    # Queries, often scaled before they meet the keys, are turned by the same angles.
    query, same = _turned(graph, graph.up(met.input[0], "Mul") or met.input[0])
    if rotary != same:
        return None
    return _Layer(query, key, value, rotary, output, past, (present[0], present[1]))


def _turned(graph: Graph, tensor: str) -> tuple[str, tuple[str, str] | None]:
    """Undo a rotary embedding, x cos + turned(x) sin: return x, and (cos, sin) if there was one."""
    straight, turned = (_product(graph, tensor, index) for index in (0, 1))
    if straight is None or turned is None:
        return tensor, None
    cos, sin = (graph.up(node.input[1], "Unsqueeze") for node in (straight, turned))
    return (straight.input[0], (cos, sin)) if cos and sin else (tensor, None)


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


def _angles(graph: Graph, table: str) -> onnx.NodeProto | None:
    """Return the product of frequencies and positions that cosines or sines are made of."""
    node = graph.producer.get(table)
    while node is not None and node.op_type != "MatMul":
        node = graph.producer.get(node.input[0])
    return node


def _positions(graph: Graph, total: str) -> str:
    """Positions of all tokens, cached or new: ``(1, 1, total)``, as `_angles` multiplies them."""
    zero, one = (graph.constant(f"rotary/{n}", np.asarray(n, dtype=np.int64)) for n in (0, 1))
    axis = graph.constant("rotary/axis", np.asarray([0], dtype=np.int64))
    counted = graph.add("Range", [zero, total, one], "rotary/range")
    positions = graph.add("Unsqueeze", [counted, axis], "rotary/positions")
    for node in graph.consumers["position_ids"]:  # shapes are taken from them too
        for index, name in enumerate(node.input):
            if name == "position_ids":
                node.input[index] = positions
    numbers = graph.add("Cast", [positions], "rotary/numbers", to=TensorProto.FLOAT)
    return graph.add("Unsqueeze", [numbers, axis], "rotary/row")


def _half(graph: Graph, table: str) -> str:
    """Return the half of a table that the kernel takes: ``(tokens, head_size / 2)``.

    Of ``(1, tokens, head_size)`` that is the first half of the columns; the second, made for
    `_turned`'s way of turning, repeats it.
    """
    columns = graph.add("Squeeze", [table, "rotary/axis"], f"{table}/columns")
    halves = [f"{table}/half", f"{table}/again"]
    split = helper.make_node("Split", [columns], halves, halves[0], axis=1, num_outputs=2)
    graph.model.graph.node.append(split)
    return halves[0]


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
