"""The CPUs a bundle can be made for, and what is known of each."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgelingua_export.errors import ExportError
from edgelingua_export.quantization.scheme import Weights

CpuTarget = Literal["cpu", "cpu-avx2", "cpu-vnni", "cpu-arm"]


@dataclass(frozen=True)
class Target:
    """What may be tried for a kind of CPU.

    ``weights`` are the kinds of INT8 weights that cannot go wrong there, the fastest first. A
    matrix that embedding and head share needs all 8 bits: it takes the last of them.
    """

    name: CpuTarget
    weights: tuple[Weights, ...]
    rule: str

    def timed_on(self, cpu: str) -> str:
        """Say how far timings on a CPU of the kind ``cpu`` hold for this target."""
        if self.name in ("cpu", cpu):
            return f"timed on {cpu}"
        return f"timed on {cpu}, another kind of CPU: latencies are a stand-in for {self.name}"


_NO_SATURATION = "no 16-bit sum of u8 x s8 can saturate: weights of 7 bits, or unsigned ones"
_FULL_RANGE = "sums of u8 x s8 have 32 bits there: signed weights of the full range"

TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target("cpu", ("s7", "u8"), f"right on every CPU: {_NO_SATURATION}"),
        Target("cpu-avx2", ("s7", "u8"), _NO_SATURATION),
        Target("cpu-vnni", ("s8",), _FULL_RANGE),
        Target("cpu-arm", ("s8",), _FULL_RANGE),
    )
}


def target(name: str) -> Target:
    """Return a target by name.

    Raises
    ------
    ExportError
        There is no such target.
    """
    if name not in TARGETS:
        raise ExportError(f"target {name!r}: expected one of {', '.join(TARGETS)}")
    return TARGETS[name]


def this_cpu(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return the kind of CPU this is: the name of a target, or ``an unknown CPU``."""
    if platform.machine().lower() in ("arm64", "aarch64"):
        return "cpu-arm"
    try:
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    except OSError:
        return "an unknown CPU"
    flags = next((set(line.split()) for line in lines if line.startswith("flags")), set())
    if flags & {"avx512_vnni", "avx_vnni"}:
        return "cpu-vnni"
    return "cpu-avx2" if "avx2" in flags else "an unknown CPU"
