"""The training loop of memories: deterministic, resumable, logged."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import nll_loss

from edgelingua.files.atomic import PUBLIC, write_atomically
from edgelingua_export.errors import ExportError
from edgelingua_export.reports import Report
from edgelingua_export.train.memory.adapter import Compressor
from edgelingua_export.train.memory.drawing import Drawer
from edgelingua_export.train.memory.packing import ANSWER, RECALL, Packed
from edgelingua_export.train.memory.recipe import Asking, MemoryRecipe, Schedule

_EVERY, _SHOW, _AHEAD = 20, 10.0, 6


def fit(
    compressor: Compressor, drawer: Drawer, recipe: MemoryRecipe, folder: Path, report: Report
) -> None:
    """Train in place; ``folder`` gets ``log.jsonl`` and ``checkpoint.pt``, which is gone on from.

    Raises
    ------
    ExportError
        The checkpoint belongs to another number of steps.
    """
    schedule = recipe.schedule
    device = compressor.vectors.device
    changes = [p for name, p in compressor.trained().items() if name != "vectors"]
    groups = [{"params": changes, "lr": schedule.learning_rate}]
    if len(compressor.vectors):
        fast = schedule.learning_rate * schedule.tokens_rate
        groups.append({"params": [compressor.vectors], "lr": fast})
    optimizer = torch.optim.AdamW(groups, weight_decay=0.0, fused=device.type == "cuda")
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_at(step, schedule))
    checkpoint = folder / "checkpoint.pt"
    start = _resume(checkpoint, compressor, optimizer, rate, schedule.steps)
    began, shown = time.monotonic(), 0.0
    running: dict[str, Tensor] = {}
    with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
        for step, rows in _ahead(drawer, start, schedule.steps):
            parts = loss(compressor, rows.to(device), recipe.asking)
            value = parts["loss"]
            optimizer.zero_grad(set_to_none=True)
            value.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(compressor.trained().values(), 1.0)
            optimizer.step()
            rate.step()
            for name, part in parts.items():
                running[name] = running.get(name, torch.zeros((), device=device)) + part.detach()
            done = step + 1
            if done % _EVERY == 0 or done == schedule.steps:
                steps = (done - 1) % _EVERY + 1
                row: dict[str, Any] = {name: float(v) / steps for name, v in running.items()}
                running.clear()
                seconds = round(time.monotonic() - began, 2)
                print(json.dumps({"step": done, **row, "seconds": seconds}), file=log, flush=True)
                if time.monotonic() - shown > _SHOW or done == schedule.steps:
                    shown = time.monotonic()
                    told = ", ".join(f"{name} {v:.4f}" for name, v in row.items())
                    report(f"step {done} of {schedule.steps}: {told}")
            if done % schedule.checkpoint_every == 0 and done < schedule.steps:
                _save(checkpoint, compressor, optimizer, rate, done, schedule.steps)
    checkpoint.unlink(missing_ok=True)


def loss(compressor: Compressor, rows: Packed, asking: Asking) -> dict[str, Tensor]:
    """Return the weighted ``loss`` of some rows, and its parts in nats a token.

    ``changed`` and ``recalled`` are the KL of the reader with the documents from the reader with
    their memories, on answers and on what is recalled; ``gold`` the NLL of the answers.
    """
    with torch.no_grad():
        whole = compressor.said(rows, whole=True)
    mine = compressor.said(rows, whole=False)
    kind = rows.target[:, 1:][rows.target[:, 1:] > 0]
    token = rows.tokens[:, 1:][rows.target[:, 1:] > 0]
    change = (whole.exp() * (whole - mine)).sum(-1)
    nats = nll_loss(mine, token, reduction="none")
    answer, recall = (kind == ANSWER).float(), (kind == RECALL).float()
    parts = {
        "changed": _mean(change, answer),
        "recalled": _mean(change, recall),
        "gold": _mean(nats, answer),
    }
    total = (
        asking.weight * parts["changed"]
        + asking.recalled * parts["recalled"]
        + asking.gold * parts["gold"]
    )
    return {"loss": total, **parts}


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum() / weights.sum().clamp(min=1)


def rate_at(step: int, schedule: Schedule) -> float:
    """Share of the learning rate at a step: a linear rise, then half a cosine to 0."""
    rise = max(1, round(schedule.steps * schedule.warmup))
    if step < rise:
        return (step + 1) / rise
    return 0.5 + 0.5 * math.cos(math.pi * min(1.0, (step - rise) / max(1, schedule.steps - rise)))


def _ahead(drawer: Drawer, start: int, steps: int) -> Iterator[tuple[int, Packed]]:
    """Yield the rows of the steps from ``start`` on; the next ones are made while one is used."""
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(drawer.rows, s) for s in range(start, min(start + _AHEAD, steps))]
        for step in range(start, steps):
            rows = waiting.pop(0).result()
            if step + _AHEAD < steps:
                waiting.append(pool.submit(drawer.rows, step + _AHEAD))
            yield step, rows


def _save(path: Path, compressor: Compressor, optimizer: Any, rate: Any, *at: int) -> None:
    state = {"trained": compressor.trained(), "optimizer": optimizer.state_dict(),
             "rate": rate.state_dict(), "at": at}  # fmt: skip
    with write_atomically(path, PUBLIC) as file:
        torch.save(state, file)


def _resume(path: Path, compressor: Compressor, optimizer: Any, rate: Any, steps: int) -> int:
    if not path.is_file():
        return 0
    state = torch.load(path, map_location=compressor.vectors.device, weights_only=True)
    done, planned = state["at"]
    if planned != steps:
        raise ExportError(
            f"{path}: made by a run of {planned} steps, this recipe has {steps}: go on with the "
            "same one, or choose another output folder"
        )
    compressor.restore(state["trained"])
    optimizer.load_state_dict(state["optimizer"])
    rate.load_state_dict(state["rate"])
    return int(done)
