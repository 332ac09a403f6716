"""What the figures of a benchmark depend on."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Any

from edgelingua.system.cores import available_cores
from edgelingua.system.machine import cpu


def machine() -> dict[str, Any]:
    """Return processor, number of CPUs that may be used, and versions of what is installed."""
    names = (
        "edgelingua",
        "onnxruntime",
        "llama-cpp-python",
        "torch",
        "transformers",
        "optimum-onnx",
        "onnx",
    )
    return {
        "cpu": cpu().name,
        "architecture": platform.machine(),
        "cpus": available_cores(),
        "python": platform.python_version(),
        **{name: version for name in names if (version := _version(name))},
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
