"""Graphs that answer with what a scorer needs, the NLL of given tokens or P(keep), not logits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from edgelingua_export.onnx_graph import Graph, save, tidy

LOGITS, TARGETS, NLL, KEEP = "logits", "targets", "nll", "keep"
STATES = "last_hidden_state"
"""What optimum calls an encoder's output, which is taken as it is."""


def add_nll_head(path: Path) -> None:
    """Replace the output ``logits`` by ``nll``, in place.

    The new input ``targets`` ``(1, n)`` int64 are the tokens that follow the last ``n`` positions,
    ``nll`` ``(1, n)`` their negative log-likelihood in nats. Logits never leave the graph (a chunk
    of 256 tokens has 50 MB of them), and are computed for those positions only: text that is read
    just to be remembered skips the largest product of a small model.
    """
    graph = Graph.load(path)
    one, two = (graph.constant(f"nll/{n}", np.asarray([n], dtype=np.int64)) for n in (1, 2))
    length = graph.add("Shape", ["input_ids"], "nll/ids_shape")
    length = graph.add("Gather", [length, one], "nll/length")
    wanted = graph.add("Shape", [TARGETS], "nll/targets_shape")
    wanted = graph.add("Gather", [wanted, one], "nll/wanted")
    start = graph.add("Sub", [length, wanted], "nll/start")

    logits, head = LOGITS, _last_product(graph)
    if head:
        head.input[0] = graph.add("Slice", [head.input[0], start, length, one], "nll/hidden")
    else:  # an architecture of another kind: cut behind it
        logits = graph.add("Slice", [LOGITS, start, length, one], "nll/logits")
    log_probabilities = graph.add("LogSoftmax", [logits], "nll/log_probabilities", axis=-1)
    column = graph.add("Unsqueeze", [TARGETS, two], "nll/column")
    chosen = graph.add("GatherElements", [log_probabilities, column], "nll/chosen", axis=2)
    row = graph.add("Squeeze", [chosen, two], "nll/row")
    graph.add("Neg", [row], NLL)

    shape = ["batch_size", "targets_length"]
    graph.model.graph.input.append(helper.make_tensor_value_info(TARGETS, TensorProto.INT64, shape))
    _answer_with(graph, NLL, shape)
    save(graph.model, path, like=path)


def add_keep_head(path: Path, label: int) -> None:
    """Replace the output ``logits`` by ``keep`` ``(batch, n)``, in place.

    It is the softmax of the logits ``(batch, n, labels)`` at the ``label`` that means "keep".
    """
    graph = Graph.load(path, weights=False)
    column = graph.constant("keep/label", np.asarray(label, dtype=np.int64))
    probabilities = graph.add("Softmax", [LOGITS], "keep/probabilities", axis=-1)
    graph.add("Gather", [probabilities, column], KEEP, axis=2)
    _answer_with(graph, KEEP, ["batch_size", "sequence_length"])
    save(graph.model, path, like=path)


def _answer_with(graph: Graph, name: str, shape: list[str]) -> None:
    """Make the tensor ``name`` (float32) an output in place of the logits."""
    outputs = [output for output in graph.model.graph.output if output.name != LOGITS]
    graph.model.graph.ClearField("output")
    graph.model.graph.output.extend(
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape), *outputs]
    )
    tidy(graph.model)


def _last_product(graph: Graph) -> onnx.NodeProto | None:
    """Return the product that makes the logits, behind which there may be a bias or a cap."""
    node = graph.producer[LOGITS]
    while node.op_type in ("Add", "Mul", "Div", "Tanh"):
        before = [graph.producer[name] for name in node.input if name in graph.producer]
        before = [maker for maker in before if maker.op_type != "Constant"]
        if len(before) != 1:
            return None
        node = before[0]
    return node if node.op_type == "MatMul" else None
