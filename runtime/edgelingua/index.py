"""A document encoded once, for many questions: its text and its sentences' vectors, as a file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.bundle.manifest import TOKENIZER
from edgelingua.errors import StateError
from edgelingua.files import npz
from edgelingua.scorers.encoder import SentenceEncoder, Sentences
from edgelingua.scores import Progress

FORMAT = 1
"""Version of the file's layout."""
_MARK = "edgelingua index"


@dataclass(frozen=True, eq=False)
class SentenceIndex:
    """A text with its sentences' vectors, tied to the bundle that made them. Make one with `of`.

    Parameters
    ----------
    text
        The document.
    sentences
        As `SentenceEncoder.encode` gives them.
    bundle
        SHA-256 of what in a bundle decides the vectors: its graphs and its tokenizer.
    """

    text: str
    sentences: Sentences
    bundle: str

    @classmethod
    def of(
        cls, text: str, encoder: SentenceEncoder, progress: Progress | None = None
    ) -> SentenceIndex:
        """Encode a text."""
        return cls(text, encoder.encode(text, progress), identity(encoder.bundle))

    def save(self, path: str | Path) -> None:
        """Write one file; whatever happens meanwhile, the old one or the new one is there.

        A new one is readable by its owner only: the text lies in it. Vectors are kept as float16.

        Raises
        ------
        StateError
            It cannot be written.
        """
        arrays = self._arrays()
        about = {
            "mark": _MARK,
            "format": FORMAT,
            "bundle": self.bundle,
            "content": npz.digest(arrays),
        }
        npz.save(Path(path), arrays, about)

    @classmethod
    def load(cls, path: str | Path) -> SentenceIndex:
        """Read what `save` wrote.

        Raises
        ------
        StateError
            It cannot be read, is damaged, or is no index of this version.
        """
        return npz.load(Path(path), cls._of, "an index")

    def check(self, encoder: SentenceEncoder) -> None:
        """Raise `StateError` unless the encoder's bundle is the one that made the vectors."""
        if (own := identity(encoder.bundle)) != self.bundle:
            raise StateError(
                f"the index was made with another bundle ({self.bundle[:12]}…) than "
                f"{encoder.bundle.folder} ({own[:12]}…); make it again with this one, or name that "
                "one"
            )

    def _arrays(self) -> dict[str, NDArray[np.generic]]:
        return {
            "text": np.frombuffer(self.text.encode(), dtype=np.uint8),
            "spans": self.sentences.spans,
            "vectors": self.sentences.vectors.astype(np.float16),
        }

    @classmethod
    def _of(cls, members: npz.Members) -> SentenceIndex:
        about = members.about()
        if about["mark"] != _MARK or about["format"] != FORMAT:
            raise StateError(
                f"an index of format {about['format']}, expected {FORMAT}; make it again with this "
                "version"
            )
        spans, vectors = members.read("spans", np.int64), members.read("vectors", np.float16)
        text = members.read("text", np.uint8).tobytes().decode()
        sentences = Sentences(spans, vectors.astype(np.float32))
        if vectors.ndim != 2 or spans.shape != (len(vectors), 2):
            raise ValueError(f"vectors {vectors.shape} of sentences {spans.shape}")
        flat = np.concatenate([[0], spans.ravel(), [len(text)]])
        if (np.diff(flat) < 0).any() or (spans[:, 0] == spans[:, 1]).any():
            raise ValueError("sentences that do not follow each other in the text")
        if not np.isfinite(vectors).all():
            raise ValueError("vectors that are not numbers")
        index = cls(text, sentences, about["bundle"])
        if not isinstance(index.bundle, str) or about["content"] != npz.digest(index._arrays()):
            raise ValueError("its content is not what it says")
        return index


def identity(bundle: ModelBundle) -> str:
    """SHA-256 of what decides the vectors: the graphs, what belongs to them, and the tokenizer."""
    files = bundle.manifest.files
    hashes = [files[TOKENIZER].sha256]
    hashes += [files[variant.file].sha256 for variant in bundle.manifest.variants.values()]
    return hashlib.sha256(" ".join(hashes).encode()).hexdigest()
