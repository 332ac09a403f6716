"""Text as it is cut: words and sentences, names, negations, structure, tokenizers."""

from __future__ import annotations

from typing import Literal

WordBoundary = Literal["wordpiece", "space"]
"""How a tokenizer marks words. ``space`` (byte-level BPE, SentencePiece): a piece goes on a word
when it begins inside one of the text's words, as letters, digits and what joins them make them.
``wordpiece``: also when it begins with the continuation prefix."""
