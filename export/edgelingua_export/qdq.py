"""A graph of fixed shape in integers, as onnxruntime's QNN provider takes it (QDQ format)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantType
from onnxruntime.quantization import quantize as quantize_static
from onnxruntime.quantization.execution_providers.qnn import (
    get_qnn_qdq_config,
    qnn_preprocess_model,
)
from onnxruntime.tools.onnx_model_utils import make_dim_param_fixed

from edgelingua_export.advice import no_advice
from edgelingua_export.errors import ExportError
from edgelingua_export.onnx_graph import Feeds

_MASKING = -1e4
"""Constants below this only serve to mask: exporters write the smallest float, or infinity."""


@dataclass(frozen=True)
class QdqRecipe:
    """How to quantize for the NPU.

    Parameters
    ----------
    activations
        Per tensor, between the smallest and the largest value in calibration. With 8 bits a quarter
        of MiniLM's keep decisions change; percentiles in place of extremes cost half a point.
    gemm_weights
        Of products with a bias: per channel.
    other_weights
        Of other products, embeddings and normalization, which the backend takes per tensor only:
        not symmetric, which halves the error there.
    masked
        Stands for minus infinity in masks. With the smallest float, the steps between quantized
        attention scores would be larger than all of them.
    """

    activations: str = "uint16"
    gemm_weights: str = "int8"
    other_weights: str = "uint8"
    masked: float = -100.0

    @property
    def name(self) -> str:
        """What the manifest calls the precision."""
        return f"qdq-{self.activations}-{self.gemm_weights}"


_TYPES = {
    "uint16": QuantType.QUInt16,
    "uint8": QuantType.QUInt8,
    "int16": QuantType.QInt16,
    "int8": QuantType.QInt8,
}


def quantize_fixed(
    fp32: Path, output: Path, length: int, feeds: Sequence[Feeds], recipe: QdqRecipe
) -> None:
    """Write ``fp32`` to ``output`` for one sequence of ``length`` tokens, quantized.

    Parameters
    ----------
    fp32
        An encoder without fused kernels, of free batch size and length.
    feeds
        Inputs of runs over real text, each ``(1, length)``.

    Raises
    ------
    ExportError
        onnxruntime cannot quantize it.
    """
    try:
        with no_advice(), TemporaryDirectory(dir=output.parent) as folder:
            fixed = Path(folder) / "fixed.onnx"
            _fix_shape(fp32, fixed, length, recipe.masked)
            config = get_qnn_qdq_config(
                fixed,
                _Reader(feeds),
                calibrate_method=CalibrationMethod.MinMax,
                activation_type=_TYPES[recipe.activations],
                weight_type=_TYPES[recipe.gemm_weights],
                per_channel=True,
                init_overrides=_per_tensor(fixed, _TYPES[recipe.other_weights]),
            )
            quantize_static(fixed, output, config)
    except Exception as error:  # onnxruntime.quantization raises many kinds
        raise ExportError(f"{fp32}: cannot be quantized for the NPU: {error}") from error


def _fix_shape(path: Path, output: Path, length: int, masked: float) -> None:
    """Fix batch and length, with which everything that computes shapes folds away."""
    model = onnx.load(path)
    graph = model.graph
    make_dim_param_fixed(graph, "batch_size", 1)
    make_dim_param_fixed(graph, "sequence_length", length)
    attributes = [a for node in graph.node if node.op_type == "Constant" for a in node.attribute]
    for tensor in (*graph.initializer, *(a.t for a in attributes if a.name == "value")):
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.min(initial=0) < _MASKING:
            bounded = np.maximum(values, np.float32(masked))
            tensor.CopyFrom(numpy_helper.from_array(bounded, tensor.name))
    # Shapes are given once more because it writes nothing when it finds nothing to change.
    shapes = [(value.name, f"1,{length}") for value in graph.input]
    qnn_preprocess_model(model, output, dynamic_input_shapes=shapes)


def _per_tensor(path: Path, kind: QuantType) -> dict[str, list[dict[str, Any]]]:
    """Overrides for the weights that the backend takes per tensor only."""
    graph = onnx.load(path, load_external_data=False).graph
    constants = {tensor.name for tensor in graph.initializer}
    place = {"MatMul": 1, "Gather": 0, "LayerNormalization": 1}
    weights = {n.input[place[n.op_type]] for n in graph.node if n.op_type in place}
    return {
        name: [{"quant_type": kind, "symmetric": False}] for name in sorted(weights & constants)
    }


class _Reader(CalibrationDataReader):  # type: ignore[misc] # onnxruntime has no types
    def __init__(self, feeds: Sequence[Feeds]) -> None:
        self._feeds: Iterator[Feeds] = iter(feeds)

    def get_next(self) -> Mapping[str, NDArray[Any]] | None:
        return next(self._feeds, None)
