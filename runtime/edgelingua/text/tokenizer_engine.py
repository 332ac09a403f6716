"""A ``tokenizer.json`` at work, in this process or a worker: plain values in and out.

Imports nothing of the package, so that a worker starts fast.
"""

from __future__ import annotations

import json
import os
from array import array
from collections.abc import Mapping, Sequence
from itertools import chain

from tokenizers import Tokenizer


class Engine:
    """A tokenizer with its own truncation and padding switched off.

    Parameters
    ----------
    path
        The ``tokenizer.json``.
    special
        Whether special tokens in a text count; otherwise text is text.
    added
        Special tokens to add.
    status
        Some of the file's `os.stat` when it was checked: a worker may be started again much later.
    """

    def __init__(
        self,
        path: str,
        special: bool,
        added: Sequence[str] = (),
        status: Mapping[str, int] | None = None,
    ) -> None:
        self._path = path
        self._tokenizer = Tokenizer.from_file(path)
        now = os.stat(path)  # noqa: PTH116 - spares a worker pathlib
        if status and any(getattr(now, name) != value for name, value in status.items()):
            raise ValueError("it changed since it was first read; open the bundle again")
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._tokenizer.encode_special_tokens = not special
        known = self._tokenizer.get_added_tokens_decoder().values()
        self._special = sorted({token.content for token in known if token.special})
        self._missing = [token for token in added if self._tokenizer.token_to_id(token) is None]
        if added:
            self._tokenizer.add_special_tokens(list(added))

    def special_tokens(self) -> list[str]:
        """Return the special tokens of the file."""
        return self._special

    def missing(self) -> list[str]:
        """Return the tokens added that the vocabulary lacks."""
        return self._missing

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

    def tokens(self, text: str) -> list[str]:
        """Cut a text into pieces."""
        pieces: list[str] = self._tokenizer.encode(text, add_special_tokens=False).tokens
        return pieces

    def ids(self, text: str, special: bool) -> list[int]:
        """Ids of the pieces; ``special``: with the tokens put around a text."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=special).ids
        return ids

    def numbers(self, tokens: list[str]) -> list[int | None]:
        """Ids of tokens; ``None`` where the vocabulary lacks one."""
        return [self._tokenizer.token_to_id(token) for token in tokens]

    def unknown(self) -> tuple[int, str] | None:
        """Id and name of the unknown token; tokenizers does not say it of every kind of model."""
        with open(self._path, encoding="utf-8") as file:  # noqa: PTH123 - spares a worker pathlib
            model = json.load(file)["model"]
        if model.get("unk_id") is not None:
            return model["unk_id"], model["vocab"][model["unk_id"]][0]
        name = model.get("unk_token")
        return (model["vocab"][name], name) if name in model["vocab"] else None

    def join(self, tokens: list[str]) -> str:
        """Put pieces together, as the tokenizer's decoder does."""
        if self._tokenizer.decoder is None:
            return " ".join(tokens)
        text: str = self._tokenizer.decoder.decode(tokens)
        return text

    def decode(self, each: list[list[int]]) -> list[str]:
        """Texts of lists of ids, special tokens included."""
        return [self._tokenizer.decode(ids, skip_special_tokens=False) for ids in each]
