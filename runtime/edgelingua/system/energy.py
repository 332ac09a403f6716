"""Joules, where the system tells: Linux's counters of the processor, or a battery in use."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

SYS = Path("/sys/class")


@dataclass
class Meter:
    """Counts joules from its beginning on.

    Parameters
    ----------
    root
        Where Linux shows its devices.
    """

    root: Path = SYS
    source: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self._zones = {
            zone: value
            for zone in sorted(self.root.glob("powercap/intel-rapl:*"))
            # The packages; what lies in them (:0:0) is counted in them.
            if zone.name.count(":") == 1 and (value := _number(zone / "energy_uj")) is not None
        }
        self._power = None if self._zones else self._battery()
        self._started = time.perf_counter()
        self.source = "RAPL" if self._zones else "battery" if self._power is not None else ""

    def joules(self) -> float | None:
        """Return the joules so far; ``None`` where nobody tells.

        Of the whole machine: all that runs beside is in it. A battery's are the mean of its power
        at the beginning and now, times the seconds between.
        """
        if self._zones:
            spent = 0.0
            for zone, before in self._zones.items():
                now = _number(zone / "energy_uj")
                if now is None:
                    return None
                if now < before:  # it went round
                    now += _number(zone / "max_energy_range_uj") or 0.0
                spent += now - before
            return spent / 1e6
        power = self._battery()
        if self._power is None or power is None:
            return None
        return (self._power + power) / 2 * (time.perf_counter() - self._started)

    def _battery(self) -> float | None:
        """Watts that batteries give; ``None``: none is in use."""
        watts = []
        for place in sorted(self.root.glob("power_supply/BAT*")):
            if _text(place / "status") != "Discharging":
                continue
            power = _number(place / "power_now")
            volts, amperes = _number(place / "voltage_now"), _number(place / "current_now")
            if power is not None:
                watts.append(power / 1e6)
            elif volts is not None and amperes is not None:
                watts.append(volts * amperes / 1e12)
        return sum(watts) if watts else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):  # not there, or only for root
        return ""


def _number(path: Path) -> float | None:
    text = _text(path).removeprefix("-")
    return float(text) if text.isdigit() else None
