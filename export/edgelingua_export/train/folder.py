"""The folder of a training run."""

from __future__ import annotations

from pathlib import Path

from edgelingua_export.errors import ExportError


def begin(folder: Path, *, resume: bool) -> None:
    """Make the folder of a run.

    Raises
    ------
    ExportError
        It holds another run, and ``resume`` is false.
    """
    if (folder / "log.jsonl").exists() and not resume:
        raise ExportError(f"{folder}: holds a run; --resume goes on with it, or choose another")
    folder.mkdir(parents=True, exist_ok=True)
