"""Which llama.cpp is installed, found out without loading it."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "llama-cpp-python"
INSTALLING = (
    "pip compiles it for four to ten minutes, which needs a C++ compiler; or give pip a wheel that "
    "`make wheels` made, see docs/builds.md; compressing needs neither"
)
"""What to know before installing it."""


@dataclass(frozen=True)
class Build:
    """An installed llama.cpp: its name for people, its folder, and what tells it from others."""

    name: str
    folder: Path
    key: str

    @property
    def cure(self) -> str:
        """How to come by one that runs here."""
        if getattr(sys, "frozen", False):
            return "package this program with a wheel that `make wheels` made, see docs/builds.md"
        return (
            "compile it here: CMAKE_ARGS=-DGGML_NATIVE=OFF pip install --force-reinstall --no-deps "
            f"--no-cache-dir {self.name.replace(' ', '==')}; or install a wheel that `make wheels` "
            "made, see docs/builds.md"
        )


def installed() -> Build | None:
    """Return the llama.cpp that would be loaded, without loading it; ``None`` if there is none."""
    spec = importlib.util.find_spec("llama_cpp")
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(os.environ.get("LLAMA_CPP_LIB_PATH") or spec.submodule_search_locations[0])
    try:
        name = f"{PACKAGE} {importlib.metadata.version(PACKAGE)}"
    except importlib.metadata.PackageNotFoundError:
        name = PACKAGE
    digest = hashlib.sha256(name.encode())
    if getattr(sys, "frozen", False):
        # What an app in one file unpacks is new at every start; what it was unpacked from is not.
        files = [Path(sys.executable)]
    else:
        found = (folder.rglob(pattern) for pattern in ("*.so*", "*.dylib", "*.dll"))
        files = sorted(file for files in found for file in files if file.is_file())
    for file in files:
        status = file.stat()
        digest.update(f"{file.name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return Build(name, folder, digest.hexdigest()[:16])
