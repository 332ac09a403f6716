"""Descent: which groups a step sees, and the steps themselves; deterministic, resumable, logged."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from edgelingua.files.atomic import PUBLIC, write_atomically
from edgelingua_export.errors import ExportError
from edgelingua_export.reports import Report, paced
from edgelingua_export.train.corpus import Corpus
from edgelingua_export.train.recipe import Recipe, Schedule

B = TypeVar("B")
Spans = list[tuple[int, int]]
"""Ranges of ``corpus.items``, one a group."""

_EVERY = 20


def descend(
    model: PreTrainedModel,
    order: Order,
    make: Callable[[Spans, np.random.Generator], B],
    loss: Callable[[B, int], Tensor],
    folder: Path,
    *,
    measure: Callable[[], float] | None = None,
    report: Report = print,
) -> None:
    """Train ``model`` in place; ``folder`` gets ``log.jsonl`` and ``checkpoint.pt``.

    ``make`` makes a step's batch of some groups, ``loss`` the step's loss of it; ``measure`` gives
    what the log has as ``held_out`` every now and then.

    A checkpoint that is there is gone on from: same recipe, same steps, same batches.

    Raises
    ------
    ExportError
        The checkpoint belongs to another number of steps.
    """
    schedule, device = order.recipe.schedule, next(model.parameters()).device
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
    start = _resume(checkpoint, model, optimizer, rate, order.steps)
    torch.manual_seed(order.recipe.seed + start)
    began, slowly = time.monotonic(), paced(report)
    left = order.steps - start
    report(f"{left:,} steps to train" + (f", after {start:,} before" if start else ""))
    running = torch.zeros((), device=device)
    with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
        for step, batch in _ahead(order, start, make):
            value = loss(batch, step)
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
                if measure and (done % (_EVERY * 10) == 0 or done == order.steps):
                    row["held_out"] = measure()
                row["seconds"] = round(time.monotonic() - began, 2)
                print(json.dumps(row), file=log, flush=True)
                if done == order.steps:
                    report(f"step {done:,} of {order.steps:,}: loss {row['loss']:.4f}")
            if done % schedule.checkpoint_every == 0 and done < order.steps:
                _save(checkpoint, model, optimizer, rate, done, order.steps)
    checkpoint.unlink(missing_ok=True)


def _set_dropout(model: PreTrainedModel, share: float) -> None:
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = share
        # Attention that PyTorch computes in one step has a number, here BERT's and ModernBERT's.
        for name in ("dropout_prob", "attention_dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, share)


class Order:
    """Which groups each step sees; a function of the seed and the step alone."""

    def __init__(self, corpus: Corpus, spans: Spans, recipe: Recipe) -> None:
        self.recipe, self._spans, self._seed = recipe, spans, recipe.seed
        self._size = recipe.schedule.groups
        source = corpus.items[[begin for begin, _ in spans], 4]
        # A corpus names a data set by its number in the recipe.
        numbers = corpus.sources[source].astype(np.int64)
        self._repeat = np.asarray([s.repeat for s in recipe.data])[numbers]
        self._epoch_steps = max(1, int(self._repeat.sum()) // self._size)
        self.steps = max(1, round(self._epoch_steps * recipe.schedule.epochs))
        self._epoch, self._drawn = -1, np.zeros(0, dtype=np.int64)

    def step(self, number: int) -> tuple[Spans, np.random.Generator]:
        """Return a step's groups and its random numbers."""
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
    order: Order,
    start: int,
    make: Callable[[Spans, np.random.Generator], B],
) -> Iterator[tuple[int, B]]:
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
