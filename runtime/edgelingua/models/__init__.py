"""Models on this machine: where they are, and how they get here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgelingua.lazy import attach

if TYPE_CHECKING:
    from edgelingua.models.registry import (
        DEFAULT_READER,
        REGISTRY,
        default_bundle,
        fetch,
        find_bundle,
        find_reader,
        home,
        verify,
    )

__all__ = [
    "DEFAULT_READER",
    "REGISTRY",
    "default_bundle",
    "fetch",
    "find_bundle",
    "find_reader",
    "home",
    "verify",
]

__getattr__, __dir__ = attach(__name__, dict.fromkeys(__all__, "registry"))
