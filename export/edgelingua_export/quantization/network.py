"""An fp32 graph made ready for quantization: its products, its constants, its activations."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import numpy_helper

from edgelingua_export.onnx_graph import Graph
from edgelingua_export.quantization.prepare import prepare

Array = NDArray[Any]

_LOOKED_UP = 256
"""Rows a table needs to be worth quantizing: token types have two."""


@dataclass(frozen=True)
class Product:
    """A product of a tensor with a constant matrix; names of the node and its tensors."""

    name: str
    input: str
    weight: str
    output: str


@dataclass(frozen=True)
class Network:
    """An fp32 graph, its constants as arrays, and what flows through it on real text.

    ``activations`` holds the input ``(tokens, channels)`` of every
    product. ``constants`` may differ from the graph's own, as smoothing leaves them.
    """

    graph: Graph
    products: tuple[Product, ...]
    constants: Mapping[str, Array]
    activations: Mapping[str, NDArray[np.float32]]

    @classmethod
    def load(cls, path: Path, feeds: Mapping[str, Array], keep: str | None = None) -> Network:
        """Read a graph and run it once.

        Parameters
        ----------
        path
            The fp32 graph.
        feeds
            Inputs of one run on real text.
        keep
            Output whose last product is to stay as it is: a classifier's head is tiny and decides
            everything.
        """
        model = onnx.load(path)
        prepare(model)
        constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        graph = replace(Graph.of(model), initializers={})
        spared = _last_product(graph, keep) if keep else None
        products = tuple(
            Product(node.name or node.output[0], node.input[0], node.input[1], node.output[0])
            for node in model.graph.node
            if node.op_type == "MatMul"
            and node.output[0] != spared
            and np.ndim(constants.get(node.input[1], 0)) == 2
        )
        activations = _run(model, products, feeds, path.parent)
        model.graph.ClearField("initializer")  # gigabytes, perhaps, that `constants` has
        return cls(graph, products, constants, activations)

    @cached_property
    def tables(self) -> dict[str, list[onnx.NodeProto]]:
        """Matrices that are only looked up in, by row, with the nodes that do."""
        found = {}
        for name, constant in self.constants.items():
            users = self.graph.consumers[name]
            if (
                constant.ndim == 2
                and len(constant) >= _LOOKED_UP
                and constant.dtype == np.float32
                and users
                and all(_looks_up_rows(node, name) for node in users)
            ):
                found[name] = users
        return found

    @cached_property
    def tied(self) -> tuple[str, Product] | None:
        """The table and the product that have the same matrix, one transposed."""
        for product in reversed(self.products):
            weight = self.constants[product.weight]
            for name in self.tables:
                table = self.constants[name]
                if table.shape == weight.shape[::-1] and np.array_equal(table, weight.T):
                    return name, product
        return None


def _looks_up_rows(node: onnx.NodeProto, table: str) -> bool:
    axis = next((a.i for a in node.attribute if a.name == "axis"), 0)
    return node.op_type == "Gather" and node.input[0] == table and axis == 0


def _last_product(graph: Graph, tensor: str) -> str | None:
    """Output of the product nearest to ``tensor``."""
    front = [tensor]
    while front:
        nodes = [graph.producer[name] for name in front if name in graph.producer]
        for node in nodes:
            if node.op_type == "MatMul":
                return str(node.output[0])
        front = [name for node in nodes for name in node.input]
    return None


def _run(
    model: onnx.ModelProto,
    products: tuple[Product, ...],
    feeds: Mapping[str, Array],
    disk: Path,
) -> dict[str, NDArray[np.float32]]:
    """Run the graph, written to a folder in ``disk``; return the products' inputs."""
    wanted = sorted({product.input for product in products})
    if not wanted:
        return {}
    outputs = list(model.graph.output)
    known = {output.name for output in outputs}
    model.graph.output.extend(onnx.ValueInfoProto(name=n) for n in wanted if n not in known)
    with tempfile.TemporaryDirectory(dir=disk) as folder:
        path = Path(folder) / "probe.onnx"
        onnx.save(model, path, save_as_external_data=True)  # which moves the weights out of it
        del model.graph.output[len(outputs) :]
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        given = {value.name for value in session.get_inputs()}
        values = session.run(wanted, {k: v for k, v in feeds.items() if k in given})
    return {
        name: value.reshape(-1, value.shape[-1]) for name, value in zip(wanted, values, strict=True)
    }
