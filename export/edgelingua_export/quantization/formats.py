"""The ways to compute one product of a tensor with a constant matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edgelingua_export.onnx_graph import FUSED
from edgelingua_export.quantization.network import Product
from edgelingua_export.quantization.scheme import Weights

Matrix = NDArray[np.float32]
Channels = NDArray[np.int64]

BLOCK = {8: 64, 4: 32}
"""Weights that share a scale, by bits. Blocks of 32 with 8 bits are no better, but larger and
slower; GGUF files use 32."""

_LEVELS: dict[Weights, int] = {"s7": 64, "s8": 127, "u8": 127}
_ZERO_U8 = 128


@dataclass(frozen=True)
class Piece:
    """Nodes and constants that stand for a node of the fp32 graph."""

    nodes: list[onnx.NodeProto]
    constants: list[onnx.TensorProto]


def round_columns(weight: Matrix, kind: Weights) -> tuple[NDArray[np.generic], Matrix]:
    """Round a matrix ``(inputs, outputs)`` to 8 bits; also the scale ``(outputs,)`` of a step."""
    levels = _LEVELS[kind]
    largest = np.abs(weight).max(axis=0, initial=0)
    scale = np.where(largest > 0, largest / levels, 1).astype(np.float32)
    steps = np.clip(np.rint(weight / scale), -levels, levels).astype(np.int8)
    if kind == "u8":
        return (steps.astype(np.int16) + _ZERO_U8).astype(np.uint8), scale
    return steps, scale


def int8(product: Product, weight: Matrix, kind: Weights, apart: Channels) -> Piece:
    """INT8, as onnxruntime computes it fastest: one scale for the input, found at run time.

    ``DynamicQuantizeLinear`` and ``MatMulInteger``, which onnxruntime fuses with what follows.

    Parameters
    ----------
    weight
        ``(inputs, outputs)``.
    apart
        Channels of the input with values far beyond the others': they are masked out of the
        rounded input, and multiplied with their rows of the matrix in fp32 (as LLM.int8() does,
        Dettmers et al. 2022, arXiv:2208.07339, but with channels known beforehand).
    """
    x, out = product.input, product.output
    steps, scale = round_columns(weight, kind)
    piece = Piece([], [_tensor(f"{out}/steps", steps), _tensor(f"{out}/scale", scale)])
    masked = x
    if len(apart):
        masked = _mask(piece, product, weight, apart)
    rounded = [f"{masked}/{part}" for part in ("rounded", "scale", "zero")]
    operands = [rounded[0], f"{out}/steps", rounded[2]]
    if kind == "u8":
        piece.constants.append(_tensor(f"{out}/zero", np.asarray(_ZERO_U8, dtype=np.uint8)))
        operands.append(f"{out}/zero")
    result = f"{out}/rounded" if len(apart) else out
    piece.nodes.extend(
        [
            helper.make_node("DynamicQuantizeLinear", [masked], rounded, rounded[0]),
            helper.make_node("MatMulInteger", operands, [f"{out}/sums"], f"{out}/sums"),
            helper.make_node(
                "Cast", [f"{out}/sums"], [f"{out}/floats"], f"{out}/floats", to=TensorProto.FLOAT
            ),
            helper.make_node(
                "Mul", [rounded[1], f"{out}/scale"], [f"{out}/scales"], f"{out}/scales"
            ),
            helper.make_node("Mul", [f"{out}/floats", f"{out}/scales"], [result], f"{out}/scaled"),
        ]
    )
    if len(apart):
        piece.nodes.append(helper.make_node("Add", [result, f"{out}/apart"], [out], f"{out}/whole"))
    return piece


def _mask(piece: Piece, product: Product, weight: Matrix, apart: Channels) -> str:
    """Compute the channels apart; return the tensor without them."""
    x, out = product.input, product.output
    mask = np.ones(len(weight), dtype=np.float32)
    mask[apart] = 0
    piece.constants.extend([_tensor(f"{x}/mask", mask), _tensor(f"{x}/apart", apart)])
    piece.nodes.extend(
        [
            helper.make_node("Mul", [x, f"{x}/mask"], [f"{x}/masked"], f"{x}/masked"),
            helper.make_node(
                "Gather", [x, f"{x}/apart"], [f"{x}/channels"], f"{x}/channels", axis=-1
            ),
        ]
    )
    rows = _half(piece, f"{out}/rows", weight[apart])
    piece.nodes.append(
        helper.make_node("MatMul", [f"{x}/channels", rows], [f"{out}/apart"], f"{out}/apart")
    )
    return f"{x}/masked"


def half(product: Product, weight: Matrix) -> Piece:
    """fp32 with weights stored in 16 bits; onnxruntime widens them when it loads the graph."""
    piece = Piece([], [])
    rows = _half(piece, f"{product.output}/half", weight)
    node = helper.make_node("MatMul", [product.input, rows], [product.output], product.name)
    piece.nodes.append(node)
    return piece


def _half(piece: Piece, name: str, values: Matrix) -> str:
    largest = float(np.finfo(np.float16).max)
    small = np.clip(values, -largest, largest).astype(np.float16)
    piece.constants.append(_tensor(f"{name}16", small))
    piece.nodes.append(
        helper.make_node("Cast", [f"{name}16"], [name], f"{name}/wide", to=TensorProto.FLOAT)
    )
    return name


def blocks(product: Product, weight: Matrix, bits: int) -> Piece:
    """Weights of 8 or 4 bits with a scale for every block of inputs: ``MatMulNBits``.

    The kernel rounds the input in blocks too, so that an outlier harms only its own. It takes about
    as long as fp32 does.
    """
    inputs, outputs = weight.shape
    size = BLOCK[bits]
    count = -(-inputs // size)
    padded = np.zeros((outputs, count * size), dtype=np.float32)
    padded[:, :inputs] = weight.T
    grouped = padded.reshape(outputs, count, size)
    out = product.output
    constants = []
    if bits == 8:  # symmetric: zero is 128 where nothing else is said
        largest = np.abs(grouped).max(axis=2)
        scale = np.where(largest > 0, largest / 127, 1)
        steps = np.rint(grouped / scale[..., None]) + 128
    else:
        low, high = np.minimum(grouped.min(axis=2), 0), np.maximum(grouped.max(axis=2), 0)
        scale = np.where(high > low, (high - low) / 15, 1)
        zero = np.rint(-low / scale)
        steps = np.clip(np.rint(grouped / scale[..., None]) + zero[..., None], 0, 15)
        zero = np.pad(zero, ((0, 0), (0, count % 2)))
        constants.append(_tensor(f"{out}/zeros", _pack(zero).reshape(-1)))
    packed = steps.astype(np.uint8) if bits == 8 else _pack(steps)
    constants += [
        _tensor(f"{out}/steps", packed),
        _tensor(f"{out}/scale", scale.astype(np.float32).reshape(-1)),
    ]
    operands = [product.input, f"{out}/steps", f"{out}/scale"]
    if bits == 4:
        operands.append(f"{out}/zeros")
    node = helper.make_node(
        "MatMulNBits",
        operands,
        [out],
        product.name,
        domain=FUSED,
        K=inputs,
        N=outputs,
        bits=bits,
        block_size=size,
        accuracy_level=4,  # integer products
    )
    return Piece([node], constants)


def _pack(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Two numbers of 4 bits in a byte, the first in the lower half."""
    small = values.astype(np.uint8)
    packed: NDArray[np.uint8] = (small[..., ::2] | (small[..., 1::2] << 4)).astype(np.uint8)
    return packed


def _tensor(name: str, values: NDArray[np.generic]) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(values, order="C"), name)
