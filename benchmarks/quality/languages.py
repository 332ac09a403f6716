"""Questions in many languages, each asked of its passage among the ones nearest to it.

The data folder holds ``dev/multi`` and ``train/multi`` (its README says where each file is from).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgelingua_export.train.labels import held_back, rows
from edgelingua_export.train.negatives import Nearest
from edgelingua_export.train.readers_multi import passage

DISTRACTORS = 9


@dataclass(frozen=True)
class Asked:
    """A question, passages, and strings that answer it; ``qlang`` is the question's language."""

    lang: str
    qlang: str
    file: str
    question: str
    passages: tuple[str, ...]
    answers: tuple[str, ...]


FILES: Mapping[str, Sequence[str]] = {
    "am": ("qa_amqa_am",), "ar": ("qa_arcd_test_ar",), "ca": ("qa_viquiquad_ca",),
    "en": ("qa_tydiqa_goldp_dev_en_id_ko_sw",),
    "fa": ("qa_pquad_test_fa", "qa_persianqa_test_fa", "qa_parsinlu_fa_NC"),
    "fr": ("qa_piaf_fr", "qa_fquad_valid_fr_NC"), "he": ("qa_heq_test_he", "qa_parashoot_he"),
    "id": ("qa_idkmrc_id", "qa_tydiqa_goldp_dev_en_id_ko_sw"),
    "ja": ("qa_jaquad_dev_ja", "qa_jsquad_test_ja"), "kk": ("qa_kazqad_kk",),
    "ko": ("qa_korquad_ko_ND", "qa_tydiqa_goldp_dev_en_id_ko_sw"), "no": ("qa_norquad_no",),
    "pt": ("qa_faquad_pt",), "sw": ("qa_tydiqa_goldp_dev_en_id_ko_sw",),
    "th": ("qa_iapp_wiki_th",), "tr": ("qa_tquad_dev_tr",), "vi": ("qa_mailong25_vi",),
    "zh": ("qa_cmrc2018_trial_zh", "qa_drcd_test_zh_hant"),
}  # fmt: skip
"""Files of ``dev/multi`` by language."""

LEFT_OUT: Mapping[str, tuple[str, float]] = {
    "qa_mlqa_dev_half_7lang": ("{}-mlqa", 0.4),
    "qa_mlqa_dev_half_crosslingual": ("x-{}", 0.4),
    "qa_tydiqa_goldp_ar_ru": ("{}-tydi", 0.15),
}
"""Files of ``train/multi``, the names of their settings, and the share that the recipe leaves out:
the only German, Spanish, Hindi and Russian, and questions in another language."""


def draw(data: Path, size: int) -> dict[str, list[Asked]]:
    """Return some questions of each setting, always the same: the first of a fixed shuffle.

    A setting is a language, a language and a set (`LEFT_OUT`), or ``x-`` and the language of
    passages that are asked about in others.
    """
    found: dict[str, list[Asked]] = {}
    for lang in FILES:
        found[lang] = of_language(data, lang, size)
    for name, (label, share) in LEFT_OUT.items():
        every = [(name, row) for row in rows(data / "train/multi" / f"{name}.jsonl.gz")]
        known = {row["context"] for _, row in every if not held_back(str(row["id"]), share)}
        for lang in sorted({row["lang"] for _, row in every}):
            own = [pair for pair in every if pair[1]["lang"] == lang]
            asked = [
                (name, row)
                for _, row in own
                if held_back(str(row["id"]), share) and row["context"] not in known
            ]
            found[label.format(lang)] = list(_asked(_some(asked, size), own))
    return found


def of_language(data: Path, lang: str, size: int) -> list[Asked]:
    """Return some questions of a language of `FILES`."""
    own = [
        (name, row)
        for name in FILES[lang]
        for row in rows(data / "dev/multi" / f"{name}.jsonl.gz")
        if row["lang"] == lang
    ]
    return list(_asked(_some(own, size), own))


_Row = tuple[str, Mapping[str, Any]]


def _some(own: Sequence[_Row], size: int) -> list[_Row]:
    answered = [pair for pair in own if any(a["text"].strip() for a in pair[1]["answers"])]
    order = np.random.default_rng(0).permutation(len(answered))[:size]
    return [answered[i] for i in order.tolist()]


def _asked(asked: Sequence[_Row], pool: Sequence[_Row]) -> Iterator[Asked]:
    near = Nearest(passage(row)[0] for _, row in pool)
    rng = np.random.default_rng(0)
    for name, row in asked:
        answers = tuple(dict.fromkeys(a["text"].strip() for a in row["answers"] if a["text"]))
        text = passage(row)[0]
        others = near.without(_search(row), {text}, {answer.lower() for answer in answers})
        chosen = [text, *(other for other, _ in zip(others, range(DISTRACTORS), strict=False))]
        passages = tuple(chosen[i] for i in rng.permutation(len(chosen)).tolist())
        yield Asked(row["lang"], row.get("qlang") or row["lang"], name, row["question"], passages,
                    answers)  # fmt: skip


def _search(row: Mapping[str, Any]) -> str:
    """What passages are near of: of a question in another language, the words around the answer."""
    if (row.get("qlang") or row["lang"]) == row["lang"]:
        return str(row["question"])
    start = row["answers"][0]["start"]
    return str(row["context"][max(0, start - 100) : start + 100])
