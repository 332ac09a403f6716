"""Compare checkpoints that training left, in PyTorch: what survives, and what a reader says.

    python -m benchmarks.quality.objectives --data DIR --model NAME=FOLDER … --reader FOLDER

For choosing among objectives and architectures before a bundle is built; `benchmarks.quality.run`
measures bundles through the runtime. Each passage is scored for itself in windows that overlap by
half, a word's score is the mean of its pieces, words of all passages share one budget of words.
``--reader``: a causal LM, which reads what is kept of some cases and pays for the gold answer. Adds
a line for each model to ``--results``, in the place of one of the same sample.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks.common import jsonl
from benchmarks.common.machine import noted
from benchmarks.quality.sets import Case, draw, found
from benchmarks.quality.survival import RATES
from benchmarks.quality.word_scores import of_words
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, AutoModelForTokenClassification, AutoTokenizer

from edgelingua.text.boundaries import words
from edgelingua.text.tokenizer import TextTokenizer
from edgelingua_export.sources import find
from edgelingua_export.sources import load as load_model

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
HERE = Path(__file__).parent
WINDOWS = 512
"""Windows of one batch."""
READ_AT = (0.2, 0.05)
KEY = ("model", "cases", "read")
"""Fields that tell a row from the others: the model and its sample."""


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the development sets")
    parser.add_argument("--model", action="append", required=True, help="NAME=FOLDER")
    parser.add_argument("--reader", help="known model or Hugging Face folder of a causal LM")
    parser.add_argument("--sets", default="nq,hotpotqa,musique,squad,qmsum")
    parser.add_argument("--cases", type=int, default=1300)
    parser.add_argument("--read", type=int, default=150, help="cases of a set that are read")
    parser.add_argument("--results", type=Path, default=HERE / "objectives.jsonl")
    options = parser.parse_args()
    sets = {
        name: draw(name, options.data, options.cases if name != "qmsum" else 100)
        for name in options.sets.split(",")
    }
    reader = Reader(options.reader) if options.reader else None
    for given in options.model:
        name, _, folder = given.partition("=")
        pruner, percent, nats = Pruner(Path(folder)), {}, {}
        for title, cases in sets.items():
            for asks in (True, False):
                key = f"{title}, {'with question' if asks else 'alone'}"
                scored = pruner.score(cases, asks)
                percent[key] = survival(cases, scored)
                if reader and cases[0].answers:
                    nats[key] = reader.nats(cases, scored, options.read)
                print(name, key, percent[key], nats.get(key, ""), flush=True)
        row = {"model": name, "cases": options.cases, "rates": RATES, "percent": percent}
        if nats:
            row |= {"read": options.read, "read_at": READ_AT, "nats": nats}
        row["on"] = noted(options.results.parent)
        put(options.results, row)


def put(path: Path, row: Mapping[str, Any]) -> None:
    """Write a row, in the place of one with the same `KEY`."""
    rows = jsonl.read(path)
    keys = [[each.get(name) for name in KEY] for each in [*rows, row]]
    at = keys.index(keys[-1])
    rows[at : at + 1] = [row]
    jsonl.replace(path, map(json.dumps, rows))


Scored = list[tuple[NDArray[np.int64], NDArray[np.float32]]]
"""Of each passage of a case: its words ``(W, 2)`` and their scores ``(W,)``."""


class Pruner:
    """A token classifier as training leaves it."""

    def __init__(self, folder: Path) -> None:
        self._model = AutoModelForTokenClassification.from_pretrained(folder).to(DEVICE).eval()
        self._tokens = TextTokenizer(folder / "tokenizer.json", "wordpiece")
        names = AutoTokenizer.from_pretrained(folder)
        self._first, self._last = names.cls_token_id, names.sep_token_id
        self._window = min(256, self._model.config.max_position_embeddings)

    def score(self, cases: Sequence[Case], asks: bool) -> list[Scored]:
        """Score the words of all passages, with the questions or without them."""
        rows, places, spans = [], [], []
        totals: list[NDArray[np.float64]] = []
        for case in cases:
            asked = self._tokens.encode(case.question).ids[: self._window // 3] if asks else ()
            head = [self._first, *asked, self._last] if asks else [self._first]
            room = self._window - len(head) - 1
            for passage in case.passages:
                encoding = self._tokens.encode(passage)
                spans.append((encoding.spans, words(passage)))
                number = len(totals)
                totals.append(np.zeros((2, len(encoding.ids))))
                for at in _starts(len(encoding.ids), room):
                    part = encoding.ids[at : at + room]
                    rows.append((np.asarray([*head, *part, self._last]), len(head)))
                    places.append((number, at, len(part)))
        order = np.argsort([len(row) for row, _ in rows], kind="stable").tolist()
        for start in range(0, len(order), WINDOWS):
            chosen = order[start : start + WINDOWS]
            keep = self._run([rows[i] for i in chosen], asks)
            for i, values in zip(chosen, keep, strict=True):
                number, at, size = places[i]
                head = rows[i][1]
                totals[number][0, at : at + size] += values[head : head + size]
                totals[number][1, at : at + size] += 1
        scores = iter(
            (found, of_words(found, pieces, total[0] / np.maximum(total[1], 1)))
            for total, (pieces, found) in zip(totals, spans, strict=True)
        )
        return [list(islice(scores, len(case.passages))) for case in cases]

    def _run(
        self, rows: Sequence[tuple[NDArray[np.int64], int]], asks: bool
    ) -> NDArray[np.float32]:
        length = max(len(row) for row, _ in rows)
        ids = np.zeros((3, len(rows), length), np.int64)  # ids, mask, types
        for place, (row, head) in enumerate(rows):
            ids[0, place, : len(row)], ids[1, place, : len(row)] = row, 1
            ids[2, place, head : len(row)] = int(asks)
        given = dict(
            zip(
                ("input_ids", "attention_mask", "token_type_ids"),
                torch.from_numpy(ids).to(DEVICE),
                strict=True,
            )
        )
        with torch.no_grad():
            logits = self._model(**given).logits.float()
        keep: NDArray[np.float32] = (logits[..., 1] - logits[..., 0]).sigmoid().cpu().numpy()
        return keep


def _starts(length: int, room: int) -> list[int]:
    if length <= room:
        return [0]
    return [*range(0, length - room, room // 2), length - room]


def kept(scored: Scored, rate: float) -> list[NDArray[np.bool_]]:
    """Which words of each passage stay."""
    scores = np.concatenate([values for _, values in scored])
    keep = np.zeros(len(scores), bool)
    keep[np.argsort(-scores, kind="stable")[: max(1, int(rate * len(scores)))]] = True
    return np.split(keep, np.cumsum([len(values) for _, values in scored])[:-1])


def survival(cases: Sequence[Case], scored: Sequence[Scored]) -> list[float]:
    """Percent of the answers, or of the words of evidence, that survive at each of `RATES`."""
    shares = []
    for case, each in zip(cases, scored, strict=True):
        wanted = [_wanted(case, p, s) for p, (s, _) in zip(case.passages, each, strict=True)]
        row = []
        for rate in RATES:
            stays = kept(each, rate)
            if case.answers:
                pairs = zip(wanted, stays, strict=True)
                row.append(float(any(k[a:b].all() for w, k in pairs for a, b in w)))
            else:
                inside = [k[a:b] for w, k in zip(wanted, stays, strict=True) for a, b in w]
                row.append(float(np.concatenate(inside).mean()) if inside else np.nan)
        shares.append(row)
    means: list[float] = (100 * np.nanmean(shares, axis=0)).round(1).tolist()
    return means


def _wanted(case: Case, passage: str, spans: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Ranges of words: the answers' occurrences, or the sentences of evidence."""
    places = [place for answer in case.answers for place in found(passage, answer)]
    if not case.answers:
        starts = [(passage.find(line), line) for line in case.evidence]
        places = [(at, at + len(line)) for at, line in starts if at >= 0]
    ranges = [
        (
            int(np.searchsorted(spans[:, 1], start, side="right")),
            int(np.searchsorted(spans[:, 0], end, side="left")),
        )
        for start, end in places
    ]
    return [(a, b) for a, b in ranges if b > a]


