"""Dynamic INT8 that leaves alone what INT8 would destroy."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from edgelingua_export.errors import ExportError

_PRODUCTS = ("MatMul", "Gemm", "Attention")
"""What is quantized: products of the first input with the second (``Attention``: then more)."""


@dataclass(frozen=True)
class Int8Recipe:
    """How to quantize.

    Parameters
    ----------
    max_activation_error
        A matrix product stays in fp32 when rounding its input to 8 bits changes the product of the
        median token by more than this share (squared norms). A few ``down_proj`` layers of causal
        LMs have inputs with single values ten thousand times the median; with those rounded along,
        nothing of the other tokens is left.
    keep_head
        Leave the last product in fp32 too: a classifier's head is tiny and decides everything.

    Weights are 7-bit signed per channel (``reduce_range``): on x86 without VNNI, products of
    unsigned 8-bit activations with signed 8-bit weights saturate in 16 bits.
    """

    max_activation_error: float = 0.012
    keep_head: bool = False

    def record(self, kept: list[str]) -> dict[str, Any]:
        """What the manifest says of it."""
        return {"scheme": "dynamic", "weights": "int8, per channel, reduced range",
                "activations": "uint8, per tensor", **asdict(self), "fp32_nodes": kept}  # fmt: skip


def quantize(
    fp32: Path, int8: Path, feeds: Mapping[str, NDArray[Any]], recipe: Int8Recipe
) -> list[str]:
    """Write an INT8 version of the graph ``fp32`` to ``int8``; return the nodes left in fp32.

    Parameters
    ----------
    feeds
        Inputs of one run on real text; the layers INT8 would harm are found with it.
    """
    kept = sensitive_products(fp32, feeds, recipe.max_activation_error)
    if recipe.keep_head:
        kept.append(_head(fp32))
    # It advises preprocessing on the root logger; optimum's graphs need none.
    logging.disable(logging.WARNING)
    try:
        quantize_dynamic(
            fp32,
            int8,
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=kept,
            use_external_data_format=fp32.with_name(fp32.name + "_data").exists(),
            # Shape inference knows nothing of the outputs of fused nodes.
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
        )
    except Exception as error:  # onnxruntime.quantization raises many kinds
        raise ExportError(f"{fp32}: onnxruntime cannot quantize it: {error}") from error
    finally:
        logging.disable(logging.NOTSET)
    return kept


def sensitive_products(fp32: Path, feeds: Mapping[str, NDArray[Any]], bound: float) -> list[str]:
    """Find the products by a constant matrix that 8-bit activations would change by over ``bound``.

    The measure is the median over tokens of ``|W(q(x) - x)|² / |Wx|²``, with ``q`` the rounding to
    256 steps between the smallest and largest value that dynamic quantization does at run time.
    """
    # Weights that lie beside the graph stay there, and are read one by one: they may be gigabytes.
    model = onnx.load(fp32, load_external_data=False)
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    products = [n for n in model.graph.node if n.op_type in _PRODUCTS and n.input[1] in weights]
    inputs = sorted({node.input[0] for node in products})
    outputs = {output.name for output in model.graph.output}
    model.graph.output.extend(
        onnx.ValueInfoProto(name=name) for name in inputs if name not in outputs
    )
    probe = fp32.with_name("probe.onnx")
    onnx.save(model, probe)
    try:
        session = onnxruntime.InferenceSession(probe, providers=["CPUExecutionProvider"])
        activations = dict(zip(inputs, session.run(inputs, dict(feeds)), strict=True))
    finally:
        probe.unlink()
    del session
    sensitive = []
    for node in products:
        tensor = onnx.TensorProto()
        tensor.CopyFrom(weights[node.input[1]])  # reading adds what is read to it
        weight = numpy_helper.to_array(tensor, str(fp32.parent))
        transposed = any(a.name == "transB" and a.i for a in node.attribute)
        error = _rounding_error(activations[node.input[0]], weight.T if transposed else weight)
        if error > bound:
            sensitive.append(node.name)
    return sensitive


def _rounding_error(activation: NDArray[np.float32], weight: NDArray[np.float32]) -> float:
    tokens = activation.reshape(-1, activation.shape[-1])
    step = max(float(tokens.max(initial=0)) - float(tokens.min(initial=0)), 1e-12) / 255
    rounded = np.round(tokens / step) * step
    changed = np.square((rounded - tokens) @ weight).sum(axis=1)
    whole = np.square(tokens @ weight).sum(axis=1)
    return float(np.median(changed / np.maximum(whole, 1e-12)))


def _head(fp32: Path) -> str:
    """Name of the product nearest to the logits."""
    graph = onnx.load(fp32, load_external_data=False).graph
    producer = {output: node for node in graph.node for output in node.output}
    tensor = "logits"
    while (node := producer.get(tensor)) is not None:
        if node.op_type in ("MatMul", "Gemm"):
            return str(node.name)
        tensor = next(name for name in node.input if name in producer)
    raise ExportError(f"{fp32}: no matrix product leads to the logits")
