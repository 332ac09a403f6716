"""H2O, TOVA and SnapKV beside PyTorch with eager attention on the same weights.

The reference knows nothing of caches: it computes everything anew with a mask that hides what was
evicted, and scores with code of its own. Each of our evictions is compared with what it would have
chosen there; then it follows ours, so that one difference does not become many.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import AutoModelForCausalLM, LlamaForCausalLM, PreTrainedModel

from edgelingua.kv.options import CacheType
from edgelingua.kv.policies import H2O, Policy, SnapKV, Tova
from edgelingua.kv.state import CellView, Signal
from edgelingua.llama.model import LlamaModel
from tests.conftest import DOCUMENT

POLICIES: dict[str, Policy] = {"h2o": H2O(), "tova": Tova(), "snapkv": SnapKV()}


@dataclass(eq=False)
class Recording:
    """A policy that notes what it was shown and what it said."""

    policy: Policy
    calls: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = field(default_factory=list)

    @property
    def signals(self) -> frozenset[Signal]:
        return self.policy.signals

    @property
    def cache_types(self) -> frozenset[CacheType]:
        return self.policy.cache_types

    @property
    def queries(self) -> int:
        return self.policy.queries

    @property
    def block(self) -> int | None:
        return self.policy.block

    def protected(self, cells: CellView) -> NDArray[np.bool_]:
        return self.policy.protected(cells)

    def scores(self, cells: CellView) -> NDArray[np.float64]:
        scores = self.policy.scores(cells)
        self.calls.append((cells.positions.copy(), scores))
        return scores


def ranks(row: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray([(row < value).sum() for value in row], dtype=np.float64)


def reference_scores(name: str, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores of the columns of weights ``(layers, heads, queries, cells)``."""
    layers, heads, _, cells = weights.shape
    if name == "tova":
        rows = weights[:, :, -1].mean(axis=1)
    elif name == "h2o":
        rows = weights.sum(axis=2).mean(axis=1)
    else:
        # Queries from before an eviction vote on what is left.
        window = weights[:, :, -32:] / weights[:, :, -32:].sum(axis=-1, keepdims=True)
        votes = window.sum(axis=2).reshape(layers * heads, cells)
        columns = [
            np.mean([votes[:, min(max(c + o, 0), cells - 1)] for o in range(-2, 3)], axis=0)
            for c in range(cells)
        ]
        rows = np.stack(columns, axis=1)
    scores = np.mean([ranks(row) for row in rows], axis=0)
    if name == "h2o":
        scores[cells - cells // 2 :] = cells + np.arange(cells // 2)
    result: NDArray[np.float64] = scores
    return result


@contextmanager
def threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def compare(
    name: str, model: PreTrainedModel, reader: LlamaModel, tokens: NDArray[np.int32], cap: int
) -> tuple[float, float, float]:
    """Rank correlation of the first scores; share of evictions that are the same; worst difference.

    The last is how far a cell chosen by only one of the two lies from the cut, in ranks of 1.
    """
    recording = Recording(POLICIES[name])
    session = reader.session(cap, recording, block=8)
    session.feed(tokens)
    shown = [*(positions for positions, _ in recording.calls), session.cells.positions]
    hidden_from = np.full(len(tokens), len(tokens) + 1)
    same = total = 0
    correlation = worst = 0.0
    for number, (positions, scores) in enumerate(recording.calls):
        read = int(positions[-1]) + 1
        ours = set(positions.tolist()) - set(shown[number + 1].tolist())
        query, key = np.mgrid[:read, :read]
        seen = (key <= query) & (query < hidden_from[key])
        mask = torch.zeros(read, read).masked_fill(~torch.from_numpy(seen), -1e30)[None, None]
        with torch.inference_mode(), threads(1):
            out = model(
                torch.from_numpy(tokens[None, :read].astype(np.int64)),
                attention_mask=mask,
                output_attentions=True,
            )
        alive = np.flatnonzero(hidden_from[:read] > len(tokens))
        weights = torch.cat(out.attentions).double().numpy()[..., alive]
        expected = reference_scores(name, weights)
        if number == 0:
            correlation = float(np.corrcoef(ranks(expected), ranks(scores))[0, 1])
        free = np.arange(4, len(alive) - 32)
        gone = alive[free[np.argsort(expected[free], kind="stable")[: len(ours)]]]
        cut = expected[free[np.argsort(expected[free], kind="stable")[len(ours) - 1]]]
        differ = np.flatnonzero(np.isin(alive, list(ours ^ set(gone.tolist()))))
        worst = max(worst, float(np.abs(expected[differ] - cut).max(initial=0)) / len(alive))
        hidden_from[sorted(ours)] = read
        same += len(ours & set(gone.tolist()))
        total += len(ours)
    assert total > 40
    return correlation, same / total, worst


@pytest.mark.parametrize("name", POLICIES)
def test_the_same_evictions_as_torch(
    name: str, tiny_llama: LlamaForCausalLM, tiny_reader: LlamaModel
) -> None:
    tokens = np.random.default_rng(11).integers(0, 300, 130).astype(np.int32)
    correlation, same, worst = compare(name, tiny_llama, tiny_reader, tokens, 80)
    assert correlation >= 0.99
    assert same >= 0.95
    assert worst < 0.02, "not a near tie"


@pytest.mark.slow
@pytest.mark.parametrize("name", POLICIES)
def test_the_same_evictions_as_torch_on_a_real_model(
    name: str, reader: LlamaModel, gguf: Path
) -> None:
    """llama.cpp rounds activations to eight bits where PyTorch does not."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    model = AutoModelForCausalLM.from_pretrained(
        str(gguf.parent), gguf_file=gguf.name, attn_implementation="eager", dtype=torch.float32
    )
    tokens = reader.tokenize(DOCUMENT.read_text(encoding="utf-8")[:1200])[:150]
    correlation, same, worst = compare(name, model, reader, tokens, 96)
    print(f"{name}: rank correlation {correlation:.4f}, same {same:.3f}, worst {worst:.3f}")
    assert correlation >= 0.99
    assert same >= 0.95
    assert worst < 0.02, "not a near tie"
