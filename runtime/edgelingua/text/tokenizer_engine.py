"""A ``tokenizer.json`` at work, in this process or a worker: plain values in and out.

Imports nothing of the package, so that a worker starts fast.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Mapping
from itertools import chain

from tokenizers import Tokenizer


class Engine:
    """A tokenizer with its own truncation and padding switched off, for text that is only text.

    Parameters
    ----------
    path
        The ``tokenizer.json``.
    status
        Some of the file's `os.stat` when it was checked: a worker may be started again much later.
    """

    def __init__(self, path: str, status: Mapping[str, int]) -> None:
        self._tokenizer = Tokenizer.from_file(path)
        now = os.stat(path)  # noqa: PTH116 - spares a worker pathlib
        if any(getattr(now, name) != value for name, value in status.items()):
            raise ValueError("it changed since it was first read; open the bundle again")
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._tokenizer.encode_special_tokens = True  # text is text, "[SEP]" too

    def encode(self, text: str, prefix: str) -> tuple[bytes, bytes, bytes]:
        """Return ids and offsets as int64, and for each token whether it begins with ``prefix``."""
        encoded = self._tokenizer.encode(text, add_special_tokens=False)
        continues = bytes(token.startswith(prefix) for token in encoded.tokens) if prefix else b""
        offsets = array("q", chain.from_iterable(encoded.offsets))
        return array("q", encoded.ids).tobytes(), offsets.tobytes(), continues

    def count(self, text: str) -> int:
        """Return the number of tokens; the fast kind makes no offsets."""
        (encoded,) = self._tokenizer.encode_batch_fast([text], add_special_tokens=False)
        return len(encoded)
