"""What INT8 does to each product, seen on real activations: channels to compute apart, order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelingua_export.quantization.formats import Channels, round_columns
from edgelingua_export.quantization.network import Network
from edgelingua_export.quantization.scheme import Weights

_NONE: Channels = np.zeros(0, dtype=np.int64)

_WORTH_IT = 0.5
"""Share of the rounding error that must be left at most for channels to be computed apart."""

_EPSILON = 1e-12


@dataclass(frozen=True)
class Sensitivity:
    """The channels to compute apart, by input; products by what INT8 still changes in them.

    ``errors`` holds, by product, the median over tokens of ``|Ŵx̂ - Wx|² / |Wx|²``, in falling
    order.
    """

    apart: Mapping[str, Channels]
    errors: Mapping[str, float]


def sensitivity(network: Network, weights: Weights, apart: int) -> Sensitivity:
    """Compute every product with rounded numbers, as the INT8 kernels would, and compare.

    Parameters
    ----------
    network
        The graph, smoothed or not.
    weights
        Kind of INT8 weights.
    apart
        Most channels of an input to compute apart.
    """
    channels = {name: _outliers(x, apart) for name, x in network.activations.items()}
    errors = {}
    for product in network.products:
        x, weight = network.activations[product.input], network.constants[product.weight]
        steps, scale = round_columns(weight, weights)
        zero = 128.0 if weights == "u8" else 0.0
        rounded_weight = (steps.astype(np.float32) - zero) * scale
        rounded = _round(_without(x, channels[product.input]))
        change = rounded @ rounded_weight - _without(x, channels[product.input]) @ weight
        whole = np.square(x @ weight).sum(axis=1)
        share = np.square(change).sum(axis=1) / np.maximum(whole, _EPSILON)
        errors[product.name] = float(np.median(share))
    # By name where errors are equal, so that the order is the same everywhere.
    order = sorted(errors, key=lambda name: (-errors[name], name))
    return Sensitivity(channels, {name: errors[name] for name in order})


def _outliers(x: NDArray[np.float32], count: int) -> Channels:
    """The channels with the largest values, if rounding the others gains enough by it."""
    if not 0 < count < x.shape[1]:
        return _NONE
    largest = np.abs(x).max(axis=0)
    channels: Channels = np.sort(np.argsort(-largest, kind="stable")[:count])
    rest = _without(x, channels)
    before, after = (np.square(_round(part) - part).sum() for part in (x, rest))
    return channels if after <= _WORTH_IT * before else _NONE


def _without(x: NDArray[np.float32], channels: Channels) -> NDArray[np.float32]:
    if not len(channels):
        return x
    rest = x.copy()
    rest[:, channels] = 0
    return rest


def _round(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Round to 256 steps from the smallest to the largest value and 0, as DynamicQuantizeLinear."""
    step = max(float(x.max(initial=0)) - float(x.min(initial=0)), _EPSILON) / 255
    rounded: NDArray[np.float32] = np.round(x / step) * np.float32(step)
    return rounded
