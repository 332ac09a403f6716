"""Sentence encoders: answers that survive beside other methods, and what a further question costs.

    python -m benchmarks.sentence.run --data DIR --base FOLDER

Cases are those of `benchmarks.quality.run`, whose rows of edgelingua-mini and BM25 are taken for
the same cases; ``--base`` is the bundle of the encoder that training began with
(`edgelingua-export build all-minilm-l6-v2 --task encoder`). Times are the processor's, one thread:
of a text of ``--tokens`` tokens, reading it once, and a question about it. Adds rows to
``rows.jsonl`` and leaves out what is there; writes ``table.md``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from benchmarks.common.machine import machine
from benchmarks.common.weights import of_bundle
from benchmarks.quality.methods import CONTENDERS, Contender, Runner
from benchmarks.quality.rows import Row, Rows
from benchmarks.quality.run import HERE as QUALITY
from benchmarks.quality.run import KEY
from benchmarks.quality.sets import draw
from benchmarks.quality.survival import RATES, survives

from edgelingua import Budget, LlamaModel, ModelBundle, Prompt, SentenceEncoder, SentenceIndex
from edgelingua.budget import Count
from edgelingua.compressors import Pruner, load_compressor, with_index
from edgelingua.models.registry import DEFAULT_READER, find_bundle, find_reader
from edgelingua.ort.session import RunOptions
from edgelingua.prompt import SEPARATOR

HERE = Path(__file__).parent
SETS = ("nq", "hotpotqa", "squad")
LABELS = {
    "bm25": "BM25 sentences",
    "base": "all-MiniLM-L6-v2, the same way",
    "cpc": "edgelingua-sentence",
    "both": "edgelingua-sentence at four times the rate, then edgelingua-mini",
    "mini-question": "edgelingua-mini, words",
}
QUESTIONS = (
    "Which film did he direct before the war?",
    "When was the bridge opened to traffic?",
    "How many people lived in the town?",
    "Who wrote the music of the album?",
    "What damage did the storm cause?",
)
ONE = RunOptions(threads=1)
_SHOWN = 2
"""The first of `RATES` in the table."""


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the development sets")
    parser.add_argument("--model", default="edgelingua-sentence", help="its bundle")
    parser.add_argument("--base", help="bundle of the encoder that training began with")
    parser.add_argument("--cases", type=int, default=100, help="of each set")
    parser.add_argument("--both", type=int, default=30, help="cases of both models together")
    parser.add_argument("--tokens", type=int, default=100_000, help="of the text that is timed")
    parser.add_argument("--text", default="text/wiki.test.raw", help="the text, inside --data")
    options = parser.parse_args()
    count = LlamaModel(find_reader(DEFAULT_READER), vocabulary_only=True).count
    rows = Rows(HERE / "rows.jsonl", KEY)
    bundles = {"cpc": options.model} | ({"base": options.base} if options.base else {})
    for name, bundle in bundles.items():
        survival(rows, name, str(find_bundle(bundle)), options.data, options.cases, count)
    both(rows, str(find_bundle(options.model)), options.data, options.both, count)
    text = (options.data / options.text).read_text(encoding="utf-8")
    text = text[: options.tokens * len(text[:100_000]) // count(text[:100_000])]
    if not rows.has("time", "cpc", 0):
        for method, told in times(text, options.model, count):
            print(method, told, flush=True)
            rows.add({"set": "time", "method": method, "case": 0, **told, "machine": machine()})
    (HERE / "table.md").write_text(table(list(rows)), encoding="utf-8")


def survival(rows: Rows, name: str, bundle: str, data: Path, cases: int, count: Count) -> None:
    """Add a row for each case of each set."""
    made, runner = (
        of_bundle(bundle),
        Runner(Contender(LABELS[name], "cpc", asks=True), bundle, count),
    )
    for chosen in SETS:
        for number, case in enumerate(draw(chosen, data, cases)):
            if rows.has(chosen, name, number, weights=made):
                continue
            kept = [each.compressed for each in runner.outcomes(case.passages, case.question)]
            answer = [int(survives(each, case.answers)) for each in kept]
            where = {"set": chosen, "method": name, "case": number, "weights": made}
            rows.add({**where, "answer": answer})


def both(rows: Rows, bundle: str, data: Path, cases: int, count: Count) -> None:
    """Add a row for each case: sentences that the encoder chooses, and of them mini's words."""
    made = of_bundle(bundle)
    sentences = Runner(Contender(LABELS["cpc"], "cpc", asks=True), bundle, count)
    words = Runner(CONTENDERS["mini-question"], "edgelingua-mini", count)
    for chosen in SETS:
        for number, case in enumerate(draw(chosen, data, cases)):
            if rows.has(chosen, "both", number, weights=made):
                continue
            answer: list[int | None] = [None] * _SHOWN
            for rate in RATES[_SHOWN:]:
                first = sentences.compress(
                    case.passages, case.question, min(1.0, 4 * rate)
                ).compressed
                parts = zip(first.prompt.segments, first.segment_texts(), strict=True)
                kept = tuple(t for s, t in parts if s.role == "context" and t.strip())
                if not kept:
                    answer.append(0)
                    continue
                share = rate * count(SEPARATOR.join(case.passages)) / count(SEPARATOR.join(kept))
                second = words.compress(kept, case.question, min(1.0, share)).compressed
                answer.append(int(survives(second, case.answers)))
            where = {"set": chosen, "method": "both", "case": number, "weights": made}
            rows.add({**where, "answer": answer})


