"""What a model may write, as a grammar in llama.cpp's notation (GBNF)."""

from __future__ import annotations

import ctypes
import weakref
from typing import Any

import numpy as np

from edgelingua.errors import ReaderError
from edgelingua.llama.library import forget, llama_cpp, why
from edgelingua.llama.vocabulary import Vocabulary


class Grammar:
    """A grammar at work: which tokens may come next.

    Parameters
    ----------
    vocabulary
        The model's.
    rules
        The grammar; it begins at ``root``.
    after
        Anything may be written until this text, at the end of a token or before white space; then
        the grammar holds. Nothing: it holds from the beginning.

    Raises
    ------
    ReaderError
        llama.cpp does not take the grammar.
    """

    def __init__(self, vocabulary: Vocabulary, rules: str, after: str = "") -> None:
        self._vocabulary = vocabulary
        self._after = after.encode()
        self._text = b""
        self._holds = not after
        forget()
        self._sampler = llama_cpp.llama_sampler_init_grammar(
            vocabulary.vocabulary, rules.encode(), b"root"
        )
        if not self._sampler:
            raise ReaderError(f"llama.cpp does not take this grammar: {why()}")
        weakref.finalize(self, llama_cpp.llama_sampler_free, self._sampler)

    def allows(self, token: int) -> bool:
        """Return whether a token may come next."""
        if not self._holds:
            return True
        one = (llama_cpp.llama_token_data * 1)(llama_cpp.llama_token_data(token, 0.0, 0.0))
        self.mask(llama_cpp.llama_token_data_array(data=one, size=1, selected=-1))
        return bool(np.isfinite(one[0].logit))

    def mask(self, candidates: Any) -> None:
        """Make the logits of all candidates that may not come next minus infinity."""
        if self._holds:
            llama_cpp.llama_sampler_apply(self._sampler, ctypes.byref(candidates))

    def accept(self, token: int) -> None:
        """Go on behind a token that is allowed; any other would end the process."""
        if self._holds:
            llama_cpp.llama_sampler_accept(self._sampler, token)
            return
        # Of what was written, no more than the end may belong to the text that is waited for.
        self._text = self._text[-len(self._after) :] + self._vocabulary.token_bytes(token)
        self._holds = self._text.rstrip().endswith(self._after)
