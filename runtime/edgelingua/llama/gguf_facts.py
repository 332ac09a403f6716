"""What a GGUF model is, by its file's header: for people who choose one, without llama.cpp."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgelingua.errors import ReaderError
from edgelingua.llama.gguf_metadata import count_parameters, read_metadata


@dataclass(frozen=True)
class GgufFacts:
    """Facts of a model; what its file does not say is 0, empty or ``None``.

    ``context_tokens``: what it was trained for. ``window``: how many tokens
    sliding-window layers look back. ``key_heads``: those that keys and values have in each layer;
    ``None`` also where layers differ.
    """

    architecture: str
    name: str
    licence: str
    size_bytes: int
    parameters: int
    context_tokens: int
    layers: int
    heads: int | None
    key_heads: int | None
    window: int
    vocabulary: int
    chat_template: bool

    @classmethod
    def read(cls, path: Path) -> GgufFacts:
        """Read the header of a file.

        Raises
        ------
        ReaderError
            The file cannot be read, is no GGUF file, or damaged.
        """
        try:
            kind = _text(read_metadata(path, ["general.architecture"]), "general.architecture")
            keys = [f"{kind}.{name}" for name in _OF_ARCHITECTURE]
            found = read_metadata(path, [*_GENERAL, *keys, _TOKENS])
            parameters = count_parameters(path)
        except OSError as error:
            raise ReaderError(f"{path}: cannot be read ({error.strerror})") from None
        except ValueError as error:
            raise ReaderError(f"{path}: {error}") from None
        length, layers, heads, key_heads, window = (_number(found, key) for key in keys)
        return cls(
            architecture=kind,
            name=_text(found, "general.name"),
            licence=_text(found, "general.license"),
            size_bytes=path.stat().st_size,
            parameters=parameters,
            context_tokens=length or 0,
            layers=layers or 0,
            heads=heads,
            key_heads=key_heads,
            window=window or 0,
            vocabulary=len(found.get(_TOKENS, ())),
            chat_template="tokenizer.chat_template" in found,
        )


_OF_ARCHITECTURE = (
    "context_length",
    "block_count",
    "attention.head_count",
    "attention.head_count_kv",
    "attention.sliding_window",
)
_GENERAL = ("general.name", "general.license", "tokenizer.chat_template")
_TOKENS = "tokenizer.ggml.tokens"


def _text(found: dict[str, Any], key: str) -> str:
    value = found.get(key, b"")
    return value.decode(errors="replace") if isinstance(value, bytes) else ""


def _number(found: dict[str, Any], key: str) -> int | None:
    value = found.get(key)
    return value if isinstance(value, int) else None
