"""A trained adapter for memories: its folder, checked before anything of it is used."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelingua.bundle import strict_json
from edgelingua.errors import BundleError
from edgelingua.files import npy
from edgelingua.files.safe import open_inside
from edgelingua.llama.adapter import LlamaAdapter
from edgelingua.llama.weights import Weights

FORMAT = 1
ABOUT, LORA, VECTORS = "memory.json", "adapter.gguf", "vectors.npy"
_MOST_BYTES = 1 << 30
"""Of a file; the largest that was trained has 9 MB."""


@dataclass(frozen=True, eq=False)
class MemoryAdapter:
    """What ``edgelingua-export train`` left of a memory's recipe. Make one with `load`.

    Parameters
    ----------
    lora
        Works while a document is read.
    before
        What the reader had read before the document in training.
    segment
        Tokens of a document that are read at once, at most.
    scorer
        Name of the classifier bundle whose scores choose the cells; empty: every nth is kept, or
        those of the learned tokens.
    vectors
        Learned tokens ``(learned, width)`` behind each segment; ``None``: there are none.
    """

    lora: LlamaAdapter
    before: str
    segment: int
    scorer: str
    vectors: NDArray[np.float32] | None

    @classmethod
    def load(cls, folder: str | Path, reader: Weights) -> MemoryAdapter:
        """Read an adapter's folder.

        Raises
        ------
        BundleError
            It is missing, damaged, of another version, or was trained for another reader.
        ReaderError
            llama.cpp does not take it.
        """
        folder = Path(folder)
        try:
            about = strict_json.parse(_read(folder, ABOUT, strict_json.MAX_BYTES))
            found, files = _Description(about), about["files"]
            if found.reader != reader.digest:
                raise BundleError(
                    f"{folder}: this adapter was trained for {found.name} ({found.reader[:12]}…), "
                    f"the reader is {reader.path.name} ({reader.digest[:12]}…); take the reader it "
                    "was trained for, or none"
                )
            lora = _checked(folder, LORA, files)
            shape = (found.learned, reader.width)
            vectors = None
            digest = hashlib.sha256(lora)
            if found.learned:
                raw = _checked(folder, VECTORS, files)
                digest.update(raw)
                vectors = npy.parse(raw)
                if vectors.dtype != np.float32 or vectors.shape != shape:
                    raise ValueError(f"learned tokens {vectors.shape}, expected {shape}")
                if not np.isfinite(vectors).all():
                    raise ValueError("learned tokens that are not numbers")
        except OSError as error:
            raise BundleError(f"{folder}: not an adapter for memories ({error})") from None
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"{folder}: not an adapter for memories, or damaged ({error})") from (
                None
            )
        adapter = LlamaAdapter(reader, folder / LORA, digest.hexdigest())
        return cls(adapter, found.before, found.segment, found.scorer, vectors)


class _Description:
    """What ``memory.json`` says, as far as it is needed."""

    def __init__(self, about: dict[str, Any]) -> None:
        if about["format"] != FORMAT:
            raise ValueError(f"format {about['format']}, expected {FORMAT}")
        self.reader: str = about["reader"]["sha256"]
        self.name: str = about["reader"]["name"]
        self.before: str = about["before"]
        self.scorer: str = about["memory"]["scorer"]
        self.segment: int = about["memory"]["segment"]
        self.learned: int = about["memory"]["learned"]
        texts, numbers = (
            (self.reader, self.name, self.before, self.scorer),
            (self.segment, self.learned),
        )
        if not all(type(text) is str for text in texts):
            raise TypeError("texts that are none")
        if not all(type(number) is int for number in numbers) or self.segment < 1:
            raise ValueError(f"segments of {self.segment} tokens, {self.learned} learned")


def _read(folder: Path, name: str, most: int = _MOST_BYTES) -> bytes:
    with open_inside(folder, name) as file:
        raw = file.read(most + 1)
    if len(raw) > most:
        raise ValueError(f"{name}: more than {most:,} bytes")
    return raw


def _checked(folder: Path, name: str, files: dict[str, str]) -> bytes:
    raw = _read(folder, name)
    if hashlib.sha256(raw).hexdigest() != files[name]:
        raise ValueError(f"{name} is not the file that {ABOUT} names")
    return raw
