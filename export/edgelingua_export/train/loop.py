"""The training loop: deterministic, resumable, logged."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel

from edgelingua.files.atomic import PUBLIC, write_atomically
from edgelingua_export.errors import ExportError
from edgelingua_export.reports import Report, paced
from edgelingua_export.train.batches import Batch, Layout, assemble
from edgelingua_export.train.corpus import Corpus
from edgelingua_export.train.objective import Weights, loss
from edgelingua_export.train.recipe import Recipe, Schedule

Part = Callable[[Batch, Tensor, int], Tensor]
"""A part of the loss beside the labels': of a batch, its log-odds ``(n, T)``, and the step."""


@dataclass(frozen=True, eq=False)
class Split:
    """Ranges of ``corpus.items``, one a group, to train on and to measure on."""

    train: list[tuple[int, int]]
    held_out: list[tuple[int, int]]


def split(corpus: Corpus, share: float) -> Split:
    """Hold out the groups of about ``share`` of the labelled texts, chosen by their tokens."""
    edges = corpus.groups()
    held = _held_texts(corpus, share)
    train: list[tuple[int, int]] = []
    held_out: list[tuple[int, int]] = []
    for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        items = corpus.items[begin:end]
        labelled = items[items[:, 3] >= 0, 2]
        (held_out if held[labelled].any() else train).append((begin, end))
    return Split(train, held_out)


def _held_texts(corpus: Corpus, share: float) -> NDArray[np.bool_]:
    # A text's tokens decide, not its place: data sets may be added without a new split.
    begins = corpus.ids_edges[:-1]
    total = np.add.reduceat(np.append(corpus.ids, 0).astype(np.int64) ** 2, begins)
    held: NDArray[np.bool_] = (total * 2654435761 % 2**32) < share * 2**32
    return held


def fit(
    model: PreTrainedModel,
    corpus: Corpus,
    recipe: Recipe,
    layout: Layout,
    folder: Path,
    *,
    parts: Sequence[Part] = (),
    report: Report = print,
) -> None:
    """Train ``model`` in place; ``folder`` gets ``log.jsonl`` and ``checkpoint.pt``.

    The loss is that of the labels and of what ``parts`` add to it.

    A checkpoint that is there is gone on from: same recipe, same steps, same batches.

    Raises
    ------
    ExportError
        The checkpoint belongs to another number of steps.
    """
    schedule, halves = recipe.schedule, split(corpus, recipe.schedule.held_out)
    order = _Order(corpus, halves.train, recipe)
    device = next(model.parameters()).device
    if schedule.dropout >= 0:
        _set_dropout(model, schedule.dropout)
    if schedule.frozen_words:
        model.get_input_embeddings().requires_grad_(False)
    optimizer = torch.optim.AdamW(
        _parameter_groups(model, schedule.weight_decay),
        lr=schedule.learning_rate,
        fused=device.type == "cuda",
    )
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: rate_at(step, order.steps, schedule)
    )
    checkpoint = folder / "checkpoint.pt"
    # Held-out loss is that of labels: without them there is none.
    measured = halves.held_out and (recipe.weights.tokens or recipe.weights.order)
    start = _resume(checkpoint, model, optimizer, rate, order.steps)
    torch.manual_seed(recipe.seed + start)
    began, slowly = time.monotonic(), paced(report)
    left = order.steps - start
    report(f"{left:,} steps to train" + (f", after {start:,} before" if start else ""))
    running = torch.zeros((), device=device)
    with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
        for step, batch in _ahead(
            order, start, lambda spans, rng: assemble(corpus, spans, layout, rng)
        ):
            values, value = _step(model, batch, recipe.weights, schedule.precision)
            for part in parts:
                value = value + part(batch, values, step)
            optimizer.zero_grad(set_to_none=True)
            value.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            rate.step()
            running += value.detach()
            done = step + 1
            each = (time.monotonic() - began) / (done - start)
            slowly(f"step {done:,} of {order.steps:,}, {(order.steps - done) * each:,.0f} s to go")
            if done % _EVERY == 0 or done == order.steps:
                row: dict[str, Any] = {
                    "step": done,
                    "loss": float(running) / ((done - 1) % _EVERY + 1),
                }
                running.zero_()
                if measured and (done % (_EVERY * 10) == 0 or done == order.steps):
                    row["held_out"] = held_out_loss(model, corpus, halves, layout, recipe)
                row["seconds"] = round(time.monotonic() - began, 2)
                print(json.dumps(row), file=log, flush=True)
                if done == order.steps:
                    report(f"step {done:,} of {order.steps:,}: loss {row['loss']:.4f}")
            if done % schedule.checkpoint_every == 0 and done < order.steps:
                _save(checkpoint, model, optimizer, rate, done, order.steps)
    checkpoint.unlink(missing_ok=True)


_EVERY = 20


