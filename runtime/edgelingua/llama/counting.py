"""Counts a reader's tokens, with llama.cpp only where nothing lighter can."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from edgelingua.budget import Count
from edgelingua.llama.byte_pairs import BytePairs

if TYPE_CHECKING:
    from edgelingua.llama.model import LlamaModel


def count_of(path: Path) -> Count:
    """Return a counter for a known reader's tokens that loads llama.cpp only where it must."""
    pairs: BytePairs | None = None

    def read() -> None:
        nonlocal pairs
        pairs = BytePairs.read(path)

    # While onnxruntime loads the compressor's model, which takes as long and is not Python's work.
    reading = Thread(target=read, daemon=True)
    reading.start()

    @cache
    def vocabulary() -> LlamaModel:
        from edgelingua.llama.model import LlamaModel

        return LlamaModel(path, vocabulary_only=True)

    def count(text: str) -> int:
        reading.join()
        number = pairs.count(text) if pairs else None
        return vocabulary().count(text) if number is None else number

    return count
