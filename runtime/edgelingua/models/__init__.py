"""Models on this machine: where they are, and how they get here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgelingua.lazy import attach

if TYPE_CHECKING:
    from edgelingua.models.registry import DEFAULT_READER, default_bundle, find_bundle, find_reader

__all__ = ["DEFAULT_READER", "default_bundle", "find_bundle", "find_reader"]

__getattr__, __dir__ = attach(
    __name__,
    {
        "DEFAULT_READER": "registry",
        "default_bundle": "registry",
        "find_bundle": "registry",
        "find_reader": "registry",
    },
)
