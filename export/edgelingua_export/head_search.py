"""Evaluator heads: which heads of a causal LM look at what answers a question (EHPC)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from edgelingua.scorers.looks import LAST, asking, smoothed
from edgelingua_export.attention_outputs import Head
from edgelingua_export.errors import ExportError
from edgelingua_export.reports import Report
from edgelingua_export.sources import Loaded
from edgelingua_export.train.labels import Example
from edgelingua_export.train.readers_qa import ANSWER

LONGEST = 600
"""Most tokens of a case: the weights of all heads are in memory at once."""

NUMBERS = (1, 2, 4, 8, 16)
"""How many heads are tried."""

RATE = 0.2
"""Share of the tokens that is kept to count how often all of an answer is among them."""


@dataclass(frozen=True)
class Case:
    """A text with a question about a part of it; ``answers`` are character ranges of the text."""

    text: str
    question: str
    answers: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Found:
    """The heads chosen, in order, and how often an answer survives (%) by how many there are."""

    heads: tuple[Head, ...]
    survival: dict[int, float]


def cases(examples: Sequence[Example], count: int, seed: int) -> list[Case]:
    """Make cases of examples: each text before or behind another one, which has no answer.

    Raises
    ------
    ExportError
        There are fewer than four texts with an answer.
    """
    texts = {e.text: e for e in examples if any(mark.label == ANSWER for mark in e.marks)}
    rng = np.random.default_rng(seed)
    order = rng.permutation(list(texts))[:count].tolist()
    if len(order) < 4:
        raise ExportError(f"{len(order)} texts with a question and its answer: expected 4 or more")
    made = []
    for number, text in enumerate(order):
        example, other = texts[text], order[number - 1]
        before = other + "\n\n" if rng.random() < 0.5 else ""
        answers = tuple(
            (len(before) + mark.start, len(before) + mark.end)
            for mark in example.marks
            if mark.label == ANSWER
        )
        whole = before + text + ("" if before else "\n\n" + other)
        made.append(Case(whole, example.question, answers))
    return made


def search(loaded: Loaded, some: Sequence[Case], layers: int | None, report: Report) -> Found:
    """Find the heads that look most at answers.

    The even cases rank the heads: by where the answer's tokens stand among all, ordered by the
    head's attention. The odd ones decide how many are taken: as many as keep the most answers.

    Parameters
    ----------
    loaded
        A causal LM.
    some
        What to look at; those longer than `LONGEST` tokens are left out.
    layers
        Heads of so many of the first layers are looked at; ``None``: of two thirds of them.
    report
        Told of every tenth case.

    Raises
    ------
    ExportError
        The model has fewer layers, or too few cases are short enough.
    """
    has = loaded.model.config.num_hidden_layers
    limit = -(-2 * has // 3) if layers is None else layers
    if not 1 <= limit <= has:
        raise ExportError(f"--layers {limit}: expected 1 to {has}, which the model has")
    looked = []
    for number, one in enumerate(_looked(loaded, some, limit), start=1):
        looked.append(one)
        if number % 10 == 0:
            report(f"{number} of {len(some)} cases")
    if len(looked) < 4:
        raise ExportError(
            f"{len(looked)} of {len(some)} cases have at most {LONGEST} tokens: expected 4 or more"
        )
    return choose(looked, report)


Looked = tuple[NDArray[np.float32], NDArray[np.int64]]
"""Weights ``(layers, heads, T)`` that the end of the question gives a text, the answer's tokens."""


def choose(looked: Sequence[Looked], report: Report) -> Found:
    """Choose the heads; see `search`."""
    ranks = np.mean([_ranks(weights)[:, :, kept].mean(2) for weights, kept in looked[::2]], axis=0)
    order = [divmod(int(at), ranks.shape[1]) for at in np.argsort(-ranks, axis=None)]
    survival = {n: _survival(looked[1::2], order[:n]) for n in NUMBERS if n <= len(order)}
    best = max(survival, key=lambda n: (survival[n], -n))
    for n, rate in survival.items():
        report(f"{n:2} heads: {rate:.0f} % of the answers among {RATE:.0%} of the tokens")
    return Found(tuple(sorted(order[:best])), survival)


def _looked(loaded: Loaded, some: Sequence[Case], layers: int) -> Iterator[Looked]:
    model, tokenizer = loaded.model, loaded.tokenizer
    model.set_attn_implementation("eager")  # the others never have the weights
    start = tokenizer.bos_token_id
    start = [tokenizer.eos_token_id if start is None else start]
    for case in some:
        text = tokenizer(case.text, return_offsets_mapping=True, add_special_tokens=False)
        asked = tokenizer(asking(case.question), add_special_tokens=False)["input_ids"]
        ids, spans = text["input_ids"], np.asarray(text["offset_mapping"])
        if len(ids) + len(asked) > LONGEST:
            continue
        sequence = torch.as_tensor([start + ids + asked])
        with torch.inference_mode():
            attention = model(input_ids=sequence, output_attentions=True).attentions[:layers]
        last = min(LAST, len(asked))
        weights = torch.stack([layer[0, :, -last:, 1 : 1 + len(ids)] for layer in attention])
        inside = [(spans[:, 1] > a) & (spans[:, 0] < b) for a, b in case.answers]
        yield weights.float().mean(2).numpy(), np.flatnonzero(np.any(inside, axis=0))


def _ranks(weights: NDArray[np.float32]) -> NDArray[np.float64]:
    """Where each token stands by a head's attention, from 0 to 1: ``(layers, heads, T)``."""
    order = smoothed(weights.astype(np.float64)).argsort(axis=-1).argsort(axis=-1)
    ranks: NDArray[np.float64] = order / max(1, weights.shape[-1] - 1)
    return ranks


def _survival(looked: Sequence[Looked], heads: Sequence[Head]) -> float:
    """How often all of an answer is among the best tokens, in %."""
    kept = []
    for weights, answer in looked:
        scores = smoothed(sum(weights[layer, head].astype(np.float64) for layer, head in heads))
        best = np.argsort(-scores, kind="stable")[: max(1, int(RATE * len(scores)))]
        kept.append(bool(np.isin(answer, best).all()))
    return 100 * float(np.mean(kept))