class Reader:
    """A causal LM that pays for gold answers."""

    def __init__(self, name: str) -> None:
        if Path(name).is_dir():
            self._tokens = AutoTokenizer.from_pretrained(name)
            model = AutoModelForCausalLM.from_pretrained(name)
        else:
            loaded = load_model(find(name), "scorer")
            self._tokens, model = loaded.tokenizer, loaded.model
        self._model = model.to(DEVICE, torch.bfloat16 if DEVICE == "cuda" else torch.float32).eval()

    def nats(self, cases: Sequence[Case], scored: Sequence[Scored], count: int) -> list[float]:
        """Mean NLL per token of the first gold answer at each of `READ_AT`."""
        return [
            round(float(np.mean([self._pays(c, s, rate) for c, s in pairs])), 4)
            for rate in READ_AT
            for pairs in [list(zip(cases, scored, strict=True))[:count]]
        ]

    def _pays(self, case: Case, scored: Scored, rate: float) -> float:
        texts = []
        for passage, (spans, _), keep in zip(
            case.passages, scored, kept(scored, rate), strict=True
        ):
            text = " ".join(passage[a:b] for a, b in spans[keep].tolist())
            if text:
                texts.append(text)
        prompt = "Context:\n" + "\n".join(texts) + f"\n\nQuestion: {case.question}\nAnswer:"
        answer = self._tokens(f" {case.answers[0]}", add_special_tokens=False).input_ids
        ids = self._tokens(prompt).input_ids + answer
        with torch.no_grad():
            logits = self._model(torch.tensor([ids], device=DEVICE)).logits[0]
        wanted = torch.tensor(answer, device=DEVICE)
        return float(cross_entropy(logits[-len(answer) - 1 : -1].float(), wanted))


if __name__ == "__main__":
    main()
