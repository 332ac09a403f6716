"""Means of trained models' weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from edgelingua_export.errors import ExportError
from edgelingua_export.train.mean import mean


def model(folder: Path, value: float, *, width: int = 3, kind: str = "bert") -> Path:
    """A folder as `train` writes it, with weights of one value."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": kind}), encoding="utf-8")
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    weights = {"layer": torch.full((2, width), value), "ids": torch.arange(4)}
    save_file(weights, folder / "model.safetensors")
    return folder


def test_weights_are_the_mean_and_the_rest_is_the_firsts(tmp_path: Path) -> None:
    made = [model(tmp_path / str(v), v) for v in (1.0, 2.0, 6.0)]
    weights = load_file(mean(made, tmp_path / "out") / "model.safetensors")
    assert torch.equal(weights["layer"], torch.full((2, 3), 3.0))
    assert torch.equal(weights["ids"], torch.arange(4))
    assert (tmp_path / "out" / "tokenizer.json").read_text() == "{}"


@pytest.mark.parametrize("other", [{"width": 4}, {"kind": "roberta"}])
def test_models_of_another_kind_are_refused(tmp_path: Path, other: dict[str, object]) -> None:
    made = [model(tmp_path / "one", 1.0), model(tmp_path / "two", 2.0, **other)]  # type: ignore[arg-type]
    with pytest.raises(ExportError, match="not of the same kind"):
        mean(made, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_one_model_or_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="expected two or more"):
        mean([model(tmp_path / "one", 1.0)], tmp_path / "out")
    with pytest.raises(ExportError, match="expected a folder"):
        mean([tmp_path / "one", tmp_path / "none"], tmp_path / "out")


def test_what_is_there_stays(tmp_path: Path) -> None:
    made = [model(tmp_path / "one", 1.0), model(tmp_path / "two", 2.0)]
    with pytest.raises(ExportError):
        mean(made, made[0])
    assert torch.equal(load_file(made[0] / "model.safetensors")["layer"], torch.full((2, 3), 1.0))
