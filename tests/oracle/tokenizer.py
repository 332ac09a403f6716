"""A ``tokenizer.json`` as the reference uses it: special tokens in a text count."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from tokenizers import Tokenizer


class ReferenceTokenizer:
    """Gives pieces and strings: the reference puts a text together again from pieces.

    Parameters
    ----------
    path
        The ``tokenizer.json``.
    added
        Special tokens to add. Those that the vocabulary lacks are recognised in a text, and have
        the unknown token's id.
    """

    def __init__(self, path: Path, added: Sequence[str] = ()) -> None:
        self._path = path
        self._tokenizer = Tokenizer.from_file(str(path))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        known = self._tokenizer.get_added_tokens_decoder().values()
        special = {token.content for token in known if token.special}
        self.special_tokens = frozenset(special) - frozenset(added)
        self._missing = {token for token in added if self._tokenizer.token_to_id(token) is None}
        if added:
            self._tokenizer.add_special_tokens(list(added))

    def tokens(self, text: str) -> list[str]:
        """Cut a text into pieces, no special tokens around them."""
        pieces: list[str] = self._tokenizer.encode(text, add_special_tokens=False).tokens
        return pieces

    def ids(self, text: str, *, special: bool = False) -> list[int]:
        """Ids of the pieces; ``special``: with the tokens that the tokenizer puts around a text."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=special).ids
        return ids

    def known(self, tokens: Sequence[str]) -> tuple[list[int], list[str]]:
        """Ids of tokens, and the tokens as the vocabulary knows them."""
        ids, names = [], []
        for token in tokens:
            number, name = self._tokenizer.token_to_id(token), token
            if number is None:
                number, name = self._unknown
            elif token in self._missing:
                number, _ = self._unknown
            ids.append(number)
            names.append(name)
        return ids, names

    @cached_property
    def _unknown(self) -> tuple[int, str]:
        """Id and name of the unknown token; tokenizers does not say it of every kind of model."""
        model = json.loads(self._path.read_text(encoding="utf-8"))["model"]
        if model.get("unk_id") is not None:
            return model["unk_id"], model["vocab"][model["unk_id"]][0]
        return model["vocab"][model["unk_token"]], model["unk_token"]

    def join(self, tokens: Sequence[str]) -> str:
        """Put pieces together, as the tokenizer's decoder does."""
        if self._tokenizer.decoder is None:
            return " ".join(tokens)
        text: str = self._tokenizer.decoder.decode(list(tokens))
        return text

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids, special tokens included."""
        text: str = self._tokenizer.decode(list(ids), skip_special_tokens=False)
        return text
