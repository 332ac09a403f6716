"""Exact match and F1 of answers, as SQuAD's evaluation counts them."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

SYSTEM = (
    "You answer questions about the text you are given. Answer with a few words from the text, "
    "nothing else."
)
"""What readers are told."""

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalized(text: str) -> str:
    """Lower case, without punctuation and articles, one space between words.

    The normalisation of Rajpurkar et al. 2016 (arXiv:1606.05250).
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str, accepted: Sequence[str]) -> float:
    """1 where the answer is one of those accepted, once both are `normalized`; else 0."""
    return float(normalized(answer) in {normalized(each) for each in accepted})


def f1(answer: str, accepted: Sequence[str]) -> float:
    """F1 of the answer's words with the accepted answer that shares the most."""
    return max(_f1(normalized(answer).split(), normalized(each).split()) for each in accepted)


def _f1(words: list[str], wanted: list[str]) -> float:
    if not words or not wanted:
        return float(words == wanted)
    shared = sum((Counter(words) & Counter(wanted)).values())
    return 2 * shared / (len(words) + len(wanted))
