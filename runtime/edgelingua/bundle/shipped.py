"""The bundles that came with the package."""

from __future__ import annotations

from pathlib import Path

from edgelingua.bundle.manifest import MANIFEST


def shipped_bundles() -> dict[str, Path]:
    """Return their folders, by name."""
    package = Path(__file__).resolve().parents[1]
    places = [package / "bundles", package.parents[1] / "models"]  # of a wheel, of a clone
    root = next((place for place in places if place.is_dir()), places[0])
    return {path.parent.name: path.parent for path in sorted(root.glob(f"*/{MANIFEST}"))}
