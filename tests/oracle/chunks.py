"""Chunks of a text and the words in them, as llmlingua 0.2.2 gives them to a token classifier."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgelingua.errors import InputError
from edgelingua.scorers import ClassifierScorer
from tests.oracle.engine import ADDED_TOKENS, Engine
from tests.oracle.words import Forcing, WordMerger, Words

MAX_LENGTH = 512
"""Tokens of a chunk, its special tokens included; the reference has no other length."""

# The reference writes these names around a chunk whatever the tokenizer calls its own.
_FIRST, _LAST, _PAD = "[CLS]", "[SEP]", "[PAD]"


class ChunkReader:
    """Cuts texts into chunks and chunks into words with probabilities.

    Parameters
    ----------
    engine
        A ``classifier`` bundle. Its manifest's word boundary chooses the reference's family:
        ``wordpiece`` for BERT, ``space`` for XLM-R.

    Raises
    ------
    InputError
        Another kind of bundle.
    """

    def __init__(self, engine: Engine) -> None:
        if not isinstance(engine.scorer, ClassifierScorer):
            raise InputError("LLMLingua-2 needs a classifier bundle")
        self._scorer = engine.scorer
        self._tokenizer = engine.tokenizer
        boundary = engine.bundle.manifest.tokens.word_boundary
        self._merger = WordMerger(boundary, self._tokenizer.special_tokens)

    def forcing(self, tokens: Sequence[str], digits: bool) -> Forcing:
        """Find out which forced tokens need an added token to stand for them.

        Raises
        ------
        InputError
            There are more forced tokens than added ones.
        """
        if len(tokens) > len(ADDED_TOKENS):
            raise InputError(f"force_tokens: {len(tokens)} tokens, at most {len(ADDED_TOKENS)}")
        stand_ins = {
            token: stand_in
            for token, stand_in in zip(tokens, ADDED_TOKENS, strict=False)
            if len(self._tokenizer.tokens(token)) != 1
        }
        return Forcing(tokens, stand_ins, digits)

    def cut(self, text: str, ends: set[str]) -> list[str]:
        """Cut a text behind the last ``ends`` token before a chunk is full."""
        pieces = self._tokenizer.tokens(text)
        room = MAX_LENGTH - 2
        chunks = []
        start = 0
        while start < len(pieces):
            # One more than there is room for: a chunk without an end overflows by a token.
            last = start + room
            if last >= len(pieces):
                last = len(pieces) - 1
            else:
                candidates = range(last, start, -1)
                last = next((at for at in candidates if pieces[at] in ends), last)
            chunks.append(self._tokenizer.join(pieces[start : last + 1]))
            start = last + 1
        return chunks

    def words(self, chunk: str, forcing: Forcing) -> Words:
        """Return a chunk's words and the probabilities of their pieces."""
        pieces = [_FIRST, *self._tokenizer.tokens(chunk), _LAST][:MAX_LENGTH]
        # What looks like padding in a text is treated as such.
        seen = np.asarray([piece != _PAD for piece in pieces])
        ids, names = self._tokenizer.known(pieces)
        keep = self._scorer.probabilities(np.asarray(ids, dtype=np.int64), seen.astype(np.int64))
        visible = [name for name, shown in zip(names, seen, strict=True) if shown]
        return self._merger.merge(visible, list(keep[seen]), forcing)

    def join(self, words: list[str]) -> str:
        """Put words together."""
        return self._tokenizer.join(words)

    def shown(self, word: str) -> str:
        """Return a word as labels show it."""
        return self._merger.shown(word)
