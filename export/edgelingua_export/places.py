"""Where a bundle goes, looked at before anything is loaded."""

from __future__ import annotations

from pathlib import Path

from edgelingua.bundle.manifest import MANIFEST
from edgelingua.models import registry
from edgelingua_export.errors import ExportError


def short_name(location: str) -> str:
    """Return what a model is called in the name of its bundle; see `sources.find`."""
    path = Path(location)
    if location not in registry.REGISTRY and path.exists():
        path = path.resolve()
    return path.name.removesuffix(".gguf").lower()


def refuse_existing(output: Path, *, replace: bool) -> None:
    """Raise `ExportError` where there is something already, unless it is a bundle to replace."""
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return
    if not (output / MANIFEST).is_file():
        raise ExportError(f"{output}: exists and is not a bundle; choose another folder")
    if not replace:
        raise ExportError(f"{output}: there is a bundle already; --replace replaces it")
