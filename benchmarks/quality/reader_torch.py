"""What a reader of 1.5 billion parameters answers from compressed contexts, on a GPU.

    python -m benchmarks.quality.reader_torch MODEL.gguf --name qwen2.5-coder-1.5b --data DIR \
        --texts FILE --results FILE

Reads what `benchmarks.quality.run` left in ``--texts``: a chat prompt with the compressed contexts
and the question, greedy decoding, as `benchmarks.quality.reader` does with llama.cpp, but the
GGUF's weights in PyTorch (bfloat16) and many prompts at once. Adds a line for each set, method and
case, with exact match, F1 and whether an answer is contained, each at every rate; ``whole`` is the
uncompressed text and ``nothing`` the question alone, at one rate.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from benchmarks.common import jsonl
from benchmarks.common.machine import noted
from benchmarks.quality.answers import SYSTEM, exact_match, f1
from benchmarks.quality.sets import Case, draw, found

from edgelingua.prompt import SEPARATOR
from edgelingua_export.sources import Loaded, find, load

ANSWER = 24
"""Most tokens generated."""
_TOKENS = 200_000
"""Tokens of the prompts that are read at once."""


@dataclass(frozen=True)
class Asked:
    """A prompt, and what it belongs to."""

    where: tuple[str, str, int, int]
    prompt: list[int]


def main() -> None:
    """Answer all texts that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="a GGUF file")
    parser.add_argument("--name", required=True, help="of the reader, in the results")
    parser.add_argument("--data", type=Path, required=True, help="folder of the development sets")
    parser.add_argument("--texts", type=Path, required=True, help="file of compressed contexts")
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--cases", type=int, default=150, help="of each set")
    options = parser.parse_args()
    loaded = load(find(options.model), "scorer")
    loaded.model.to("cuda" if torch.cuda.is_available() else "cpu", torch.bfloat16)
    rows = list(jsonl.read(options.texts))
    names = list(dict.fromkeys(str(row["set"]) for row in rows))
    cases = {name: draw(name, options.data, options.cases) for name in names}
    asked = list(_prompts(loaded, rows, cases))
    texts = answers(loaded, [each.prompt for each in asked], ANSWER)
    told: dict[tuple[str, str, int], dict[str, list[float]]] = {}
    for each, text in sorted(zip(asked, texts, strict=True), key=lambda pair: pair[0].where):
        name, method, number, _ = each.where
        accepted = cases[name][number].answers
        row = told.setdefault((name, method, number), {"em": [], "f1": [], "in": [], "tokens": []})
        row["em"].append(exact_match(text, accepted))
        row["f1"].append(round(f1(text, accepted), 3))
        row["in"].append(float(any(found(text, answer) for answer in accepted)))
        row["tokens"].append(len(each.prompt))
    for (name, method, number), row in told.items():
        where = {"reader": options.name, "set": name, "method": method, "case": number}
        where["on"] = noted(options.results.parent)
        jsonl.append(options.results, json.dumps({**where, **row}, separators=(",", ":")))


def _prompts(
    loaded: Loaded, rows: Sequence[dict[str, object]], cases: dict[str, list[Case]]
) -> Iterator[Asked]:
    def asked(where: tuple[str, str, int, int], context: str, case: Case) -> Asked:
        user = context + SEPARATOR + case.question if context else case.question
        said = f"{turn('system', SYSTEM)}{turn('user', user)}<|im_start|>assistant\n"
        return Asked(where, loaded.tokenizer(said, add_special_tokens=False)["input_ids"])

    for name, some in cases.items():
        for number, case in enumerate(some):
            yield asked((name, "whole", number, 0), SEPARATOR.join(case.passages), case)
            yield asked((name, "nothing", number, 0), "", case)
    for row in rows:
        name, method, number = str(row["set"]), str(row["method"]), int(str(row["case"]))
        texts = row["texts"]
        if number < len(cases[name]) and isinstance(texts, list):
            for at, text in enumerate(texts):
                yield asked((name, method, number, at), text, cases[name][number])


def turn(role: str, text: str) -> str:
    """Return a turn in ChatML, which the Qwen models were trained with."""
    return f"<|im_start|>{role}\n{text}<|im_end|>\n"


@torch.inference_mode()
def answers(loaded: Loaded, prompts: Sequence[list[int]], most: int) -> list[str]:
    """Return answers of at most so many tokens, greedily; prompts alike in length go together."""
    model, tokenizer = loaded.model, loaded.tokenizer
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    order = sorted(range(len(prompts)), key=lambda i: -len(prompts[i]))
    texts = [""] * len(prompts)
    at = 0
    while at < len(order):
        longest = len(prompts[order[at]])
        chosen = order[at : at + max(1, min(512, _TOKENS // longest))]
        at += len(chosen)
        ids = torch.full((len(chosen), longest), end)
        mask = torch.zeros_like(ids)
        for place, number in enumerate(chosen):
            prompt = prompts[number]
            ids[place, longest - len(prompt) :] = torch.tensor(prompt)
            mask[place, longest - len(prompt) :] = 1
        said = model.generate(
            input_ids=ids.to(model.device), attention_mask=mask.to(model.device), do_sample=False,
            max_new_tokens=most, eos_token_id=end, pad_token_id=end,
            temperature=None, top_p=None, top_k=None,
        )[:, longest:]  # fmt: skip
        for number, text in zip(chosen, tokenizer.batch_decode(said, True), strict=True):
            texts[number] = text.strip()
        print(f"{at} of {len(order)}", file=sys.stderr, flush=True)
    return texts


if __name__ == "__main__":
    main()
