"""onnxruntime: sessions, execution providers, devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgelingua.lazy import attach

if TYPE_CHECKING:
    from edgelingua.ort.session import Graph, RunOptions

__all__ = ["Graph", "RunOptions"]

__getattr__, __dir__ = attach(
    __name__,
    {
        "Graph": "session",
        "RunOptions": "session",
    },
)
