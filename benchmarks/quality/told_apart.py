"""How often texts and questions are told from English, or taken for it (`text.languages`).

    python -m benchmarks.quality.told_apart --data DIR > benchmarks/quality/told_apart.md

Texts and questions of ``dev/multi``, and of the files of ``train/multi`` that are the only ones of
their languages; at most 400 rows of each file, in a fixed shuffle.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.quality.tables import table

from edgelingua.text.languages import language
from edgelingua_export.train.labels import rows

MOST = 400
ONLY = ("qa_mlqa_dev_half_*", "qa_tydiqa_goldp_ar_ru", "qa_uquad_ur")
TEXT = """# Told from English

How often `edgelingua.text.languages` takes what is English for English, and what is not for
something else. *Texts*: passages, and for English also logs, tables, code and articles.
Made by `benchmarks/quality/told_apart.py`; a row is a language as its set names it.
"""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with dev and train")
    data: Path = parser.parse_args().data
    files = sorted((data / "dev/multi").glob("*.jsonl.gz"))
    files += sorted(f for name in ONLY for f in (data / "train/multi").glob(f"{name}.jsonl.gz"))
    right: Counter[tuple[str, str]] = Counter()
    seen: Counter[tuple[str, str]] = Counter()
    for file in files:
        every = list(rows(file))
        for at in np.random.default_rng(0).permutation(len(every))[:MOST].tolist():
            for kind, lang, text in _pieces(every[at], machine=file.name.startswith("lines")):
                seen[lang, kind] += 1
                right[lang, kind] += (lang == "en") == (not language(text))
    names = sorted({lang for lang, _ in seen})
    head = ["language", *(f"{kind}, n" if at else kind for kind in KINDS for at in (0, 1))]
    print(TEXT)
    print(table(head, [[lang, *_cells(right, seen, lang)] for lang in names]))
    others = [kind for kind in KINDS if kind != KINDS[1]]
    for kind in others:
        told = sum(n for (lang, k), n in right.items() if lang != "en" and k == kind)
        of = sum(n for (lang, k), n in seen.items() if lang != "en" and k == kind)
        print(f"\nAll but English, {kind}: {100 * told / of:.1f} % of {of:,}.")


KINDS = ("texts", "machine text", "questions")


def _pieces(row: dict[str, Any], *, machine: bool) -> list[tuple[str, str, str]]:
    text = row.get("context") or row.get("given_text") or "\n".join(row.get("lines", ()))
    asked = row.get("qlang") or row["lang"]
    found = [(KINDS[machine], row["lang"], text), (KINDS[2], asked, row["question"])]
    return [piece for piece in found if piece[2].strip()]


def _cells(right: Counter[tuple[str, str]], seen: Counter[tuple[str, str]], lang: str) -> list[str]:
    cells: list[str] = []
    for kind in KINDS:
        n = seen[lang, kind]
        cells += [f"{100 * right[lang, kind] / n:.1f}", f"{n:,}"] if n else ["–", "0"]
    return cells


if __name__ == "__main__":
    main()
