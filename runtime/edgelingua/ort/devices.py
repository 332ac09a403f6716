"""Devices: which onnxruntime provider runs what, with which options. The one table of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

DeviceName = Literal["auto", "cpu", "qnn", "openvino", "coreml", "directml", "xnnpack"]


@dataclass(frozen=True)
class Device:
    """A way to run a graph.

    Parameters
    ----------
    provider
        onnxruntime's name of the execution provider.
    targets
        What a variant must be made for (`Variant.target`) to run here.
    install
        Where the provider comes from.
    package
        The PyPI package of a plug-in, which is loaded into plain onnxruntime; its module has the
        same name with underscores. ``None``: the provider is part of some builds of onnxruntime.
    options
        The provider's options.
    """

    provider: str
    targets: tuple[str, ...]
    install: str
    package: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def made_to_order(self) -> bool:
        """Whether it runs only graphs that were made for it."""
        return "cpu" not in self.targets


DEVICES: Mapping[DeviceName, Device] = {
    "cpu": Device("CPUExecutionProvider", ("cpu",), "pip install onnxruntime"),
    # Qualcomm's NPU, or on x86 Linux its simulator.
    "qnn": Device(
        "QNNExecutionProvider",
        ("qnn-htp",),
        "pip install 'edgelingua[qnn]'",
        package="onnxruntime-qnn",
        options={"backend_type": "htp"},
    ),
    "openvino": Device(
        "OpenVINOExecutionProvider",
        ("cpu",),
        "pip install onnxruntime-ep-openvino (onnxruntime-openvino in place of onnxruntime, if the "
        "CPU is not Intel's)",
        package="onnxruntime-ep-openvino",
    ),
    "coreml": Device(
        "CoreMLExecutionProvider",
        ("cpu",),
        "pip install onnxruntime, on macOS",
        options={"ModelFormat": "MLProgram"},
    ),
    "directml": Device(
        "DmlExecutionProvider",
        ("cpu",),
        "pip install onnxruntime-directml in place of onnxruntime, on Windows",
    ),
    "xnnpack": Device(
        "XnnpackExecutionProvider", ("cpu",), "a build of onnxruntime with --use_xnnpack"
    ),
}
"""By the name that `RunOptions.device` takes; ``auto`` tries them in this order."""
