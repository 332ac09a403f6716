"""Errors of the export; all are `EdgeLinguaError`, so one handler serves both tools."""

from __future__ import annotations

from edgelingua.errors import EdgeLinguaError


class ExportError(EdgeLinguaError):
    """A model cannot be loaded, converted or quantized."""


class ParityError(EdgeLinguaError):
    """A bundle does not score like its original; the message has the figures."""
