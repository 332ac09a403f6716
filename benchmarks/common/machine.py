"""What the figures of a benchmark depend on."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.common import jsonl

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
        **_gpu(),
        "python": platform.python_version(),
        **{name: version for name in names if (version := _version(name))},
    }


def _gpu() -> dict[str, str]:
    """Name of the graphics processor, where PyTorch has been loaded and sees one."""
    torch = sys.modules.get("torch")
    seen = torch is not None and torch.cuda.is_available()
    return {"gpu": torch.cuda.get_device_name()} if torch is not None and seen else {}


@cache
def noted(folder: Path) -> str:
    """Write this machine into ``machines.json`` of a folder; return its key for rows there."""
    mine = machine()
    key = hashlib.sha256(json.dumps(mine, sort_keys=True).encode()).hexdigest()[:8]
    path = folder / "machines.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if key not in known:
        jsonl.replace(path, [json.dumps({**known, key: mine}, indent=1)])
    return key


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
