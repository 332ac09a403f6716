"""ROUGE-L: how much of two texts is one common subsequence of words (Lin, 2004)."""

from __future__ import annotations

import re


def rouge_l(text: str, wanted: str) -> float:
    """F1 of the longest common subsequence of words, case ignored."""
    one, other = (re.findall(r"\w+", each.lower()) for each in (text, wanted))
    if not one or not other:
        return float(one == other)
    row = [0] * (len(other) + 1)
    for word in one:
        diagonal = 0
        for at, its in enumerate(other, start=1):
            above = row[at]
            row[at] = diagonal + 1 if word == its else max(above, row[at - 1])
            diagonal = above
    return 2 * row[-1] / (len(one) + len(other))
