"""Answers that survive in languages that edgelingua-multi was never trained on.

    python -m benchmarks.quality.transfer --ntrex DIR
    python -m benchmarks.quality.transfer --table > benchmarks/quality/transfer.md

No set of questions and passages is at hand in these, but parallel text is: NTREX-128 (CC BY-SA 4.0,
github.com/MicrosoftTranslator/NTREX), 123 English news articles, put into 128 languages sentence by
sentence by people. ``transfer_questions.tsv`` asks about 40 of its sentences that have a number.
"""

from __future__ import annotations

import argparse
import csv
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
from benchmarks.quality import drawn
from benchmarks.quality.languages import DISTRACTORS, Asked
from benchmarks.quality.multi import KEY, measure
from benchmarks.quality.multi_tables import results_table
from benchmarks.quality.rows import Rows

from edgelingua_export.train.negatives import Nearest

HERE = Path(__file__).parent
QUESTIONS = HERE / "transfer_questions.tsv"
RESULTS = HERE / "results" / "transfer.jsonl"
METHODS = ("multi", "bm25")
FILES = {
    "it": "ita", "nl": "nld", "pl": "pol", "uk": "ukr", "cs": "ces", "sv": "swe", "no": "nob",
    "el": "ell", "ro": "ron", "bn": "ben", "sw": "swa",
}  # fmt: skip
"""Languages, and how NTREX calls them."""

SENTENCES = 4
"""Of a passage: a part of an article."""

TEXT = """# Answers that survive in languages without a set

Italian, Dutch, Polish, Ukrainian, Czech, Swedish, Greek, Romanian and Bengali: edgelingua-multi was
trained on no question and no passage in any of them, and there is no set of questions for them
here. There is parallel text: NTREX-128 (CC BY-SA 4.0), English news put into these languages by
people. Questions ask about sentences with a number that every language writes in digits; they
were written for this, in words other than the sentence's, and put into each language without
looking at its text, neither by native speakers: `transfer_questions.tsv`. Norwegian and Swahili
have sets of their own too ([multi](multi.md)).

Each question is asked of ten passages of its language: the four sentences around its own, and the
nine BM25-nearest to that sentence that lack the number, in a fixed shuffle. Share (%) of questions
whose number is still there, at the share of the pieces (of edgelingua-multi's tokenizer, for both)
that is kept; 95 % bootstrap intervals. Made by `benchmarks/quality/transfer.py` from
`results/transfer.jsonl`. News in translation, and numbers alone: other texts and answers may do
worse.
"""


def main() -> None:
    """Compress what is not among the results, or print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ntrex", type=Path, help="a copy of the repository of NTREX-128")
    drawn.add_arguments(parser, RESULTS, METHODS)
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    if options.table:
        print(tables(options.results))
        return
    if not (options.ntrex or options.drawn):
        parser.error("--ntrex or --drawn is needed to measure")
    measure(drawn.questions(options, lambda: draw(options.ntrex)), options)


def draw(ntrex: Path) -> dict[str, list[Asked]]:
    """Return the questions about each language, in it (``it``) and in English (``en-it``)."""
    with QUESTIONS.open(encoding="utf-8", newline="") as file:
        questions = list(csv.DictReader(file, delimiter="\t"))
    articles = (ntrex / "DOCUMENT_IDS.tsv").read_text(encoding="utf-8").split()
    parts = [
        lines[at : at + SENTENCES]
        for _, group in groupby(range(len(articles)), key=articles.__getitem__)
        for lines in [list(group)]
        for at in range(0, len(lines), SENTENCES)
    ]
    found: dict[str, list[Asked]] = {}
    for lang, code in FILES.items():
        path = ntrex / "NTREX-128" / f"newstest2019-ref.{code}.txt"
        sentences = path.read_text(encoding="utf-8").split("\n")
        for qlang in ("en", lang):
            if qlang in questions[0]:
                name = lang if qlang == lang else f"{qlang}-{lang}"
                found[name] = _asked(questions, qlang, lang, sentences, parts)
    return found


def _asked(
    questions: Sequence[Mapping[str, str]],
    qlang: str,
    lang: str,
    sentences: Sequence[str],
    parts: Sequence[Sequence[int]],
) -> list[Asked]:
    """Return the questions in ``qlang`` whose number stands once in its passage, in digits."""
    passages = [" ".join(sentences[line] for line in part) for part in parts]
    near = Nearest(passages)
    rng = np.random.default_rng(0)
    found = []
    for question in questions:
        line = int(question["line"])
        own = next(passage for passage, part in zip(passages, parts, strict=True) if line in part)
        answer = written(question["answer"], sentences[line])
        if own.count(answer) != 1 or answer not in sentences[line]:
            continue
        others = near.without(sentences[line], {own}, {answer})
        chosen = [own, *(text for text, _ in zip(others, range(DISTRACTORS), strict=False))]
        shuffled = tuple(chosen[i] for i in rng.permutation(len(chosen)).tolist())
        found.append(Asked(lang, qlang, "ntrex", question[qlang], shuffled, (answer,)))
    return found


def written(number: str, text: str) -> str:
    """Return a number in the digits that a text has for it: ``48`` or ``৪৮``."""
    digits = {unicodedata.digit(c): c for c in text if c.isdecimal() and not c.isascii()}
    return "".join(digits.get(int(digit), digit) for digit in number)


def tables(results: Path) -> str:
    """Return the page."""
    rows = list(Rows(results, KEY))
    settings = list(dict.fromkeys(row["set"] for row in rows))
    groups = {
        "Questions in the text's language": [s for s in settings if "-" not in s],
        "Questions in English": [s for s in settings if "-" in s],
    }
    parts = [f"## {title}\n\n{results_table(rows, names)}\n" for title, names in groups.items()]
    return "\n".join([TEXT, *parts]).rstrip()


if __name__ == "__main__":
    main()
