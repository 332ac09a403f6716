"""Counts a known GGUF model's tokens without llama.cpp, where the number is sure to be the same.

For a short text, llama.cpp and its vocabulary take longer to load than all the rest that it takes
to compress it. Only SmolLM's tokenizer is known here: GPT-2's splitting of a text, every digit on
its own, and merges of bytes (Sennrich et al. 2016, arXiv:1508.07909).
"""

from __future__ import annotations

import unicodedata
from itertools import count, pairwise
from pathlib import Path

from edgelingua.llama.gguf_metadata import read_metadata
from edgelingua.text.boundaries import byte_level_words

_KIND = {"tokenizer.ggml.model": b"gpt2", "tokenizer.ggml.pre": b"smollm"}
_TOKENS, _MERGES = "tokenizer.ggml.tokens", "tokenizer.ggml.merges"
_LETTERS = set(map(chr, range(ord("!"), 0x144)))
"""Among them the 256 that stand for bytes."""

MOST_CHARACTERS = 50_000
"""Longest text that is counted here; above, llama.cpp's speed is worth its loading."""
_LONGEST_WORD = 100
"""Bytes of a word whose merges are sought one after the other."""


class BytePairs:
    """A tokenizer that only counts. Make one with `read`.

    Parameters
    ----------
    merges
        ``left right``, the first one that fits is made first; in UTF-8, which takes less memory.
    letters
        The tokens of one letter each, as which GPT-2 writes a byte.
    """

    def __init__(self, merges: list[bytes], letters: set[str]) -> None:
        self._ranks = dict(zip(merges, count(), strict=False))
        self._letters = letters
        self._counts: dict[str, int] = {}

    @classmethod
    def read(cls, path: Path) -> BytePairs | None:
        """Take a model's tokenizer from its file; ``None``: it is of a kind not known here.

        Of a file that is known, by its hash: that its merges make tokens, and that no token is
        looked for before them, is not asked. What is wrong with it is left to llama.cpp to say.
        """
        try:
            if read_metadata(path, _KIND) != _KIND:
                return None
            # The letters come first, behind a few control tokens.
            first = read_metadata(path, [_TOKENS], most=300)[_TOKENS]
            letters = {token.decode() for token in first} & _LETTERS
            return cls(read_metadata(path, [_MERGES])[_MERGES], letters)
        except (OSError, ValueError, KeyError):
            return None

    def count(self, text: str) -> int | None:
        """Return the number of tokens of ``text``; ``None``: only llama.cpp is sure of it."""
        # Which class a character is of that Unicode has added lately depends on the library.
        if len(text) > MOST_CHARACTERS or not (
            text.isascii() or all(unicodedata.category(c) != "Cn" for c in set(text))
        ):
            return None
        total = 0
        for word in byte_level_words(text):
            if word not in self._counts:
                if len(word) > _LONGEST_WORD or not self._letters.issuperset(word):
                    return None
                self._counts[word] = self._count_word(word)
            total += self._counts[word]
        return total

    def _count_word(self, word: str) -> int:
        parts, never = [letter.encode() for letter in word], len(self._ranks)
        while len(parts) > 1:
            ranks = [self._ranks.get(b"%b %b" % pair, never) for pair in pairwise(parts)]
            best = min(ranks)
            if best == never:
                break
            at = ranks.index(best)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        return len(parts)
