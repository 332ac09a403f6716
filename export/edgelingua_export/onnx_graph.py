"""Looking around in an ONNX graph, and putting it back in order after surgery."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnx.external_data_helper import uses_external_data
from onnxruntime.transformers.onnx_model import OnnxModel

Feeds = Mapping[str, NDArray[Any]]
"""A graph's inputs by name."""

FUSED = "com.microsoft"
"""Domain of the operators that only onnxruntime has."""

_LARGEST = 2**31 - 2**26
"""Bytes of weights for which one protobuf file has room."""


@dataclass(frozen=True)
class Graph:
    """A model with an index of who makes and who uses each tensor, as it was when indexed."""

    model: onnx.ModelProto
    producer: dict[str, onnx.NodeProto]
    consumers: dict[str, list[onnx.NodeProto]]
    initializers: dict[str, onnx.TensorProto]

    @classmethod
    def load(cls, path: Path, *, weights: bool = True) -> Self:
        """Read a model; without ``weights``, those that lie beside it stay there."""
        return cls.of(onnx.load(path, load_external_data=weights))

    @classmethod
    def of(cls, model: onnx.ModelProto) -> Self:
        """Index a model."""
        consumers: dict[str, list[onnx.NodeProto]] = defaultdict(list)
        for node in model.graph.node:
            for name in node.input:
                consumers[name].append(node)
        producer = {output: node for node in model.graph.node for output in node.output}
        initializers = {tensor.name: tensor for tensor in model.graph.initializer}
        return cls(model, producer, consumers, initializers)

    def up(self, tensor: str, *operators: str) -> str | None:
        """Follow first inputs up from ``tensor`` through nodes of these types, in this order.

        Returns
        -------
        str or None
            First input of the last of them; ``None`` if a node is of another type.
        """
        for operator in operators:
            node = self.producer.get(tensor)
            if node is None or node.op_type != operator:
                return None
            tensor = node.input[0]
        return tensor

    def down(self, tensor: str, operator: str) -> onnx.NodeProto | None:
        """Return the nearest node of a type that uses ``tensor``, directly or not."""
        front, seen = [tensor], {tensor}
        while front:
            users = [node for name in front for node in self.consumers.get(name, [])]
            for node in users:
                if node.op_type == operator:
                    return node
            front = [name for node in users for name in node.output if name not in seen]
            seen.update(front)
        return None

    def constant(self, name: str, values: NDArray[np.generic]) -> str:
        """Add a constant; return its name."""
        self.model.graph.initializer.append(numpy_helper.from_array(values, name))
        return name

    def add(self, operator: str, inputs: list[str], output: str, **attributes: int) -> str:
        """Add a node named like its output; return that name."""
        node = helper.make_node(operator, inputs, [output], output)
        node.attribute.extend(helper.make_attribute(*pair) for pair in attributes.items())
        self.model.graph.node.append(node)
        return output


def tidy(model: onnx.ModelProto) -> None:
    """Drop what leads to no output, inputs included, and sort the nodes."""
    whole = OnnxModel(model)
    whole.prune_graph(allow_remove_graph_inputs=True)
    whole.topological_sort()
    model.graph.ClearField("value_info")  # shapes of what is gone


def save(model: onnx.ModelProto, path: Path, like: Path) -> None:
    """Write a model; its weights go beside it where those of the graph ``like`` do, or must.

    Weights that were not read, and lie beside ``path``, stay as they are.
    """
    if not any(opset.domain == FUSED for opset in model.opset_import):
        model.opset_import.append(helper.make_opsetid(FUSED, 1))
    if any(uses_external_data(t) and not t.HasField("raw_data") for t in model.graph.initializer):
        onnx.save(model, path)
        return
    size = sum(tensor.ByteSize() for tensor in model.graph.initializer)
    outside = like.with_name(like.name + "_data").exists() or size > _LARGEST
    data = path.with_name(path.name + "_data")
    data.unlink(missing_ok=True)  # onnx would append to it
    onnx.save(model, path, save_as_external_data=outside, location=data.name)
