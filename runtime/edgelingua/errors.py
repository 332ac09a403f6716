"""Every error a caller can meet, on one page.

Each message names the file or value concerned, what was expected, what came, and what to do.
"""

from __future__ import annotations

import sys
from collections.abc import Sized


def described(value: object) -> str:
    """Return what an error may say of a value from a caller: numbers, else only kind and size.

    Errors end up in logs, and the texts that are compressed, pinned or asked may be secrets.
    """
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    kind = type(value).__name__
    if isinstance(value, str):
        return f"a {kind} of {len(value):,} characters"
    return f"a {kind} of {len(value):,}" if isinstance(value, Sized) else f"a {kind}"


class EdgeLinguaError(Exception):
    """Base class: catch this to catch everything edgelingua raises on purpose."""


class InputError(EdgeLinguaError):
    """The text cannot be worked on: blank, binary, not UTF-8, or too long."""


class BudgetError(EdgeLinguaError):
    """The budget is not a budget, or is smaller than the text that must survive.

    ``needed``: the tokens of that text, where that is the reason.
    """

    def __init__(self, message: str, needed: int | None = None) -> None:
        super().__init__(message)
        self.needed = needed


class BundleError(EdgeLinguaError):
    """A model bundle is missing, damaged, hostile, of another version or for another task."""


class InferenceError(EdgeLinguaError):
    """onnxruntime could not load or run a graph."""


class ReaderError(EdgeLinguaError):
    """A GGUF model cannot be loaded or cannot decode, or an endpoint does not answer."""


class CapError(EdgeLinguaError):
    """The KV cap, or an endpoint's context, is too small for what must be there."""


class PolicyError(EdgeLinguaError):
    """An eviction policy is unknown, or its options or signals are none that can work here."""


class StateError(EdgeLinguaError):
    """A saved session is damaged, or one of another model, llama.cpp or cache."""


class ModelNotFoundError(EdgeLinguaError):
    """A model is neither a known name nor an existing path."""


class FetchError(EdgeLinguaError):
    """A model could not be fetched, or what came is not what was expected."""


class CancelledError(EdgeLinguaError):
    """What was asked for was cancelled before anything of it was there."""


class MissingExtraError(EdgeLinguaError):
    """An optional dependency is not installed; the message has the install command.

    ``hint``: what else to know before running it.
    """

    def __init__(self, package: str, extra: str, hint: str = "") -> None:
        if getattr(sys, "frozen", False):  # made with PyInstaller: it has no pip
            super().__init__(
                f"{package} is not part of this program: package it again where {package} is "
                "installed, with a program that imports it"
            )
            return
        super().__init__(
            f"{package} is not installed; this needs the '{extra}' extra: "
            f"pip install 'edgelingua[{extra}]'{hint and f' ({hint})'}"
        )


class EvictionWarning(UserWarning):
    """A prompt is larger than the cap, so that what the compressor kept is evicted again."""


class LanguageWarning(UserWarning):
    """A text is in a language or script that the compressor does not know."""


class FloorWarning(UserWarning):
    """There is no room for all that a budget's floor asks for."""


class NoAnswerWarning(UserWarning):
    """No answer to the question seems to be in the text."""


class PinsWarning(UserWarning):
    """A document is pinned beyond its share of the budget: some of its pins were let go."""


class DeviceFallbackWarning(UserWarning):
    """The device asked for cannot run the bundle, so that the CPU does."""


class RoughCacheWarning(UserWarning):
    """A model does not stand the number format that its cache is kept in."""


class UntrainedModelWarning(UserWarning):
    """A bundle with a random head is used to compress: its scores mean nothing."""
