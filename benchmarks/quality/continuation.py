"""What compression costs a text's continuation: perplexity of what follows compressed text.

    python -m benchmarks.quality.continuation --data DIR --places 8

The next 256 tokens after 1,024 that were compressed without a question, in books, transcripts and
news; the model that is surprised is the causal LM's INT8 bundle, the one that `llmlingua` and
`selective_context` score with. Adds to ``results/continuation.jsonl``. One thread; ``--shard 0/8``
reads every eighth place, into a file of its own that `benchmarks.quality.merge` puts together.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.common.shards import Shard, in_turn
from benchmarks.common.weights import of_bundle
from benchmarks.quality.methods import CONTENDERS, Contender, Runner
from benchmarks.quality.rows import Rows
from benchmarks.quality.run import HERE, SCORER
from benchmarks.quality.survival import RATES
from numpy.typing import NDArray

from edgelingua import ModelBundle, PerplexityScorer
from edgelingua.models.registry import find_bundle
from edgelingua.ort.session import RunOptions
from edgelingua.text.tokenizer import TextTokenizer

BEFORE, AFTER = 1024, 256
KEY = ("kind", "method", "rate", "place")
KINDS = ("books", "transcripts", "news")
LATEST = {"latest": Contender("the last words", "latest")}


@dataclass(frozen=True, eq=False)
class Place:
    """1,024 tokens of a text, as text, and the ids of the 256 that follow."""

    context: str
    continuation: NDArray[np.int64]


def main() -> None:
    """Measure what has not been measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the development sets")
    parser.add_argument("--results", type=Path, default=HERE / "results" / "continuation.jsonl")
    parser.add_argument("--known", type=Path, help="results of before, not to be made again")
    methods = [name for name, contender in {**CONTENDERS, **LATEST}.items() if not contender.asks]
    parser.add_argument("--methods", default=",".join(["whole", "nothing", *methods]))
    parser.add_argument("--places", type=int, default=40, help="of each kind of text")
    parser.add_argument("--shard", type=Shard.parse, default=Shard(), metavar="I/N")
    parser.add_argument("--scorer", default=SCORER, help="bundle of the causal LM")
    parser.add_argument("--mini", default="edgelingua-mini", help="its bundle")
    parser.add_argument("--nano", default="edgelingua-nano", help="its bundle")
    options = parser.parse_args()
    bundle = ModelBundle.open(find_bundle(options.scorer))
    scorer = PerplexityScorer(bundle, options=RunOptions(threads=1), window=2 * BEFORE)
    bundles = {"scorer": options.scorer, "mini": options.mini, "nano": options.nano}
    names = options.methods.split(",")
    chosen = {n: c for n, c in {**CONTENDERS, **LATEST}.items() if n in names}
    made_with = {name: each.weights(bundles) for name, each in chosen.items()}
    mine = of_bundle(options.scorer)
    runners = {
        name: Runner(each, bundles[each.needs] if each.needs else None, scorer.count)
        for name, each in chosen.items()
    }
    results = Rows(options.results, KEY, options.known)
    places = {kind: draw(kind, options.data, scorer.tokenizer, options.places) for kind in KINDS}
    turns = in_turn({kind: len(some) for kind, some in places.items()})
    for kind, number in options.shard.of(turns):
        place = places[kind][number]
        for method in names:
            made = {"weights": made_with.get(method, ""), "scorer_weights": mine}
            rates = {"whole": (1.0,), "nothing": (0.0,)}.get(method, RATES)
            if all(results.has(kind, method, rate, number, **made) for rate in rates):
                continue
            if method in runners:
                outcomes = runners[method].outcomes((place.context,), "")
                texts = [outcome.compressed.text for outcome in outcomes]
            else:
                texts = [{"whole": place.context, "nothing": ""}[method]]
            for rate, text in zip(rates, texts, strict=True):
                nll = surprise(scorer, text, place.continuation)
                where = {"kind": kind, "method": method, "rate": rate, "place": number}
                results.add({**where, **made, "nll": round(nll, 4)})
        print(kind, number, flush=True, file=sys.stderr)


def surprise(scorer: PerplexityScorer, before: str, after: NDArray[np.int64]) -> float:
    """Mean NLL in nats of the tokens ``after`` behind a text."""
    reading = scorer.reading()
    reading.append(scorer.tokenizer.encode(before).ids)
    return float(reading.read(after).mean())


def draw(kind: str, data: Path, tokenizer: TextTokenizer, count: int) -> list[Place]:
    """Return places in some texts, the same for the same kind.

    One in each; where there are fewer texts than that, another in each that does not overlap it.
    """
    rng = np.random.default_rng(0)
    texts = list(dict.fromkeys(_texts(kind, data)))
    order = rng.permutation(len(texts)).tolist()
    taken: dict[int, list[int]] = {index: [] for index in order}
    places: list[Place] = []
    while len(places) < count:
        found = len(places)
        for index in order:
            # Longer texts are cut first: a whole book need not be tokenized for one place.
            text = texts[index][-60_000:]
            encoding = tokenizer.encode(text)
            starts = np.arange(len(encoding.ids) - BEFORE - AFTER + 1)
            for start in taken[index]:
                starts = starts[np.abs(starts - start) >= BEFORE + AFTER]
            if not len(starts):
                continue
            start = int(starts[rng.integers(len(starts))])
            taken[index].append(start)
            middle, end = start + BEFORE, start + BEFORE + AFTER
            context = text[encoding.spans[start, 0] : encoding.spans[middle - 1, 1]]
            places.append(Place(context, encoding.ids[middle:end]))
            if len(places) == count:
                return places
        if len(places) == found:
            raise ValueError(f"{kind}: room for {found} places, {count} were asked for")
    return places


def _texts(kind: str, data: Path) -> Iterator[str]:
    if kind == "books":
        rows = _rows(data / "leval.jsonl.gz")
        yield from (str(row["input"]) for row in rows if row["task"] in {"sci_fi", "quality"})
    elif kind == "transcripts":
        for row in _rows(data / "qmsum_val.jsonl.gz"):
            turns = row["meeting_transcripts"]
            yield "\n".join(f"{turn['speaker']}: {turn['content']}" for turn in turns)
    else:
        rows = _rows(data / "longbench" / "longbench_multi_news.jsonl.gz")
        yield from (str(row["context"]) for row in rows)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


if __name__ == "__main__":
    main()
