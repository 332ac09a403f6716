"""Which weights made a row: short fingerprints of the models, so that no two are taken for one."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath

from edgelingua.bundle.floors import FILE as FLOORS
from edgelingua.bundle.manifest import MANIFEST, Manifest
from edgelingua.files.safe import hash_file
from edgelingua.models.registry import find_bundle

LENGTH = 12
"""Hexadecimal digits of a SHA-256 that a row carries."""

_NOTES = frozenset({".md", ".png"})
_LATER = frozenset({FLOORS})
"""Files made from scores, which do not decide them."""


def of_file(path: Path) -> str:
    """Fingerprint of a file, a GGUF model say."""
    return hash_file(path)[:LENGTH]


def of_bundle(bundle: str | Path) -> str:
    """Fingerprint of a bundle, a name or a folder: of what decides its scores.

    From the hashes that the manifest records, which loading checks; its card and its record of the
    build, which may change from machine to machine, are left out.
    """
    manifest = Manifest.read(find_bundle(str(bundle)) / MANIFEST)
    decisive = [
        f"{name} {record.sha256}"
        for name, record in sorted(manifest.files.items())
        if PurePosixPath(name).parts[0] != "parity"
        and PurePosixPath(name).suffix not in _NOTES
        and name not in _LATER
    ]
    return hashlib.sha256("\n".join(decisive).encode()).hexdigest()[:LENGTH]
