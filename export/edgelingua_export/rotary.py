"""Rotary embeddings in an exported graph: found, so that a fused kernel can do the turning."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper

from edgelingua_export.onnx_graph import Graph

Rotary = tuple[str, str]
"""Names of the cosines and sines ``(1, n, head_size)`` that turn queries and keys."""


def unturned(graph: Graph, tensor: str) -> tuple[str, Rotary | None]:
    """Undo a rotary embedding, x cos + turned(x) sin: return x, and its tables if there was one.

    One of another form is left in the graph, which is right too.
    """
    straight, turned = (_product(graph, tensor, index) for index in (0, 1))
    if straight is None or turned is None:
        return tensor, None
    cos, sin = (graph.up(node.input[1], "Unsqueeze") for node in (straight, turned))
    if not cos or not sin or None in (angles(graph, cos), angles(graph, sin)):
        return tensor, None
    return straight.input[0], (cos, sin)


def _product(graph: Graph, total: str, index: int) -> onnx.NodeProto | None:
    """Return the product that is a summand of ``total``."""
    added = graph.producer.get(total)
    if added is None or added.op_type != "Add":
        return None
    node = graph.producer.get(added.input[index])
    return node if node is not None and node.op_type == "Mul" else None


def angles(graph: Graph, table: str) -> onnx.NodeProto | None:
    """Return the product of frequencies and positions that cosines or sines are made of."""
    node = graph.producer.get(table)
    while node is not None and node.op_type != "MatMul":
        node = graph.producer.get(node.input[0])
    return node


def tables_from_zero(
    graph: Graph, rotaries: set[Rotary], total: str
) -> dict[Rotary, tuple[str, str]]:
    """Let the graph make its tables for all positions from 0, as the kernel wants them.

    Parameters
    ----------
    total
        Number of tokens, cached or new: a scalar.

    Returns
    -------
    dict
        Cosines and sines ``(total, head_size / 2)`` by the names they had.
    """
    if not rotaries:
        return {}
    positions = _positions(graph, total)
    made = {}
    for rotary in sorted(rotaries):
        for table in rotary:
            product = angles(graph, table)
            if product is not None:  # `unturned` has seen to it
                product.input[1] = positions
        made[rotary] = (_half(graph, rotary[0]), _half(graph, rotary[1]))
    return made


def _positions(graph: Graph, total: str) -> str:
    """Positions of all tokens, cached or new: ``(1, 1, total)``, as the frequencies meet them."""
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
    `unturned`'s way of turning, repeats it.
    """
    columns = graph.add("Squeeze", [table, "rotary/axis"], f"{table}/columns")
    halves = [f"{table}/half", f"{table}/again"]
    split = helper.make_node("Split", [columns], halves, halves[0], axis=1, num_outputs=2)
    graph.model.graph.node.append(split)
    return halves[0]
