"""What a reader is told to write of a chunk, the grammar that bounds it, and how it is read."""

from __future__ import annotations

import re
from collections.abc import Sequence

SYSTEM = "You shorten texts. You keep names, numbers and facts as they are, and add nothing."

_WORDS_PER_TOKEN = 0.7
_SHORTEST = 6
"""Words of a sentence: fewer say little."""

_ITEM = re.compile(r"\s*([^\[\]]+?) \[(\d+)\]")


def request(sentences: Sequence[str], question: str, tokens: int) -> str:
    """Return what the reader is asked: to write a chunk again in so many tokens, with sources."""
    numbered = "\n".join(f"[{at}] {' '.join(text.split())}" for at, text in enumerate(sentences, 1))
    about = f" Keep what answers the question: {question}" if question else ""
    return (
        f"{numbered}\n\nShorten this text to at most {_words(tokens)} words, in whole sentences."
        f"{about}\nEnd each sentence with the number of the one it is from, like [1]."
    )


def grammar(sentences: int, tokens: int) -> str:
    """Return the grammar (GBNF) of sentences with a source each, no longer than asked for."""
    words = _words(tokens)
    most = max(1, min(sentences, words // _SHORTEST))
    numbers = " | ".join(f'"{at}"' for at in range(1, sentences + 1))
    return (
        f'root ::= item (" " item){{0,{most - 1}}}\n'
        f'item ::= word (" " word){{2,{words}}} " [" number "]"\n'
        "word ::= [^ \\t\\r\\n\\[\\]]{1,40}\n"
        f"number ::= {numbers}\n"
    )


def parse(written: str) -> list[tuple[str, int]]:
    """Return sentences with the index, from 0, of the one that each names; a torso is left out."""
    return [(text.strip(), int(number) - 1) for text, number in _ITEM.findall(written)]


def _words(tokens: int) -> int:
    return max(_SHORTEST, int(_WORDS_PER_TOKEN * tokens))
