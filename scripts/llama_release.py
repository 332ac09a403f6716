"""The release of llama-cpp-python that edgelingua works with."""

from __future__ import annotations

import tomllib
from pathlib import Path

_PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


def requirement() -> str:
    """Return what the ``[llama]`` extra asks pip for: ``llama-cpp-python==…``."""
    extras = tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    (found,) = (one for one in extras["llama"] if one.startswith("llama-cpp-python=="))
    return str(found)
