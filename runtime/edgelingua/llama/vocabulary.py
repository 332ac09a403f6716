"""A GGUF model's tokens: text to ids and back."""

from __future__ import annotations

import codecs
import ctypes
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import ReaderError
from edgelingua.llama.library import llama_cpp
from edgelingua.llama.markers import Markers

_LEADS = ("\n", "\x01", "\x02")
"""What never merges with text behind it, in one vocabulary or another."""


class Vocabulary:
    """The tokens of a loaded model.

    Parameters
    ----------
    path
        The model's file, for errors.
    handle
        The model as llama.cpp knows it; freed by whoever loaded it.
    """

    def __init__(self, path: Path, handle: Any) -> None:
        self.path = path
        self._vocabulary = llama_cpp.llama_model_get_vocab(handle)
        template = llama_cpp.llama_model_chat_template(handle, None)
        self.chat_template = template.decode(errors="replace") if template else ""

    @property
    def vocabulary(self) -> Any:
        """The vocabulary as llama.cpp knows it."""
        return self._vocabulary

    @property
    def vocabulary_size(self) -> int:
        """Number of tokens in the vocabulary."""
        return int(llama_cpp.llama_vocab_n_tokens(self._vocabulary))

    @cached_property
    def stop_tokens(self) -> frozenset[int]:
        """Tokens that end a reply."""
        vocabulary = self._vocabulary
        return frozenset(
            token
            for token in range(self.vocabulary_size)
            if llama_cpp.llama_vocab_is_eog(vocabulary, token)
        )

    def tokenize(
        self, text: str, *, special: bool = False, begin: bool = False
    ) -> NDArray[np.int32]:
        """Token ids ``(n,)`` of ``text``.

        With ``special``, control tokens written out in the text (``<|im_end|>``) become those
        tokens. Text from outside must not: it could end its own message; see `llama.markers`. With
        ``begin``, the token that begins a text is put in front, for models that want one.

        Raises
        ------
        ReaderError
            There is no tokenizer, or none that can tokenize this text.
        """
        tokens = self.tokenize_part(text, special=special, first=True)
        if begin and self.begin is not None:
            return np.concatenate([np.asarray([self.begin], dtype=np.int32), tokens])
        return tokens

    def count(self, text: str) -> int:
        """Return the number of tokens of ``text`` as a part of a chat, nothing added."""
        return len(self.tokenize_part(text))

    def token_bytes(self, token: int) -> bytes:
        """Return what a token stands for; control tokens stand for nothing."""
        buffer = ctypes.create_string_buffer(64)
        size = llama_cpp.llama_token_to_piece(self._vocabulary, token, buffer, 64, 0, False)
        if size < 0:
            buffer = ctypes.create_string_buffer(-size)
            size = llama_cpp.llama_token_to_piece(self._vocabulary, token, buffer, -size, 0, False)
        return buffer.raw[:size]

    def pieces(self, tokens: NDArray[np.int32]) -> list[bytes]:
        """Return what each token stands for."""
        return [self.token_bytes(token) for token in tokens.tolist()]

    def tail(self, tokens: NDArray[np.int32], text: str) -> int:
        """Return how many of the last tokens are needed to cover ``text``, with which they end."""
        missing = len(text.encode())
        count = 0
        for piece in reversed(self.pieces(tokens)):
            if missing <= 0:
                break
            missing -= len(piece)
            count += 1
        return count

    def stream_text(self, tokens: Iterator[int]) -> Iterator[str]:
        """Turn tokens into text as they come; a character cut into several tokens waits for all."""
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        for token in tokens:
            if piece := decoder.decode(self.token_bytes(token)):
                yield piece
        if rest := decoder.decode(b"", final=True):
            yield rest

    def tokenize_part(
        self, text: str, *, special: bool = False, first: bool = False
    ) -> NDArray[np.int32]:
        """Tokenize a part of a longer text; `tokenize` says what ``special`` is.

        SentencePiece vocabularies put a space before every text they are given; in the middle of
        one there is none. So the part is tokenized behind something that never merges.
        """
        if not self.has_text:
            raise ReaderError(f"{self.path}: has no tokenizer; only token ids can be fed")
        if special:
            return self._cut_part(text, first, special=True)
        return self._markers.plain(text, self._cut_part, first)

    @cached_property
    def _markers(self) -> Markers:
        return Markers(self.path, self._vocabulary, self.chat_template, self._adds_space)

    @cached_property
    def _adds_space(self) -> bool:
        """Whether the tokenizer puts a space before a text."""
        return b"".join(self.pieces(self._cut("A"))) == b" A"

    def _cut_part(self, text: str, first: bool, *, special: bool = False) -> NDArray[np.int32]:
        if first or not text or not self._adds_space:
            return self._cut(text, special=special)
        for lead in _LEADS:
            own, whole = self._cut(lead), self._cut(lead + text, special=special)
            apart = whole[: len(own)].tolist() == own.tolist()
            if apart and not any(map(self._is_user_defined, own.tolist())):  # a space would follow
                return whole[len(own) :]
        return self._cut(text, special=special)

    def _is_user_defined(self, token: int) -> bool:
        attributes = llama_cpp.llama_vocab_get_attr(self._vocabulary, token)
        return bool(attributes & llama_cpp.LLAMA_TOKEN_ATTR_USER_DEFINED)

    def _cut(self, text: str, *, special: bool = False) -> NDArray[np.int32]:
        """Tokenize as llama.cpp does."""
        raw = text.encode()
        room = len(raw) + 8
        buffer = (llama_cpp.llama_token * room)()
        count = llama_cpp.llama_tokenize(
            self._vocabulary, raw, len(raw), buffer, room, False, special
        )
        if count < 0:
            raise ReaderError(f"{self.path}: cannot tokenize a text of {len(raw)} bytes")
        return np.ctypeslib.as_array(buffer)[:count].astype(np.int32)

    @property
    def first(self) -> int:
        """The token that begins a text, or -1; whether texts want one says `begin`."""
        return int(llama_cpp.llama_vocab_bos(self._vocabulary))

    @property
    def end(self) -> int:
        """The token that ends a text, or -1."""
        return int(llama_cpp.llama_vocab_eos(self._vocabulary))

    @property
    def begin(self) -> int | None:
        """The token to put in front of every text; ``None`` for models that want none."""
        wanted = llama_cpp.llama_vocab_get_add_bos(self._vocabulary)
        return self.first if wanted and self.first >= 0 else None

    def token_text(self, token: int) -> str:
        """Return a token as templates write it, control tokens too; nothing for -1."""
        text = llama_cpp.llama_vocab_get_text(self._vocabulary, token) if token >= 0 else b""
        return bytes(text or b"").decode(errors="replace")

    @property
    def has_text(self) -> bool:
        """Whether there is a tokenizer; llama.cpp aborts the process where it misses one."""
        kind = llama_cpp.llama_vocab_type(self._vocabulary)
        return bool(kind != llama_cpp.LLAMA_VOCAB_TYPE_NONE)
