"""The card of a device: what was measured on it, and where it is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from edgelingua.bundle import strict_json
from edgelingua.errors import InputError
from edgelingua.files.atomic import PUBLIC, write_atomically
from edgelingua.models import registry
from edgelingua.planner.curve import Curve
from edgelingua.system.cores import available_cores
from edgelingua.system.machine import cpu

VERSION = 1
FILE = "card.json"


@dataclass(frozen=True)
class CompressorCost:
    """What a method costs, with one bundle.

    ``curve``: seconds over characters of text. ``rss_mb``: the most that its process took;
    ``added_mb``: by how much that grew when it loaded and ran, which is what it costs beside a
    reader; ``None`` where the system does not tell. ``joules``: a second of its work.
    """

    bundle: str
    method: str
    question: bool
    curve: Curve
    load_seconds: float
    rss_mb: float | None = None
    added_mb: float | None = None
    joules: float | None = None

    @classmethod
    def parsed(cls, row: Mapping[str, Any]) -> CompressorCost:
        """Return what was written as JSON."""
        return cls(**{**row, "curve": Curve.parsed(row["curve"])})


@dataclass(frozen=True)
class ReaderCost:
    """What a reader costs.

    ``name``: what to call it by on the command line; ``file``: what its file is called.
    ``prefill``: seconds over tokens read. ``decode``: tokens written a second, behind each of its
    lengths. ``cell_bytes``: by number format of the cache, those that it stands. ``base_mb``: its
    process without the cache.
    ``characters``: of a token, in English prose. ``template``: tokens of chat template and system
    prompt. ``joules``: a second of reading.
    """

    name: str
    file: str
    file_mb: float
    trained_length: int
    prefill: Curve
    decode: tuple[float, ...]
    cell_bytes: Mapping[str, int]
    characters: float
    template: int
    load_seconds: float
    base_mb: float | None = None
    joules: float | None = None

    @classmethod
    def parsed(cls, row: Mapping[str, Any]) -> ReaderCost:
        """Return what was written as JSON."""
        decode = tuple(map(float, row["decode"]))
        return cls(**{**row, "prefill": Curve.parsed(row["prefill"]), "decode": decode})


def this_machine() -> dict[str, Any]:
    """Return what makes figures comparable: processor and threads."""
    return {"cpu": cpu().name, "threads": available_cores()}


@dataclass(frozen=True)
class Card:
    """Costs on one device, by rows of compressors and readers, the first the default."""

    machine: Mapping[str, Any] = field(default_factory=this_machine)
    edgelingua: str = ""
    measured: str = ""
    compressors: tuple[CompressorCost, ...] = ()
    readers: tuple[ReaderCost, ...] = ()

    def reader(self, name: str) -> ReaderCost:
        """Return the costs of a reader, by its name or its file's.

        Raises
        ------
        InputError
            It was not measured.
        """
        for cost in self.readers:
            if name in (cost.name, cost.file):
                return cost
        known = ", ".join(cost.name for cost in self.readers) or "none"
        raise InputError(
            f"the card of this device has no reader {name}, but {known}: "
            f"edgelingua bench --reader {name}"
        )

    def compressor(self, bundle: str, method: str, *, question: bool) -> CompressorCost:
        """Return the costs of a method with a bundle.

        Raises
        ------
        InputError
            They were not measured.
        """
        for cost in self.compressors:
            if (cost.bundle, cost.method, cost.question) == (bundle, method, question):
                return cost
        asked = "with" if question else "without"
        raise InputError(
            f"the card of this device has no {method} with {bundle}, {asked} a question: "
            "edgelingua bench"
        )

    def merged(self, other: Card) -> Card:
        """Return this card with the readers of an older one that were not measured again."""
        if other.machine != self.machine:
            return self
        ours = {cost.name for cost in self.readers}
        return replace(
            self, readers=(*self.readers, *(r for r in other.readers if r.name not in ours))
        )

    def write(self, path: Path | None = None) -> Path:
        """Write it to a file, by default to the one in the cache folder; return which."""
        path = path or registry.home() / FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_atomically(path, PUBLIC) as file:
            file.write((json.dumps({"version": VERSION} | asdict(self), indent=1) + "\n").encode())
        return path

    @classmethod
    def read(cls, path: Path | None = None) -> Card:
        """Read the card of this device.

        Raises
        ------
        InputError
            There is none, or it cannot be read.
        """
        path = path or registry.home() / FILE
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            raise InputError(
                f"nothing was measured on this device yet ({path}): edgelingua bench"
            ) from None
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from None
        try:
            values = strict_json.parse(raw)
            if values.pop("version") != VERSION:
                raise ValueError("of another version")
            compressors = tuple(CompressorCost.parsed(row) for row in values.pop("compressors"))
            readers = tuple(ReaderCost.parsed(row) for row in values.pop("readers"))
            return cls(**values, compressors=compressors, readers=readers)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path}: not a card ({error}): edgelingua bench") from None
