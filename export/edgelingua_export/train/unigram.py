"""A smaller Unigram vocabulary, and the ``tokenizer.json`` around it."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

SPACE = "▁"
SPECIAL = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}
"""Of XLM-R's vocabulary, by their ids; ``<mask>`` is its last."""


def chosen(
    pieces: Sequence[str],
    counts: NDArray[np.int64],
    size: int,
    scripts: Collection[str],
    likely: int,
) -> list[int]:
    """Return the numbers of the pieces that stay, ascending; the last of ``pieces`` is ``<mask>``.

    Special tokens and single characters stay in any case: what the whole vocabulary can write, the
    smaller one can. So do the pieces of the ``scripts`` among the ``likely`` first, for languages
    that are not in the data: the vocabulary is in the order of their probability. Then the most
    frequent, as far as ``size`` goes.

    Parameters
    ----------
    counts
        How often each piece was met ``(V,)``.
    scripts
        First words of the Unicode names of their letters.
    """
    single = [i for i, piece in enumerate(pieces) if len(piece.removeprefix(SPACE)) <= 1]
    fixed = {*SPECIAL.values(), len(pieces) - 1, *single}
    fixed |= {i for i, piece in enumerate(pieces[:likely]) if script(piece) in scripts}
    met = [i for i in np.argsort(-counts, kind="stable").tolist() if counts[i] and i not in fixed]
    return sorted(fixed | set(met[: max(0, size - len(fixed))]))


def script(piece: str) -> str:
    """First word of the Unicode name of a piece's first letter; empty: it has none."""
    letter = next((c for c in piece if c.isalpha()), "")
    return unicodedata.name(letter, "").split(" ")[0] if letter else ""


def tokenizer_json(pieces: Sequence[str], scores: Sequence[float]) -> str:
    """Return a ``tokenizer.json`` that cuts text as XLM-R does, and joins two as BERT does.

    XLM-R's characters are NFKC's, without control characters; what has no width is a space
    (SentencePiece's nmt_nfkc).
    """
    names = [*SPECIAL, pieces[-1]]
    numbers = {name: pieces.index(name) for name in names}
    return json.dumps(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [
                {"id": numbers[name], "content": name, "single_word": False, "lstrip": False,
                 "rstrip": False, "normalized": False, "special": True}
                for name in names
            ],
            "normalizer": {"type": "Sequence", "normalizers": [
                {"type": "NFKC"},
                _replace("[\\x00-\\x08\\x0b\\x0e-\\x1f\\x7f\\x{8f}\\x{9f}]", ""),
                _replace("[\\x{200b}-\\x{200f}\\x{2581}\\x{feff}\\x{fffd}]", " "),
            ]},
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                {"type": "WhitespaceSplit"},
                {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": "always",
                 "split": True},
            ]},
            "post_processor": {
                "type": "TemplateProcessing",
                "single": [_special("<s>", 0), _text("A", 0), _special("</s>", 0)],
                "pair": [_special("<s>", 0), _text("A", 0), _special("</s>", 0), _text("B", 1),
                         _special("</s>", 1)],
                "special_tokens": {
                    name: {"id": name, "ids": [numbers[name]], "tokens": [name]}
                    for name in ("<s>", "</s>")
                },
            },
            "decoder": {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": "always",
                        "split": True},
            "model": {
                "type": "Unigram",
                "unk_id": numbers["<unk>"],
                "vocab": [[p, float(s)] for p, s in zip(pieces, scores, strict=True)],
                "byte_fallback": False,
            },
        },
        ensure_ascii=False,
    )  # fmt: skip


def _replace(pattern: str, content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": {"Regex": pattern}, "content": content}


def _special(name: str, kind: int) -> dict[str, Any]:
    return {"SpecialToken": {"id": name, "type_id": kind}}


def _text(name: str, kind: int) -> dict[str, Any]:
    return {"Sequence": {"id": name, "type_id": kind}}
