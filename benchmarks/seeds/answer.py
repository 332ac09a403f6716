"""What a reader of 1.5 billion parameters makes of the published tasks, compressed, on a GPU.

    python -m benchmarks.seeds.answer MODEL.gguf --name qwen2.5-coder-1.5b --data DIR --texts FILE

Reads what `benchmarks.seeds.run` left in ``--texts`` (several files may be named), asks each case
behind each context, greedily, and adds a row for each group, method and rate to ``--results``, with
a value for each case: the judged answer, 0 to 1, the tokens read and, where the task has a
solution, its NLL per token. ``nothing`` is the question alone. Tasks in the order of the command
line; each is written when it is done.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from benchmarks.common import jsonl
from benchmarks.common.machine import noted
from benchmarks.quality.reader_torch import answers, turn
from benchmarks.seeds.judge import right
from benchmarks.seeds.tasks import TASKS, Case, cases_of

from edgelingua.prompt import SEPARATOR
from edgelingua_export.sources import Loaded, find, load

HERE = Path(__file__).parent
_TOKENS = 150_000
"""Tokens of the texts whose NLL is measured at once."""


@dataclass(frozen=True)
class Asked:
    """A prompt, its case, and how its context was made."""

    case: Case
    method: str
    rate: float
    prompt: list[int]


def main() -> None:
    """Answer all that the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", help="a GGUF file")
    parser.add_argument("--name", required=True, help="of the reader, in the results")
    parser.add_argument("--data", type=Path, required=True, help="folder of the development sets")
    parser.add_argument("--texts", type=Path, nargs="+", required=True, help="compressed contexts")
    parser.add_argument("--results", type=Path, default=HERE / "answers.jsonl")
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--cases", type=int, default=1000, help="of each group at most")
    parser.add_argument("--solved", type=int, default=50, help="cases whose solution is measured")
    options = parser.parse_args()
    loaded = load(find(options.model), "scorer")
    loaded.model.to("cuda" if torch.cuda.is_available() else "cpu", torch.bfloat16)
    texts = [row for path in options.texts for row in jsonl.read(path)]
    for name in options.tasks.split(","):
        begun = time.monotonic()
        cases = [case for case in cases_of(name, options.data) if case.number < options.cases]
        asked = list(prompts(loaded, cases, [row for row in texts if row["task"] == name]))
        longest = TASKS[name].longest
        said = answers(loaded, [a.prompt for a in asked], longest) if longest else []
        some = [each for each in asked if each.case.solution and each.case.number < options.solved]
        nats = dict(zip(map(id, some), solutions(loaded, some), strict=True))
        rows: dict[tuple[str, str, float], dict[str, list[float]]] = {}
        for at, each in enumerate(asked):
            row = rows.setdefault((each.case.group, each.method, each.rate), defaultdict(list))
            row["cases"].append(each.case.number)
            row["tokens"].append(len(each.prompt))
            if said:
                row["right"].append(round(right(each.case, said[at]), 4))
            if id(each) in nats:
                row["nll"].append(round(nats[id(each)], 4))
        for (group, method, rate), row in rows.items():
            where = {"reader": options.name, "task": name, "group": group, "method": method}
            made = {**where, "rate": rate, **row, "on": noted(options.results.parent)}
            jsonl.append(options.results, json.dumps(made, separators=(",", ":")))
        print(name, len(asked), f"{time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)


def prompts(
    loaded: Loaded, cases: Sequence[Case], texts: Sequence[dict[str, Any]]
) -> Iterator[Asked]:
    """Yield each case behind each of its contexts, and alone."""

    def asked(case: Case, method: str, rate: float, context: str) -> Asked:
        user = context + SEPARATOR + case.asked if context else case.asked
        said = turn("system", TASKS[case.task].system) + turn("user", user)
        ids = loaded.tokenizer(said + "<|im_start|>assistant\n", add_special_tokens=False)
        return Asked(case, method, rate, ids["input_ids"])

    home: dict[object, tuple[str, int]] = {}
    for case in cases:
        home.setdefault(case.context, (case.group, case.number))
    made: dict[tuple[object, object], dict[tuple[str, float], str]] = {}
    for row in texts:
        mine = made.setdefault((row["group"], row["case"]), {})
        mine |= {(row["method"], r): t for r, t in zip(row["rates"], row["texts"], strict=True)}
    for case in cases:
        found = made.get(home[case.context], {}) | made.get((case.group, case.number), {})
        yield asked(case, "nothing", 0.0, "")
        for (method, rate), context in found.items():
            yield asked(case, method, rate, context)


@torch.inference_mode()
def solutions(loaded: Loaded, asked: Sequence[Asked]) -> list[float]:
    """Mean NLL in nats of the tokens of each case's solution, behind its prompt."""
    model, tokenizer = loaded.model, loaded.tokenizer
    encoded = [
        tokenizer(each.case.solution, add_special_tokens=False)["input_ids"] for each in asked
    ]
    whole = [each.prompt + ids for each, ids in zip(asked, encoded, strict=True)]
    order = sorted(range(len(asked)), key=lambda i: -len(whole[i]))
    nats = [0.0] * len(asked)
    at = 0
    while at < len(order):
        longest = len(whole[order[at]])
        chosen = order[at : at + max(1, _TOKENS // longest)]
        at += len(chosen)
        ids = torch.zeros((len(chosen), longest), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for place, number in enumerate(chosen):
            ids[place, : len(whole[number])] = torch.tensor(whole[number])
            mask[place, : len(whole[number])] = 1
        ids, mask = ids.to(model.device), mask.to(model.device)
        states = model.get_decoder()(input_ids=ids, attention_mask=mask).last_hidden_state
        for place, number in enumerate(chosen):
            end, size = len(whole[number]), len(encoded[number])
            logits = model.get_output_embeddings()(states[place, end - size - 1 : end - 1])
            losses = torch.nn.functional.cross_entropy(logits.float(), ids[place, end - size : end])
            nats[number] = float(losses)
    return nats


if __name__ == "__main__":
    main()
