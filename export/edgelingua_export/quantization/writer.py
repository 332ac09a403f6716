"""Writes the graph of one candidate."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import numpy_helper

from edgelingua_export.onnx_graph import save
from edgelingua_export.quantization import embeddings, formats
from edgelingua_export.quantization.formats import Piece
from edgelingua_export.quantization.network import Network, Product
from edgelingua_export.quantization.outliers import Sensitivity
from edgelingua_export.quantization.scheme import Format, Scheme, Weights


def write(
    network: Network,
    sensitivity: Sensitivity,
    scheme: Scheme,
    shared_weights: Weights,
    paths: tuple[Path, Path],
) -> None:
    """Write a candidate.

    Parameters
    ----------
    network
        The graph, smoothed as the scheme says.
    sensitivity
        Of that graph's products, with the scheme's weights and channels apart.
    shared_weights
        Kind of weights of a matrix that embedding and head share.
    paths
        Where to write, and the fp32 graph: weights go beside the file where those of that do.
    """
    path, like = paths
    chosen = scheme.formats(list(sensitivity.errors))
    tied = network.tied if scheme.shared else None
    pieces: dict[str, Piece] = {}
    for product in network.products:
        kind = scheme.weights
        if tied and product == tied[1]:
            chosen[product.name], kind = "int8", shared_weights
        pieces[product.output] = _product(network, sensitivity, product, chosen[product.name], kind)
    for name, nodes in network.tables.items():
        for node in nodes:
            pieces[node.output[0]] = (
                embeddings.shared_with(tied[1], shared_weights, node)
                if tied and name == tied[0]
                else embeddings.by_row(node, network.constants[name])
            )
    save(_assemble(network, pieces), path, like=like)


def _product(
    network: Network, sensitivity: Sensitivity, product: Product, chosen: Format, kind: Weights
) -> Piece:
    weight = network.constants[product.weight]
    if chosen == "half":
        return formats.half(product, weight)
    if chosen == "int8":
        return formats.int8(product, weight, kind, sensitivity.apart[product.input])
    return formats.blocks(product, weight, bits=8 if chosen == "blocks8" else 4)


def _assemble(network: Network, pieces: dict[str, Piece]) -> onnx.ModelProto:
    """Put the pieces in the place of the nodes with the same output."""
    whole = network.graph.model
    model = onnx.ModelProto()
    model.ir_version = whole.ir_version
    model.opset_import.extend(whole.opset_import)
    model.graph.name = whole.graph.name
    model.graph.input.extend(whole.graph.input)
    model.graph.output.extend(whole.graph.output)
    nodes: dict[str, onnx.NodeProto] = {}  # by output: products of one input round it once
    constants: dict[str, onnx.TensorProto] = {}
    for node in whole.graph.node:
        piece = pieces.get(node.output[0]) or Piece([node], [])
        nodes |= {part.output[0]: part for part in piece.nodes}
        constants |= {tensor.name: tensor for tensor in piece.constants}
    model.graph.node.extend(nodes.values())
    used = {name for node in nodes.values() for name in node.input}
    replaced = {product.weight for product in network.products} | set(network.tables)
    for name, values in network.constants.items():
        if name in used or name not in replaced:
            constants[name] = numpy_helper.from_array(values, name)
    model.graph.initializer.extend(constants.values())
    return model
