"""SmoothQuant: moves the outliers of activations into weights, where they are easier to round.

After Xiao et al. 2023 (arXiv:2211.10438). The factors are folded into neighbouring constants, so
that the graph computes the same in fp32 and costs nothing more at run time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import onnx
from numpy.typing import NDArray

from edgelingua_export.quantization.network import Array, Network, Product

_NORMS = ("LayerNormalization", "SimplifiedLayerNormalization", "RMSNormalization")
_TINY = 1e-5


def smooth(network: Network, strength: float) -> Network:
    """Divide the channels of inputs by ``max |x|^strength / max |w|^(1 - strength)``.

    Done where the input comes from a constant that only products see: the scale of a norm, or the
    columns of the product that is multiplied with a gate.

    Parameters
    ----------
    strength
        0 to 1: how much of the difficulty goes into the weights.

    Returns
    -------
    Network
        The smoothed one, or ``network`` itself if there is nothing to fold factors into.
    """
    constants, activations = dict(network.constants), dict(network.activations)
    by_input: dict[str, list[Product]] = defaultdict(list)
    for product in network.products:
        by_input[product.input].append(product)
    products = {product.output: product for product in network.products}
    head = network.tied[1] if network.tied else None
    for tensor, users in by_input.items():
        if len(network.graph.consumers[tensor]) != len(users):
            continue  # others see it too
        if any(len(network.graph.consumers[p.weight]) > 1 or p == head for p in users):
            continue  # the weight is another's too, as a tied head's is the embedding's
        scales = _scales(network, tensor, constants, products)
        if not scales:
            continue
        largest = np.abs(activations[tensor]).max(axis=0)
        weights = np.max([np.abs(constants[p.weight]).max(axis=1) for p in users], axis=0)
        factor = _factor(largest, weights, strength)
        for name in scales:  # the last axis of each is the tensor's channels
            constants[name] = constants[name] / factor
        for product in users:
            constants[product.weight] = constants[product.weight] * factor[:, None]
        activations[tensor] = activations[tensor] / factor
    if all(activations[name] is network.activations[name] for name in activations):
        return network
    return replace(network, constants=constants, activations=activations)


def _factor(
    activation: NDArray[np.float32], weight: NDArray[np.float32], strength: float
) -> NDArray[np.float32]:
    raw = np.maximum(activation, _TINY) ** strength / np.maximum(weight, _TINY) ** (1 - strength)
    # The mean does not matter to rounding; around one, fp32 loses nothing.
    result: NDArray[np.float32] = (raw / np.exp(np.log(raw).mean())).astype(np.float32)
    return result


def _scales(
    network: Network, tensor: str, constants: Mapping[str, Array], products: Mapping[str, Product]
) -> list[str]:
    """Constants that scale the channels of ``tensor`` and nothing else; none if there are none."""
    graph = network.graph
    node = graph.producer.get(tensor)
    if node is None:
        return []
    names: list[str] = []
    if node.op_type in _NORMS:
        names = [str(name) for name in node.input[1:] if name]
    elif node.op_type == "Mul":
        names = _multiplied(network, node, constants, products)
    owned = all(name in constants and len(graph.consumers[name]) == 1 for name in names)
    return names if owned else []


def _multiplied(
    network: Network,
    node: onnx.NodeProto,
    constants: Mapping[str, Array],
    products: Mapping[str, Product],
) -> list[str]:
    for name in node.input:
        if name in constants and constants[name].ndim == 1:
            return [str(name)]  # the scale of a norm that is spelled out
    for name in node.input:
        product = products.get(name)
        if product and len(network.graph.consumers[name]) == 1:
            return [product.weight]  # a gated product: act(gate) * up
    return []
