"""The mean of several trainings' weights, a "model soup": better than each of them, no larger."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from edgelingua_export.errors import ExportError
from edgelingua_export.places import refuse_existing

WEIGHTS, CONFIG = "model.safetensors", "config.json"


def mean(models: Sequence[Path], folder: Path) -> Path:
    """Write the model whose weights are the means of those of ``models``; return its folder.

    They have to come from the same base, so that their weights stand for the same things
    (Wortsman et al. 2022, arXiv:2203.05482). Tokenizer and configuration are the first one's.

    Raises
    ------
    ExportError
        There are fewer than two, one of them is no folder of `train`, or they are of different
        shapes; or ``folder`` is there.
    """
    if len(models) < 2:
        raise ExportError(f"{len(models)} model to take the mean of: expected two or more")
    refuse_existing(folder, replace=False)
    loaded = [_weights(model) for model in models]
    for model, weights in zip(models[1:], loaded[1:], strict=True):
        if _shapes(weights) != _shapes(loaded[0]) or _config(model) != _config(models[0]):
            raise ExportError(
                f"{model}: not of the same kind as {models[0]}: expected models of one recipe's "
                "base, with the same configuration and shapes"
            )
    ignored = shutil.ignore_patterns(WEIGHTS)  # written last: a folder without them is no model
    shutil.copytree(models[0], folder, ignore=ignored, dirs_exist_ok=True)
    means = {name: torch.stack([w[name].double() for w in loaded]).mean(0) for name in loaded[0]}
    kept = {name: value.to(loaded[0][name].dtype).contiguous() for name, value in means.items()}
    save_file(kept, folder / WEIGHTS, metadata={"format": "pt"})
    return folder


def _weights(model: Path) -> dict[str, Tensor]:
    if not (model / WEIGHTS).is_file():
        raise ExportError(f"{model}: no {WEIGHTS} in it: expected a folder that `train` printed")
    return load_file(model / WEIGHTS)


def _config(model: Path) -> object:
    return json.loads((model / CONFIG).read_text(encoding="utf-8"))


def _shapes(weights: dict[str, Tensor]) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in weights.items()}
