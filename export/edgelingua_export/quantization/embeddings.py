"""Tables that are looked up in: INT8 with a scale per row, or the head's own matrix."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgelingua_export.quantization.formats import Matrix, Piece, round_columns
from edgelingua_export.quantization.network import Product
from edgelingua_export.quantization.scheme import Weights


def by_row(node: onnx.NodeProto, table: Matrix) -> Piece:
    """Look up in an INT8 table ``(rows, size)`` with one scale for each row."""
    name, out = node.input[0], node.output[0]
    steps, scale = round_columns(table.T, "s8")
    constants = [
        numpy_helper.from_array(np.ascontiguousarray(steps.T), f"{name}/steps"),
        numpy_helper.from_array(scale[:, None], f"{name}/scale"),
    ]
    nodes = [
        helper.make_node("Gather", [f"{name}/steps", node.input[1]], [f"{out}/row"], f"{out}/row"),
        helper.make_node(
            "Cast", [f"{out}/row"], [f"{out}/floats"], f"{out}/floats", to=TensorProto.FLOAT
        ),
        helper.make_node(
            "Gather", [f"{name}/scale", node.input[1]], [f"{out}/scale"], f"{out}/scale"
        ),
        helper.make_node("Mul", [f"{out}/floats", f"{out}/scale"], [out], f"{out}/scaled"),
    ]
    return Piece(nodes, constants)


def shared_with(head: Product, kind: Weights, node: onnx.NodeProto) -> Piece:
    """Look up in the columns of the INT8 matrix of a tied head; needs that head in INT8."""
    out, ids = node.output[0], node.input[1]
    constants = [numpy_helper.from_array(np.asarray([2], dtype=np.int64), f"{out}/axis")]
    nodes = [
        # (size, batch, tokens) → (batch, tokens, size)
        helper.make_node(
            "Gather", [f"{head.output}/steps", ids], [f"{out}/columns"], f"{out}/columns", axis=1
        ),
        helper.make_node(
            "Transpose", [f"{out}/columns"], [f"{out}/rows"], f"{out}/rows", perm=[1, 2, 0]
        ),
        helper.make_node(
            "Cast", [f"{out}/rows"], [f"{out}/stored"], f"{out}/stored", to=TensorProto.FLOAT
        ),
        helper.make_node("Gather", [f"{head.output}/scale", ids], [f"{out}/row"], f"{out}/row"),
        helper.make_node("Unsqueeze", [f"{out}/row", f"{out}/axis"], [f"{out}/scale"]),
    ]
    floats = f"{out}/stored"
    if kind == "u8":
        constants.append(numpy_helper.from_array(np.asarray(128, dtype=np.float32), f"{out}/zero"))
        floats = f"{out}/floats"
        nodes.append(helper.make_node("Sub", [f"{out}/stored", f"{out}/zero"], [floats], floats))
    nodes.append(helper.make_node("Mul", [floats, f"{out}/scale"], [out], f"{out}/scaled"))
    return Piece(nodes, constants)
