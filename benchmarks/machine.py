"""What the figures of a benchmark depend on."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from edgelingua.cores import available_cores


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
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    models = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": models[0] if models else platform.processor(),
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
