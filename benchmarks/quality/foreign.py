"""Answers that survive where the question is in another language than the text, as it ships.

    python -m benchmarks.quality.foreign --data DIR
    python -m benchmarks.quality.foreign --table > benchmarks/quality/foreign.md

Nobody names a model here: each document goes to the one that knows its language, and what is kept
is chosen of all of them. Beside that, one model that reads all: whatever it keeps more, the mixing
of two models loses.
"""

from __future__ import annotations

import argparse
from itertools import islice
from pathlib import Path

import numpy as np
from benchmarks.quality import drawn, multi
from benchmarks.quality.languages import DISTRACTORS, LEFT_OUT, Asked
from benchmarks.quality.multi_tables import results_table
from benchmarks.quality.rows import Row, Rows

from edgelingua_export.train.labels import held_back, rows
from edgelingua_export.train.negatives import Nearest

RESULTS = Path(__file__).parent / "results" / "foreign.jsonl"
FILES = ("qa_mlqa_dev_half_crosslingual", "qa_mlqa_dev_half_7lang")
ALL = ("en", "ar", "de", "es", "hi", "vi", "zh")
METHODS = ("shipped", "multi", "bm25")
CASES = 40
"""Of each setting, where nothing else is said."""
KINDS = {
    "alone": "The passage alone",
    "others": "Among nine in the question's language",
    "same": "An English passage and question, among nine in another language",
}

TEXT = """# A question in another language than the text

Share (%) of questions whose answer stands whole in what is kept, at the share of the pieces (of
edgelingua-multi's tokenizer) that is kept. *By the language*: as it ships, `load_compressor()` with
nothing named, edgelingua-mini and -multi installed; *edgelingua-multi*: it is named, and reads the
English passages too. `en-zh`: an English question about a Chinese passage. MLQA's development half
(CC BY-SA 3.0): questions that training left out by their names, on passages that it left out too; a
translation of the passage may have been seen. The nine others are BM25-nearest to the question, put
into their language by MLQA's own translators, and lack the answer; none is a translation of the
passage. Brackets: 95 % bootstrap intervals. Made by `benchmarks/quality/foreign.py` from
`results/foreign.jsonl`.
"""


def main() -> None:
    """Compress what is not among the results, or print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with train/multi")
    drawn.add_arguments(parser, RESULTS, METHODS)
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    if options.table:
        print(tables(options.results))
        return
    if not (options.data or options.drawn):
        parser.error("--data or --drawn is needed to measure")
    asked = drawn.questions(options, lambda: draw(options.data, options.cases or CASES))
    multi.measure(asked, options)


def draw(data: Path, size: int) -> dict[str, list[Asked]]:
    """Return some questions of each setting, always the same: the first of a fixed shuffle.

    A setting is the languages of question and passage and one of `KINDS`: ``en-zh-alone``; of
    ``same`` it is the language of the others, ``zh-same``.
    """
    every = [row for name in FILES for row in rows(data / "train/multi" / f"{name}.jsonl.gz")]
    share = LEFT_OUT[FILES[0]][1]
    known = {row["context"] for row in every if not held_back(str(row["id"]), share)}
    pools = {lang: Nearest(r["context"] for r in every if r["lang"] == lang) for lang in ALL}
    questions = {(row["id"], row["qlang"]): row["question"] for row in every}
    versions: dict[str, set[str]] = {}
    for row in every:
        versions.setdefault(row["id"], set()).add(row["context"])

    def some(qlang: str, lang: str, among: str | None) -> list[Asked]:
        own = [
            row
            for row in every
            if (row["qlang"], row["lang"]) == (qlang, lang)
            and row["context"] not in known
            and (row["id"], among or qlang) in questions
        ]
        rng = np.random.default_rng(0)
        found = []
        for at in rng.permutation(len(own))[:size].tolist():
            row = own[at]
            answers = tuple(dict.fromkeys(answer["text"] for answer in row["answers"]))
            chosen = [row["context"]]
            if among:
                lowered = {answer.lower() for answer in answers}
                search = questions[row["id"], among]
                others = pools[among].without(search, versions[row["id"]], lowered)
                chosen += islice(others, DISTRACTORS)
            shuffled = tuple(chosen[i] for i in rng.permutation(len(chosen)).tolist())
            found.append(Asked(lang, qlang, "mlqa", row["question"], shuffled, answers))
        return found

    found: dict[str, list[Asked]] = {}
    for lang in ALL[1:]:
        for qlang, own in (("en", lang), (lang, "en")):
            found[f"{qlang}-{own}-alone"] = some(qlang, own, None)
            found[f"{qlang}-{own}-others"] = some(qlang, own, qlang)
        found[f"{lang}-same"] = some("en", "en", lang)
    return found


def tables(results: Path) -> str:
    """Return the page: in each part all languages first, then each."""
    found = list(Rows(results, multi.KEY))
    settings = list(dict.fromkeys(row["set"] for row in found))
    parts = []
    for kind, title in KINDS.items():
        own = [setting for setting in settings if setting.endswith(kind)]
        together = [_together(row) for row in found if row["set"] in own]
        every = sorted({row["set"] for row in together})
        parts.append(f"## {title}\n\n{results_table([*together, *found], [*every, *own])}\n")
    return "\n".join([TEXT, *parts]).rstrip()


def _together(row: Row) -> Row:
    """Return a row of a setting as one of all languages."""
    name = "en to others" if row["qlang"] == "en" else "others to en"
    name = "all" if row["qlang"] == row["lang"] else name
    return {**row, "set": name, "case": f"{row['set']} {row['case']}"}


if __name__ == "__main__":
    main()