def _set_dropout(model: PreTrainedModel, share: float) -> None:
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = share
        # Attention that PyTorch computes in one step has a number, here BERT's and ModernBERT's.
        for name in ("dropout_prob", "attention_dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, share)


def held_out_loss(
    model: PreTrainedModel, corpus: Corpus, parts: Split, layout: Layout, recipe: Recipe
) -> float:
    """Mean loss over at most 256 held-out groups, one at least; the same windows each time."""
    model.eval()
    values = []
    with torch.no_grad():
        for start in range(0, min(len(parts.held_out), 256), recipe.schedule.groups):
            spans = parts.held_out[start : start + recipe.schedule.groups]
            batch = assemble(corpus, spans, layout, np.random.default_rng(start))
            values.append(_step(model, batch, recipe.weights, recipe.schedule.precision)[1])
    model.train()
    return float(torch.stack(values).mean())


def scores(model: PreTrainedModel, batch: Batch, precision: str) -> Tensor:
    """Log-odds of P(keep) of each token of a batch ``(n, T)``, float32."""
    device = next(model.parameters()).device
    inputs = {
        "input_ids": _to(batch.ids, device),
        "attention_mask": _to(batch.mask, device).long(),
    }
    if getattr(model.config, "type_vocab_size", 0) > 1:
        inputs["token_type_ids"] = _to(batch.types, device)
    use = precision == "bf16" and device.type == "cuda"
    with torch.autocast(device.type, torch.bfloat16, enabled=use):
        logits = model(**inputs).logits
    difference: Tensor = logits[..., 1].float() - logits[..., 0].float()
    return difference


def _step(
    model: PreTrainedModel, batch: Batch, weights: Weights, precision: str
) -> tuple[Tensor, Tensor]:
    """Log-odds of a batch's tokens, and the loss of its labels."""
    values = scores(model, batch, precision)
    wanted, groups = (_to(array, values.device) for array in (batch.targets, batch.groups))
    return values, loss(values, wanted, groups, weights)


def _to(array: NDArray[Any], device: torch.device) -> Tensor:
    return torch.from_numpy(array).to(device, non_blocking=True)


class _Order:
    """Which groups each step sees; a function of the seed and the step alone."""

    def __init__(self, corpus: Corpus, spans: list[tuple[int, int]], recipe: Recipe) -> None:
        self._spans, self._seed = spans, recipe.seed
        self._size = recipe.schedule.groups
        source = corpus.items[[begin for begin, _ in spans], 4]
        # A corpus names a data set by its number in the recipe.
        numbers = corpus.sources[source].astype(np.int64)
        self._repeat = np.asarray([s.repeat for s in recipe.data])[numbers]
        self._epoch_steps = max(1, int(self._repeat.sum()) // self._size)
        self.steps = max(1, round(self._epoch_steps * recipe.schedule.epochs))
        self._epoch, self._drawn = -1, np.zeros(0, dtype=np.int64)

    def step(self, number: int) -> tuple[list[tuple[int, int]], np.random.Generator]:
        epoch, place = divmod(number, self._epoch_steps)
        if epoch != self._epoch:
            rng = np.random.default_rng([self._seed, epoch])
            times = np.floor(self._repeat + rng.random(len(self._repeat))).astype(np.int64)
            self._drawn = rng.permutation(np.repeat(np.arange(len(times)), times))
            self._epoch = epoch
        # Chance makes an epoch a little longer or shorter than its mean.
        chosen = np.take(
            self._drawn, range(place * self._size, (place + 1) * self._size), mode="wrap"
        )
        spans = [self._spans[group] for group in chosen.tolist()]
        return spans, np.random.default_rng([self._seed, number, 7])


def _ahead(
    order: _Order,
    start: int,
    make: Callable[[list[tuple[int, int]], np.random.Generator], Batch],
) -> Iterator[tuple[int, Batch]]:
    """Yield the batches from step ``start`` on; the next ones are made while one is used."""
    with ThreadPoolExecutor(1) as pool:
        waiting = [
            pool.submit(make, *order.step(step))
            for step in range(start, min(start + _AHEAD, order.steps))
        ]
        for step in range(start, order.steps):
            batch = waiting.pop(0).result()
            if step + _AHEAD < order.steps:
                waiting.append(pool.submit(make, *order.step(step + _AHEAD)))
            yield step, batch


_AHEAD = 4


def rate_at(step: int, steps: int, schedule: Schedule) -> float:
    """Share of the learning rate at a step: a linear rise, then a linear fall to 0."""
    rise = max(1, round(steps * schedule.warmup))
    return (step + 1) / rise if step < rise else max(0.0, (steps - step) / max(1, steps - rise))


def _parameter_groups(model: PreTrainedModel, decay: float) -> list[dict[str, Any]]:
    wide = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    flat = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
    return [{"params": wide, "weight_decay": decay}, {"params": flat, "weight_decay": 0.0}]


def _save(
    path: Path, model: PreTrainedModel, optimizer: Any, rate: Any, step: int, steps: int
) -> None:
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(),
             "rate": rate.state_dict(), "step": step, "steps": steps}  # fmt: skip
    with write_atomically(path, PUBLIC) as file:
        torch.save(state, file)


def _resume(path: Path, model: PreTrainedModel, optimizer: Any, rate: Any, steps: int) -> int:
    if not path.is_file():
        return 0
    state = torch.load(path, map_location=next(model.parameters()).device, weights_only=True)
    if state["steps"] != steps:
        raise ExportError(
            f"{path}: made by a run of {state['steps']} steps, this recipe and data make {steps}: "
            "go on with the same ones, or choose another output folder"
        )
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    rate.load_state_dict(state["rate"])
    return int(state["step"])
