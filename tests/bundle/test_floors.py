"""The calibration of a bundle: read, looked up, and refused where it is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.bundle.floors import Floors
from edgelingua.bundle.shipped import shipped_bundles
from edgelingua.errors import BudgetError, BundleError


def test_the_share_is_that_of_the_next_chance() -> None:
    floors = Floors({0.8: 0.5, 0.9: 0.7, 0.95: 0.8}, faint=0.1)
    assert [floors.share(p) for p in (0.01, 0.8, 0.81, 0.9, 0.95)] == [0.5, 0.5, 0.7, 0.7, 0.8]
    with pytest.raises(BudgetError, match=r"calibrated up to 0\.95"):
        floors.share(0.96)


def test_shipped_bundles_have_one_that_asks_more_for_more() -> None:
    floors = ModelBundle.open(shipped_bundles()["edgelingua-mini"]).floors()
    assert floors is not None
    assert {0.8, 0.9, 0.95, 0.99} <= set(floors.shares)
    assert list(floors.shares.values()) == sorted(floors.shares.values())


def test_others_have_none(bert_bundle: ModelBundle) -> None:
    assert bert_bundle.floors() is None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"shares": {}, "faint": 0.1}',
        '{"shares": {"0.8": 0.5}}',
        '{"shares": {"0.8": 2}, "faint": 0.1}',
        '{"shares": {"0.8": true}, "faint": 0.1}',
        '{"shares": {"1.5": 0.5}, "faint": 0.1}',
        '{"shares": {"much": 0.5}, "faint": 0.1}',
        '{"shares": {"0.8": NaN}, "faint": 0.1}',
        '{"shares": {"0.8": "0.5"}, "faint": 0.1}',
        '{"shares": 0.5, "faint": 0.1}',
    ],
)
def test_what_is_none_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "floors.json"
    path.write_text(content)
    with pytest.raises(BundleError, match=r"floors\.json: not a calibration"):
        Floors.read(path)
    with pytest.raises(BundleError):
        Floors.read(tmp_path / "missing.json")
    path.write_text(json.dumps({"shares": {"0.9": 0.6, "0.8": 0.5}, "faint": 0}))
    assert list(Floors.read(path).shares) == [0.8, 0.9]
