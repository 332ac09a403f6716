"""What readers answer at every step of `benchmarks.escalation.texts`, and how sure they are.

    python -m benchmarks.escalation.answers MODEL.gguf --name qwen2.5-0.5b --texts FILE --rows FILE

The GGUF's weights in PyTorch (bfloat16), many prompts at once, greedy, as
`benchmarks.quality.reader_torch`. The prompts are those that ``ask(..., escalate=True)`` leaves in
the cache at each step. Adds a line for each set and case; for each prompt it has the tokens read in
all up to it, exact match, F1, whether an answer is contained, and of the answer's tokens the mean
and the least log-probability and the mean entropy (nats), and whether it says that it cannot tell.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from benchmarks.common import jsonl
from benchmarks.quality.answers import SYSTEM, exact_match, f1
from benchmarks.quality.reader_torch import ANSWER
from benchmarks.quality.sets import found

from edgelingua.prompt import SEPARATOR
from edgelingua.readers.doubt import cannot_tell
from edgelingua_export.sources import Loaded, find, load

_TOKENS = 100_000
"""Tokens of the prompts that are read at once."""
_ENDS = "<|im_end|>\n<|im_start|>assistant\n"


@dataclass(frozen=True)
class Asked:
    """A prompt, what it belongs to, and how many tokens were read for it and those before."""

    where: tuple[int, str, int]
    prompt: list[int]
    read: int


def main() -> None:
    """Answer all prompts of the texts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="a GGUF file")
    parser.add_argument("--name", required=True, help="of the reader, in the rows")
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--cases", type=int, default=sys.maxsize, help="of all, for a try")
    options = parser.parse_args()
    loaded = load(find(options.model), "scorer")
    on_gpu = torch.cuda.is_available()
    loaded.model.to(*(("cuda", torch.bfloat16) if on_gpu else ("cpu", torch.float32)))
    rows = jsonl.read(options.texts)[: options.cases]
    asked = [one for number, row in enumerate(rows) for one in _prompts(loaded, number, row)]
    said = _answers(loaded, asked)
    told: list[dict[str, list[dict[str, Any]]]] = [{} for _ in rows]
    for each, answer in sorted(zip(asked, said, strict=True), key=lambda pair: pair[0].where):
        number, way, _ = each.where
        text, accepted = answer.pop("text"), rows[number]["answers"]
        figures = {
            "read": each.read,
            "em": exact_match(text, accepted),
            "f1": round(f1(text, accepted), 3),
            "in": float(any(found(text, one) for one in accepted)),
            "cannot": float(cannot_tell(text)),
            **answer,
        }
        told[number].setdefault(way, []).append(figures)
    for row, ways in zip(rows, told, strict=True):
        where = {name: row[name] for name in ("set", "case", "held_out")}
        line = {"reader": options.name, **where}
        for way, steps in ways.items():
            line[way] = {name: [step[name] for step in steps] for name in steps[0]}
        jsonl.append(options.rows, json.dumps(line, separators=(",", ":")))


def _prompts(loaded: Loaded, number: int, row: dict[str, Any]) -> Iterator[Asked]:
    def ids(text: str) -> list[int]:
        return list(loaded.tokenizer(text, add_special_tokens=False)["input_ids"])

    def prompt(context: str) -> list[int]:
        user = f"{context}{SEPARATOR}{row['question']}"
        return ids(f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n{user}{_ENDS}")

    again = len(ids(row["question"] + _ENDS))
    for rate, kept in {**row["kept"], "whole": row["whole"]}.items():
        context, read, before = kept, 0, 0
        for step, text in enumerate(["", *row["followed"].get(rate, ())]):
            context += f"{SEPARATOR}{text}" if text else ""
            tokens = prompt(context)
            read += len(tokens) - before + (again if step else 0)
            before = len(tokens)
            yield Asked((number, rate, step), tokens, read)


@torch.inference_mode()
def _answers(loaded: Loaded, asked: Sequence[Asked]) -> list[dict[str, Any]]:
    """Answer greedily; prompts of alike length are read together."""
    model, tokenizer = loaded.model, loaded.tokenizer
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    order = sorted(range(len(asked)), key=lambda i: -len(asked[i].prompt))
    answers: list[dict[str, Any]] = [{}] * len(asked)
    at = 0
    while at < len(order):
        longest = len(asked[order[at]].prompt)
        chosen = order[at : at + max(1, min(256, _TOKENS // longest))]
        at += len(chosen)
        ids = torch.full((len(chosen), longest), end)
        mask = torch.zeros_like(ids)
        for place, number in enumerate(chosen):
            prompt = asked[number].prompt
            ids[place, longest - len(prompt) :] = torch.tensor(prompt)
            mask[place, longest - len(prompt) :] = 1
        out = model.generate(
            input_ids=ids.to(model.device), attention_mask=mask.to(model.device), do_sample=False,
            max_new_tokens=ANSWER, eos_token_id=end, pad_token_id=end, output_logits=True,
            return_dict_in_generate=True, temperature=None, top_p=None, top_k=None,
            repetition_penalty=1.0,
        )  # fmt: skip
        written = out.sequences[:, longest:]
        likely, entropy = [], []
        for token, logits in zip(written.T, out.logits, strict=True):
            every = torch.log_softmax(logits.float(), -1)
            likely.append(every.gather(1, token[:, None])[:, 0])
            entropy.append(-(every.exp() * every).nan_to_num().sum(-1))
        each = torch.stack(likely, 1).cpu(), torch.stack(entropy, 1).cpu(), written.cpu()
        for number, logs, entropies, tokens in zip(chosen, *each, strict=True):
            length = int((tokens != end).long().cumprod(0).sum())
            text = tokenizer.decode(tokens[:length], skip_special_tokens=True).strip()
            own = logs[:length]
            figures = (own.mean(), own.min(), entropies[:length].mean()) if length else (0, 0, 0)
            named = zip(("mean", "least", "entropy"), figures, strict=True)
            answers[number] = {"text": text} | {name: round(float(x), 3) for name, x in named}
        print(f"{at} of {len(order)}", file=sys.stderr, flush=True)
    return answers


if __name__ == "__main__":
    main()
