"""Takes apart what hides a product from quantization."""

from __future__ import annotations

import onnx
from onnx import helper

from edgelingua_export.onnx_graph import FUSED


def prepare(model: onnx.ModelProto) -> None:
    """Rewrite, in place, products that are part of a larger node as ``MatMul`` and the rest.

    onnxruntime's ``Attention`` computes queries, keys and values inside: quantized as it is, all
    its input gets one scale and nothing can be treated apart. ``Gemm`` is a product and a sum.
    """
    nodes: list[onnx.NodeProto] = []
    transposed: dict[str, onnx.TensorProto] = {}
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Attention" and _plain_attention(node):
            nodes += _split_attention(node)
        elif node.op_type == "Gemm" and node.input[1] in constants and _plain_gemm(node):
            if _attribute(node, "transB"):
                name = node.input[1]
                if name not in transposed:
                    transposed[name] = _transposed(constants[name])
                node.input[1] = transposed[name].name
            nodes += _split_gemm(node)
        else:
            nodes.append(node)
    model.graph.ClearField("node")
    model.graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    kept = [t for t in model.graph.initializer if t.name in used or t.name not in transposed]
    model.graph.ClearField("initializer")
    model.graph.initializer.extend([*kept, *transposed.values()])


def _attribute(node: onnx.NodeProto, name: str, default: float = 0) -> float:
    for attribute in node.attribute:
        if attribute.name == name:
            return float(helper.get_attribute_value(attribute))
    return default


def _plain_attention(node: onnx.NodeProto) -> bool:
    known = {"num_heads", "mask_filter_value", "scale"}
    inputs = [name for name in node.input[4:] if name]
    return not inputs and len(node.output) == 1 and {a.name for a in node.attribute} <= known


def _split_attention(node: onnx.NodeProto) -> list[onnx.NodeProto]:
    x, weight, bias, *mask = node.input
    name = node.output[0]
    parts = [f"{name}/{part}" for part in ("query", "key", "value")]
    attention = helper.make_node(
        "MultiHeadAttention", [*parts, "", *mask], [name], f"{name}/attention", domain=FUSED
    )
    attention.attribute.extend(node.attribute)
    return [
        helper.make_node("MatMul", [x, weight], [f"{name}/product"], f"{name}/product"),
        helper.make_node("Add", [f"{name}/product", bias], [f"{name}/biased"], f"{name}/biased"),
        helper.make_node(
            "Split", [f"{name}/biased"], parts, f"{name}/split", axis=2, num_outputs=3
        ),
        attention,
    ]


def _plain_gemm(node: onnx.NodeProto) -> bool:
    scaled = _attribute(node, "alpha", 1) != 1 or _attribute(node, "beta", 1) != 1
    return not scaled and not _attribute(node, "transA")


def _split_gemm(node: onnx.NodeProto) -> list[onnx.NodeProto]:
    name = node.output[0]
    if len(node.input) < 3 or not node.input[2]:
        return [helper.make_node("MatMul", node.input[:2], [name], node.name or name)]
    product = f"{name}/product"
    return [
        helper.make_node("MatMul", node.input[:2], [product], node.name or product),
        helper.make_node("Add", [product, node.input[2]], [name], f"{name}/biased"),
    ]


def _transposed(tensor: onnx.TensorProto) -> onnx.TensorProto:
    """A tensor of its own: others may use the one that is turned."""
    matrix = onnx.numpy_helper.to_array(tensor)
    return onnx.numpy_helper.from_array(matrix.T.copy(), f"{tensor.name}/transposed")
