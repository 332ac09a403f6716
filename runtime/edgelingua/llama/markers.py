"""Text as text: nothing written in it becomes one of a model's markers.

Told that a text has no control tokens, llama.cpp still makes them of what is written out in two
cases: a file may call them user-defined (Qwen's ``<tool_call>``; ``<|im_start|>`` in files of old
converters), and merging letters may lead to one (``</`` and ``s>``). Where that happens the text is
cut inside what stands for the marker and both sides are tokenized apart, so that the model reads
letters.

A marker is a control token, a token that begins or ends texts, or a user-defined one, unless that
is plain text: white space, a single character, or a word that the chat template does not write. The
first two are how vocabularies keep indentation and digits whole, the third how they learn words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import ReaderError
from edgelingua.llama.library import llama_cpp

Tokens = NDArray[np.int32]

_UNTRIED, _PLAIN, _AFTER, _LITERAL, _MARKER = range(5)
_SPACE = "\u2581"  # as SentencePiece writes it


class Markers:
    """The markers of a vocabulary, and text tokenized without them.

    Parameters
    ----------
    path
        The model's file, for errors.
    vocabulary
        As llama.cpp knows it.
    template
        The model's chat template, or nothing.
    adds_space
        Whether the tokenizer puts a space before a text, and so behind every user-defined token.
    """

    def __init__(self, path: Path, vocabulary: Any, template: str, adds_space: bool) -> None:
        self._path = path
        self._vocabulary = vocabulary
        self._template = template
        self._adds_space = adds_space
        self._kinds = np.zeros(int(llama_cpp.llama_vocab_n_tokens(vocabulary)), dtype=np.int8)

    def plain(self, text: str, cut: Callable[[str, bool], Tokens], first: bool) -> Tokens:
        """Tokenize a text without markers.

        Parameters
        ----------
        text
            The text.
        cut
            Tokenizes a piece of it as llama.cpp does, and is told whether that is the first.
        first
            Whether the text stands at the beginning of what the model reads.

        Raises
        ------
        ReaderError
            A single character of the text is a marker.
        """
        done: list[Tokens] = []
        left = [(text, first)]  # the next one last
        while left:
            piece, leads = left.pop()
            tokens = cut(piece, leads)
            borders = self._borders(piece, tokens)
            if not borders:
                done.append(tokens)
                continue
            ends = [*borders, len(piece)]
            starts = [0, *borders]
            pieces = [piece[start:end] for start, end in zip(starts, ends, strict=True)]
            left += [(part, leads and not at) for at, part in enumerate(pieces)][::-1]
        return done[0] if len(done) == 1 else np.concatenate(done)

    def _borders(self, text: str, tokens: Tokens) -> list[int]:
        """Where to cut a text of which something wrong was made; nowhere if nothing was."""
        kinds = self._kinds[tokens]
        if not kinds.all():
            for token in np.unique(tokens[kinds == _UNTRIED]).tolist():
                self._kinds[token] = self._kind(token)
            kinds = self._kinds[tokens]
        if kinds.max(initial=_PLAIN) == _PLAIN:
            return []
        borders = set(self._inside(text, np.unique(tokens[kinds >= _LITERAL]).tolist()))
        borders |= set(self._behind(text, np.unique(tokens[:-1][kinds[:-1] == _AFTER]).tolist()))
        if not borders and (kinds == _MARKER).any():
            if len(text) == 1:
                raise ReaderError(
                    f"{self._path}: its vocabulary has no token for {text!r} but a control token; "
                    "leave that character out, or choose another reader"
                )
            return [len(text) // 2]
        return sorted(borders - {len(text)})

    def _inside(self, text: str, tokens: list[int]) -> Iterator[int]:
        """Offsets behind the first character of each place where a token is written out."""
        for found in self._written(text, tokens):
            if found.end() - found.start() > 1:
                yield found.start() + 1

    def _behind(self, text: str, tokens: list[int]) -> Iterator[int]:
        """Offsets behind each place where a token is written out."""
        return (found.end() for found in self._written(text, tokens))

    def _written(self, text: str, tokens: list[int]) -> Iterator[re.Match[str]]:
        names = {name for token in tokens for name in self._names(token)}
        if not names:
            return iter(())
        longest_first = sorted(names, key=lambda name: (-len(name), name))
        return re.finditer("|".join(map(re.escape, longest_first)), text)

    def _names(self, token: int) -> set[str]:
        """What a token is written as: as it is, or with SentencePiece's sign for a space."""
        name = bytes(llama_cpp.llama_vocab_get_text(self._vocabulary, token) or b"")
        text = name.decode(errors="replace")
        return {text, text.replace(_SPACE, " ")} - {""}

    def _kind(self, token: int) -> int:
        attributes = llama_cpp.llama_vocab_get_attr(self._vocabulary, token)
        longest = max(self._names(token), key=len, default="")
        if attributes & llama_cpp.LLAMA_TOKEN_ATTR_CONTROL:
            return _MARKER
        if attributes & (llama_cpp.LLAMA_TOKEN_ATTR_BYTE | llama_cpp.LLAMA_TOKEN_ATTR_UNKNOWN):
            return _LITERAL  # fine unless somebody wrote <0x0A> or <unk>
        ends = llama_cpp.llama_vocab_is_eog(self._vocabulary, token)
        if len(longest) > 1 and (ends or token == llama_cpp.llama_vocab_bos(self._vocabulary)):
            return _MARKER
        if not attributes & llama_cpp.LLAMA_TOKEN_ATTR_USER_DEFINED:
            return _PLAIN
        blank = not longest.replace(_SPACE, " ").strip()
        word = longest.isalnum() and longest not in self._template
        if len(longest) > 1 and not blank and not word:
            return _MARKER
        return _AFTER if self._adds_space else _PLAIN
