"""Joules as Linux shows them in its files."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from edgelingua.system.energy import Meter


def write(folder: Path, **values: int | str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in values.items():
        (folder / name).write_text(f"{value}\n")


def test_packages_add_up_and_go_round(tmp_path: Path) -> None:
    one, other = (tmp_path / "powercap" / f"intel-rapl:{n}" for n in (0, 1))
    write(one, energy_uj=1_000_000, max_energy_range_uj=100_000_000)
    write(other, energy_uj=99_000_000, max_energy_range_uj=100_000_000)
    write(tmp_path / "powercap" / "intel-rapl:0:0", energy_uj=5)  # the cores, in the package
    meter = Meter(tmp_path)
    write(one, energy_uj=3_500_000)
    write(other, energy_uj=2_000_000)
    write(tmp_path / "powercap" / "intel-rapl:0:0", energy_uj=9_000_000)
    assert meter.source == "RAPL"
    assert meter.joules() == pytest.approx(2.5 + 3.0)


@pytest.mark.parametrize(
    "values", [{"power_now": 6_000_000}, {"voltage_now": 12_000_000, "current_now": -500_000}]
)
def test_a_battery_in_use(tmp_path: Path, values: dict[str, int]) -> None:
    write(tmp_path / "power_supply" / "BAT0", status="Discharging", **values)
    meter = Meter(tmp_path)
    started = time.perf_counter()
    joules = meter.joules()
    assert meter.source == "battery"
    assert joules is not None
    assert 0 <= joules <= 6 * (time.perf_counter() - started) + 6


def test_nobody_tells(tmp_path: Path) -> None:
    assert Meter(tmp_path).joules() is None
    write(tmp_path / "power_supply" / "BAT0", status="Charging", power_now=6_000_000)
    write(tmp_path / "powercap" / "intel-rapl:0", energy_uj="denied")
    meter = Meter(tmp_path)
    assert (meter.source, meter.joules()) == ("", None)
