"""What counts tokens: a function, a tokenizer's file or object, a reader's file, or an estimate."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from edgelingua.errors import BundleError, InputError, described
from edgelingua.text.estimate import estimated_tokens

Count = Callable[[str], int]
"""Counts the tokens of a text, the way the model that will read it does."""


class Encoder(Protocol):
    """A tokenizer, as tiktoken's encodings and those of ``tokenizers`` are."""

    def encode(self, text: str, /) -> Any:
        """Return the tokens of a text, or what has them as its ``ids``."""
        ...


Counting: TypeAlias = "Count | Encoder | str | os.PathLike[str]"
"""What `counter` makes a count of."""


@dataclass(frozen=True)
class NamedCount:
    """A count of tokens that can say whose tokens they are."""

    name: str
    count: Count

    def __call__(self, text: str) -> int:
        """Return the number of tokens of ``text``."""
        return self.count(text)


ESTIMATE = NamedCount("common readers, estimated", estimated_tokens)
"""The count where no reader is known; see `estimated_tokens`."""


def counter(counting: Counting) -> Count:
    """Return what counts tokens.

    Parameters
    ----------
    counting
        A function from a text to a number; the path of a ``tokenizer.json``, of a folder with one,
        or of a reader (``.gguf``); a tokenizer that has ``encode``, like tiktoken's encodings.

    Raises
    ------
    InputError
        It is none of them, or a file that is not there or no tokenizer.
    ReaderError, MissingExtraError
        llama.cpp cannot read the ``.gguf`` file, or is not installed.
    """
    if isinstance(counting, str | os.PathLike):
        return _of_file(Path(counting))
    if callable(getattr(counting, "encode", None)):
        return _of_encoder(counting)
    if not callable(counting):
        raise InputError(
            f"count: expected a function, a tokenizer, or the path of a tokenizer.json or a .gguf "
            f"file; got {described(counting)}"
        )
    return counting


def counted_in(count: Count) -> str:
    """Return whose tokens a count counts, as far as it says so."""
    name = getattr(count, "name", None) or getattr(count, "__qualname__", None)
    return str(name or type(count).__name__)


def _of_file(path: Path) -> Count:
    if path.is_dir() and (path / "tokenizer.json").is_file():
        path /= "tokenizer.json"
    if not path.is_file():
        raise InputError(
            f"count: {path}: no such file; expected a tokenizer.json, or the .gguf file of a reader"
        )
    if path.suffix == ".gguf":
        # llama.cpp is loaded where it is asked for only.
        model = import_module("edgelingua.llama").LlamaModel(path, vocabulary_only=True)
        return NamedCount(path.name, model.count)
    from edgelingua.text.tokenizer import TextTokenizer

    try:
        tokenizer = TextTokenizer(path, "space")
    except BundleError as error:
        raise InputError(f"count: {error}") from None
    return NamedCount(str(path), tokenizer.count)


def _of_encoder(encoder: Any) -> Count:
    # What looks like a special token in a text is none; tiktoken's `encode` would refuse the text.
    encode: Callable[[str], Any] = getattr(encoder, "encode_ordinary", encoder.encode)
    try:
        encoder.encode("a", add_special_tokens=False)
    except TypeError:
        pass
    else:

        def encode(text: str) -> Any:
            return encoder.encode(text, add_special_tokens=False)

    def count(text: str) -> int:
        tokens = encode(text)
        return len(getattr(tokens, "ids", tokens))

    return NamedCount(str(getattr(encoder, "name", type(encoder).__name__)), count)
