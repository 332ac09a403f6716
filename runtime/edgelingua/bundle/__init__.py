"""Model bundles: a folder with a manifest, checked before anything in it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgelingua.lazy import attach

if TYPE_CHECKING:
    from edgelingua.bundle.bundle import ModelBundle
    from edgelingua.bundle.manifest import Manifest

__all__ = ["Manifest", "ModelBundle"]

__getattr__, __dir__ = attach(
    __name__,
    {
        "Manifest": "manifest",
        "ModelBundle": "bundle",
    },
)