def times(text: str, model: str, count: Count) -> Iterator[tuple[str, Row]]:
    """Yield processor milliseconds of reading a text once, and of questions about it."""
    encoder = SentenceEncoder(ModelBundle.open(find_bundle(model)), options=ONE)
    spent = time.process_time()
    index = SentenceIndex.of(text, encoder)
    once = 1000 * (time.process_time() - spent)
    tokens = {"tokens": count(text), "sentences": len(index.sentences.spans)}
    looked_up = with_index(load_compressor("cpc", find_bundle(model), options=ONE), index)
    yield "cpc", {**tokens, "once": once, **_questions(looked_up, text, count, len(QUESTIONS))}
    bm25 = load_compressor("bm25")
    yield "bm25", {**tokens, "once": 0, **_questions(bm25, text, count, len(QUESTIONS))}
    mini = load_compressor("llmlingua2", options=ONE)
    yield "mini-question", {**tokens, "once": 0, **_questions(mini, text, count, 1)}


def _questions(compressor: Pruner, text: str, count: Count, number: int) -> Row:
    """Milliseconds of scoring for a question, and of the whole of ``compress``: medians."""
    asked = QUESTIONS[:number]
    return {
        "score": median(_spent(lambda q=q: compressor.scorer.score(text, q)) for q in asked),
        "compress": median(
            _spent(
                lambda q=q: compressor.compress(
                    Prompt.build(text, question=q), Budget(tokens=1000, count=count)
                )
            )
            for q in asked
        ),
    }


def _spent(job: Callable[[], object]) -> float:
    started = time.process_time()
    job()
    return 1000 * (time.process_time() - started)


def table(rows: list[Row]) -> str:
    """Make the page of the rows."""
    known = Rows(QUALITY / "results" / "survival.jsonl", KEY)
    lines = [
        "# Whole sentences by their vectors",
        "",
        "Made by `python -m benchmarks.sentence.run`. Answers that survive, in %, of the same",
        "cases of each set, at shares of the passages' tokens (SmolLM2's); rows of BM25 and of",
        "mini are those of `benchmarks/quality`.",
        "",
        "| | n | "
        + " | ".join(f"{name} {rate}" for name in SETS for rate in RATES[_SHOWN:])
        + " |",
        "| --- |" + " --- |" * (1 + len(SETS) * len(RATES[_SHOWN:])),
    ]
    compared = [(method, "cpc") for method in LABELS if method != "both"]
    for method, of in (*compared, ("mini-question", "both"), ("both", "both")):
        cells, sizes = [], set()
        for name in SETS:
            numbers = {r["case"] for r in rows if (r["set"], r["method"]) == (name, of)}
            found = [
                r["answer"]
                for r in (*rows, *known)
                if (r["set"], r["method"]) == (name, method) and r["case"] in numbers
            ]
            sizes.add(len(found))
            for at in range(_SHOWN, len(RATES)):
                cells.append(
                    f"{100 * sum(r[at] for r in found) / len(found):.1f}" if found else "–"
                )
        lines.append(f"| {LABELS[method]} | {min(sizes)} | {' | '.join(cells)} |")
    timed = [row for row in rows if row["set"] == "time"]
    if timed:
        first = timed[0]
        lines += [
            "",
            f"A text of {first['tokens']:,} tokens, {first['sentences']:,} sentences; processor "
            f"time, one thread, {first['machine']['cpu']}.",
            "",
            "| | reading it once, s | a further question: scores, ms | all of `compress`, ms |",
            "| --- | --- | --- | --- |",
        ]
        lines += [
            f"| {LABELS[row['method']]} | {row['once'] / 1000:.1f} | {row['score']:,.0f} | "
            f"{row['compress']:,.0f} |"
            for row in timed
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
