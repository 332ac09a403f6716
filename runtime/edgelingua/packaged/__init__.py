"""Hooks with which PyInstaller packages edgelingua whole; it finds them by itself.

``pyproject.toml`` names `hook_folders` in the entry point group ``pyinstaller40``.
"""

from __future__ import annotations

from pathlib import Path


def hook_folders() -> list[str]:
    """Return where the hooks are: this folder."""
    return [str(Path(__file__).parent)]
