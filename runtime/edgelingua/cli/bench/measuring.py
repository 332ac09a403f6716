"""The card of this device, measured piece by piece."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Any

from edgelingua import __version__
from edgelingua.bundle.manifest import MANIFEST, Manifest
from edgelingua.bundle.shipped import shipped_bundles
from edgelingua.cli.bench.trials import PREFIX
from edgelingua.errors import BundleError, InputError, ReaderError
from edgelingua.models import registry
from edgelingua.planner.card import Card, CompressorCost, ReaderCost
from edgelingua.system import child

Row = tuple[str, str, bool]
"""A bundle, a method, and whether it is shown a question."""


@dataclass
class Measuring:
    """Measures within a time.

    Parameters
    ----------
    readers
        Names of readers, as `registry.find_reader` takes them; they must be here.
    seconds
        For all of it.
    tell
        Called with what comes next.
    """

    readers: Sequence[str]
    seconds: float
    tell: Callable[[str], None]
    skipped: list[str] = field(default_factory=list, init=False)

    def card(self) -> Card:
        """Measure everything that the time allows; `skipped` has the rest.

        Raises
        ------
        InputError, ReaderError, FetchError, ModelNotFoundError
            There is no Python to measure in, or a reader is none.
        """
        started = time.perf_counter()
        paths = {name: registry.find_reader(name) for name in self.readers}
        counting = str(next(iter(paths.values()))) if paths else ""
        rows = list(_rows())
        # Readers have the larger half: theirs are the longer times.
        shares = 0.4 * self.seconds / len(rows), 0.5 * self.seconds / max(1, len(paths))
        compressors = []
        for bundle, method, question in rows:
            name = f"{method} with {bundle}" if bundle else method
            name += ", with a question" if question else ""
            if time.perf_counter() - started > 0.5 * self.seconds:
                self.skipped.append(f"{name}: its time was over")
                continue
            self.tell(name)
            try:
                values = _measure("compressor", bundle, method, question, counting, shares[0])
            except ReaderError as error:
                self.skipped.append(f"{name}: {error}")
                continue
            compressors.append(CompressorCost.parsed(values))
        found = []
        for name, path in paths.items():
            self.tell(name)
            found.append(ReaderCost.parsed(_measure("reader", name, str(path), shares[1])))
        return Card(
            edgelingua=__version__,
            measured=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            compressors=tuple(compressors),
            readers=tuple(found),
        )


def readers_here(named: Sequence[str]) -> list[str]:
    """Return the readers named, or the default one; none where llama.cpp is not installed.

    Raises
    ------
    EdgeLinguaError
        One that was named cannot be had.
    """
    if named:
        return list(dict.fromkeys(named))
    return [registry.DEFAULT_READER] if find_spec("llama_cpp") else []


def _rows() -> Iterator[Row]:
    """What is measured, the default first: every bundle here with the methods made for it."""
    bundles = {}
    for name, folder in shipped_bundles().items():
        try:
            bundles[name] = Manifest.read(folder / MANIFEST)
        except BundleError:
            continue  # `doctor` says what is wrong with it
    names = sorted(bundles, key=lambda name: name != registry.DEFAULT_CLASSIFIER)
    for name in names:
        manifest = bundles[name]
        if manifest.task == "classifier":
            yield from ((name, "llmlingua2", asked) for asked in (True, False)
                        if manifest.tokens.pair or not asked)  # fmt: skip
        elif manifest.task == "encoder":
            yield name, "cpc", True
    if find_spec("rank_bm25"):
        yield "", "bm25", True


def _measure(what: str, *arguments: Any) -> dict[str, Any]:
    """Measure in a process of its own.

    Raises
    ------
    InputError
        There is no Python to start.
    ReaderError
        It came to nothing, with its last words.
    """
    python = child.interpreter()
    if python is None:
        raise InputError("bench needs a Python interpreter to measure in; this program has none")
    limit = 60 + 4 * float(arguments[-1])  # it looks at the clock itself, if nothing hangs
    command = [python, "-P", "-m", "edgelingua.cli.bench.trials", what, json.dumps(arguments)]
    try:
        done = child.start(command, limit)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ReaderError(f"{what} cannot be measured: {error}") from None
    for line in done.stdout.decode(errors="replace").splitlines():
        if line.startswith(PREFIX):
            values: dict[str, Any] = json.loads(line.removeprefix(PREFIX))
            return values
    last = (done.stderr.decode(errors="replace").strip().splitlines() or [""])[-1]
    how = child.death(done.returncode) or last or f"exit code {done.returncode}"
    raise ReaderError(f"{what} cannot be measured: its process ended with {how}")
