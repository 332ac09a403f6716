"""The bundles that came with the package, or with wheels of their own."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from edgelingua.bundle.manifest import MANIFEST

BESIDE = "edgelingua_bundles"
"""The namespace package in which wheels bring bundles, each a folder of its name."""


def shipped_bundles() -> dict[str, Path]:
    """Return their folders, by name; the package's own before those of other wheels."""
    package = Path(__file__).resolve().parents[1]
    own = [package / "bundles", package.parents[1] / "models"]  # of a wheel, of a clone
    spec = find_spec(BESIDE)
    beside = list(spec.submodule_search_locations or ()) if spec else []
    found: dict[str, Path] = {}
    for root in [next((place for place in own if place.is_dir()), own[0]), *map(Path, beside)]:
        for manifest in sorted(root.glob(f"*/{MANIFEST}")):
            found.setdefault(manifest.parent.name, manifest.parent)
    return found
