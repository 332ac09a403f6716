"""What a small reader makes of compressed contexts: NLL of the gold answer, exact match and F1.

    python -m benchmarks.quality.reader MODEL.gguf --name smollm2-135m --data DIR --texts FILE

Reads what `benchmarks.quality.run` left in ``--texts``, through the runtime's llama.cpp path: a
chat prompt with the compressed contexts and the question, or, for a model without a chat template
(``--plain``), the same as a plain text; greedy decoding. Case by case, so that all methods have met
the same cases whenever it stops. Adds to ``results/reader.jsonl``. One thread; ``--shard 0/8``
reads every eighth case, into a file of its own that `benchmarks.quality.merge` puts together. How
many texts are missing is said on stderr.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from benchmarks.common.shards import Shard, in_turn
from benchmarks.common.weights import of_file
from benchmarks.quality.answers import SYSTEM, exact_match, f1
from benchmarks.quality.methods import CONTENDERS
from benchmarks.quality.rows import Rows
from benchmarks.quality.run import HERE
from benchmarks.quality.run import KEY as TEXT_KEY
from benchmarks.quality.sets import Case, draw
from benchmarks.quality.survival import RATES
from numpy.typing import NDArray

from edgelingua import LlamaModel, Sampling
from edgelingua.kv.session import Session
from edgelingua.prompt import SEPARATOR

KEY = ("reader", "set", "method", "rate", "case")
ANSWER = 24
"""Most tokens generated."""


def main() -> None:
    """Read what is there to be read and has not been read."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="a GGUF file")
    parser.add_argument("--name", required=True, help="of the reader, in the results")
    parser.add_argument("--data", type=Path, required=True, help="folder of the development sets")
    parser.add_argument("--texts", type=Path, required=True, help="file of compressed contexts")
    parser.add_argument("--results", type=Path, default=HERE / "results" / "reader.jsonl")
    parser.add_argument("--known", type=Path, help="results of before, not to be made again")
    parser.add_argument("--sets", default="nq,hotpotqa,musique,squad")
    parser.add_argument("--methods", default=",".join(["whole", *CONTENDERS]))
    parser.add_argument("--rates", default=",".join(map(str, RATES)))
    parser.add_argument("--cases", type=int, default=40, help="of each set")
    parser.add_argument("--shard", type=Shard.parse, default=Shard(), metavar="I/N")
    parser.add_argument("--plain", action="store_true", help="the model has no chat template")
    options = parser.parse_args()
    reader = LlamaModel(options.model, threads=1)
    mine = of_file(options.model)
    results, texts = Rows(options.results, KEY, options.known), Rows(options.texts, TEXT_KEY)
    cases = {name: draw(name, options.data, options.cases) for name in options.sets.split(",")}
    every = in_turn({name: len(some) for name, some in cases.items()})
    turns = list(options.shard.of(every))
    keys = [(name, m, n) for name, n in turns for m in options.methods.split(",") if m != "whole"]
    if absent := sum(texts.get(*key) is None for key in keys):
        print(
            f"{absent} of {len(keys)} texts are not in {options.texts}, and are not read "
            "(benchmarks.quality.run writes none for what is in its results or --known)",
            flush=True,
            file=sys.stderr,
        )
    for name, number in turns:
        case = cases[name][number]
        for method in options.methods.split(","):
            made = ""
            if method == "whole":
                contexts = {1.0: SEPARATOR.join(case.passages)}
            elif row := texts.get(name, method, number):
                contexts, made = dict(zip(RATES, row["texts"], strict=True)), row["weights"]
            else:
                continue
            for rate, context in contexts.items():
                wanted = rate == 1 or str(rate) in options.rates.split(",")
                made_with = {"weights": made, "reader_weights": mine}
                if not wanted or results.has(options.name, name, method, rate, number, **made_with):
                    continue
                where = {"reader": options.name, "set": name, "method": method}
                found = read(reader, context, case, plain=options.plain)
                results.add({**where, "rate": rate, "case": number, **made_with, **found})
        print(name, number, flush=True, file=sys.stderr)


def read(reader: LlamaModel, context: str, case: Case, *, plain: bool) -> dict[str, object]:
    """Ask the case's question about a context; NLL is that of the first gold answer, per token."""
    if plain:
        prompt = reader.tokenize(f"{context}\n\nQuestion: {case.question}\nAnswer:", begin=True)
        gold = reader.tokenize(f" {case.answers[0]}")
    else:
        messages = [("system", SYSTEM), ("user", context + SEPARATOR + case.question)]
        prompt = np.concatenate([part.tokens for part in reader.chat(messages)])
        gold = reader.tokenize(case.answers[0])
    session = reader.session(len(prompt) + len(gold) + ANSWER)
    session.feed(prompt)
    twin = session.fork()
    nll = negative_log_likelihood(session, gold)
    sampler = reader.sampler(twin, Sampling(repeat_penalty=1.0))
    lines = reader.stream_text(twin.generate(sampler, ANSWER, reader.stop_tokens))
    text = first_line(lines) if plain else "".join(lines).strip()
    return {
        "tokens": len(prompt),
        "nll": round(float(nll.mean()), 4),
        "em": exact_match(text, case.answers),
        "f1": round(f1(text, case.answers), 4),
        "text": text,
    }


def first_line(pieces: Iterator[str]) -> str:
    """Put pieces together up to the end of their first line: a plain text goes on after it."""
    text = ""
    for piece in pieces:
        text += piece
        if "\n" in text.lstrip():
            break
    return text.strip().partition("\n")[0]


def negative_log_likelihood(session: Session, tokens: NDArray[np.int32]) -> NDArray[np.float64]:
    """NLL in nats of each of the tokens that follow what a session has read: ``(n,)``."""
    losses = []
    for token in tokens:
        logits = session.logits().astype(np.float64)
        top = logits.max()
        losses.append(top + np.log(np.exp(logits - top).sum()) - logits[token])
        session.feed(np.asarray([token], dtype=np.int32))
    return np.asarray(losses)


if __name__ == "__main__":
    main()
