"""Values for a chat template in which nothing written can act as a control token."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelingua.llama.vocabulary import Vocabulary

_MARK = re.compile("\ue000(\\d+)\ue001")


_MARKS = {"\ue000", "\x02"}
"""What marks here, and in `llama.template`, begin with."""


class Hidden:
    """Texts that a template gets marks for, as definitions of tools are its own to lay out.

    Only what would become a control token is hidden: templates may ask what a text is.

    Parameters
    ----------
    vocabulary
        The model's.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._texts: list[str] = []

    def of(self, value: Any) -> Any:
        """Return a value, as JSON has them, with marks in place of such texts."""
        if isinstance(value, dict):
            return {self.of(key): self.of(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.of(one) for one in value]
        if not isinstance(value, str):
            return value
        plain = self._vocabulary.tokenize_part(value)
        acting = self._vocabulary.tokenize_part(value, special=True)
        if not set(value) & _MARKS and np.array_equal(plain, acting):
            return value
        self._texts.append(value)
        return f"\ue000{len(self._texts) - 1}\ue001"

    def tokenized(self, rendered: str, *, first: bool = False) -> NDArray[np.int32]:
        """Return the tokens of what a template wrote: its control tokens act, hidden ones do not.

        Hidden texts are written as in JSON, which is how templates write tools.
        """
        parts = _MARK.split(rendered)
        found = []
        for at, part in enumerate(parts):
            if at % 2:
                written = json.dumps(self._texts[int(part)], ensure_ascii=False)[1:-1]
                found.append(self._vocabulary.tokenize_part(written))
            else:
                tokens = self._vocabulary.tokenize_part(part, special=True, first=first and not at)
                found.append(tokens)
        return np.concatenate(found)
