"""NLL of the answers with a memory, with mini's text in equal cells, and with the text itself.

    python -m benchmarks.memory.nats READER.gguf --recipe RECIPE.toml --memory FOLDER \
        --cases cases.jsonl --name keep

Adds a line for each document and ratio to ``nats.jsonl``, with the nats of its questions under each
condition; on a GPU if there is one, in float32 (TF32 there). Beside the contenders stand controls:
nothing in the document's place, the cells without the adapter, and mini's text and the memory of
*another* document, of another set. What a contender gains there is what it says about the kind of
answer that is wanted, and not about the document.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from benchmarks.common.jsonl import append
from benchmarks.common.machine import noted
from numpy.typing import NDArray

from edgelingua_export.sources import find, load
from edgelingua_export.train.memory import files
from edgelingua_export.train.memory.adapter import Compressor
from edgelingua_export.train.memory.measure import nats
from edgelingua_export.train.memory.packing import Block, Document, Packer
from edgelingua_export.train.memory.recipe import load as load_recipe

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Measure one memory on all cases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reader", help="a GGUF file")
    parser.add_argument("--recipe", type=Path, required=True)
    parser.add_argument("--memory", type=Path, required=True, help="what training left")
    parser.add_argument("--cases", type=Path, required=True)
    parser.add_argument("--name", required=True, help="of the memory, in the results")
    parser.add_argument("--ratios", default="4,8,16,32")
    parser.add_argument("--results", type=Path, default=HERE / "nats.jsonl")
    options = parser.parse_args()
    recipe = load_recipe(options.recipe)
    loaded = load(find(options.reader), "scorer")
    torch.set_float32_matmul_precision("high")  # TF32 on a GPU
    model = loaded.model.to("cuda" if torch.cuda.is_available() else "cpu")
    learned = recipe.memory.learned
    compressor = Compressor(model, recipe.adapter.rank, recipe.adapter.alpha, learned)
    compressor.restore(files.read(options.memory, model.config))

    def ids(text: str) -> NDArray[np.int32]:
        return np.asarray(loaded.tokenizer(text, add_special_tokens=False)["input_ids"], np.int32)

    cases = [json.loads(line) for line in options.cases.read_text("utf-8").splitlines()]
    between, after = ids("\n\n"), ids(recipe.asking.after)

    def block(question: list[int], answer: list[int]) -> Block:
        asked = np.concatenate([between, np.asarray(question, np.int32), after])
        return Block(np.concatenate([asked, np.asarray(answer, np.int32)]), len(asked))

    blocks = [[block(*pair) for pair in case["asked"]] for case in cases]
    room = max(sum(len(each.tokens) for each in mine) for mine in blocks)
    packer = Packer(recipe.memory, ids(recipe.asking.before), room)

    def read(documents: list[Document], *, whole: bool, adapted: bool = True) -> list[list[float]]:
        return nats(compressor, packer, documents, blocks, whole=whole, adapted=adapted)

    documents = [Document(np.asarray(c["tokens"]), np.asarray(c["scores"]), 1.0) for c in cases]
    # Of the next set, so that it does not happen to be about the same things.
    other = np.roll(np.arange(len(cases)), len(cases) // 3).tolist()
    fixed = {
        "whole": read(documents, whole=True),
        "none": read([_text([])] * len(cases), whole=True),
    }
    for ratio in options.ratios.split(","):
        short = [Document(d.tokens, d.scores, float(ratio)) for d in documents]
        texts = [_text(c["texts"][ratio]) for c in cases]
        found = {
            **fixed,
            "text": read(texts, whole=True),
            "text_other": read([texts[i] for i in other], whole=True),
            "memory": read(short, whole=False),
            "memory_other": read([short[i] for i in other], whole=False),
        }
        if not learned:
            found["cells"] = read(short, whole=False, adapted=False)
        for number, case in enumerate(cases):
            row = {"name": options.name, "set": case["set"], "ratio": int(ratio), "case": number}
            values = {name: np.round(v[number], 3).tolist() for name, v in found.items()}
            on = {"on": noted(options.results.parent)}
            append(options.results, json.dumps(row | values | on))


def _text(tokens: list[int]) -> Document:
    return Document(np.asarray(tokens, np.int32), np.zeros(len(tokens), np.float32), 1.0)


if __name__ == "__main__":
    main()
