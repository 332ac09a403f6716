"""Errors of the export; all are `EdgeLinguaError`, so one handler serves both tools."""

from __future__ import annotations

from edgelingua.errors import EdgeLinguaError


class ExportError(EdgeLinguaError):
    """A model cannot be loaded, converted or quantized."""


class NoCandidateError(ExportError):
    """No quantization keeps within the loss allowed; the message has the table."""


class ParityError(EdgeLinguaError):
    """A bundle does not score like its original; the message has the figures."""


def reason(error: Exception) -> str:
    """What another library's error says, on one line of bearable length."""
    text = " ".join(str(error).split())
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " …"


_LONGEST = 300
