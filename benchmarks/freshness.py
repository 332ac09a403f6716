"""Which results are older than the code that they measure.

    python -m benchmarks.freshness            # lists them, and what has changed since
    python -m benchmarks.freshness --stamp    # after a run: new rows are of the code that is here

``measures.toml`` says on which packages and modules the rows of each benchmark depend. A stamp in
``made.json`` holds the digest of a file of rows, and of each of those as it was then. Comments and
docstrings count for nothing. It is a report: code that changed may well give the same figures.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.common import jsonl
from benchmarks.common.code import ROOT, digest, of_bytes

HERE = Path(__file__).parent
STAMPS = HERE / "made.json"
_NO_ROWS = {"made.json", "machine.json", "machines.json"}


@dataclass(frozen=True)
class Measured:
    """Files of rows, the tables made of them, and the code that they measure; paths as written."""

    rows: tuple[str, ...]
    tables: tuple[str, ...]
    code: tuple[str, ...]


@dataclass(frozen=True)
class Stale:
    """A file of rows, what has changed since it was made, and when that was.

    ``changed`` is empty for rows that nobody has stamped.
    """

    rows: str
    changed: tuple[str, ...]
    made: str


def main() -> None:
    """List what is stale, or stamp new rows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--stamp", action="store_true", help="note the code that made new rows")
    parser.add_argument("--code", type=Path, default=ROOT, help="the checkout that made them")
    options = parser.parse_args()
    if options.stamp:
        stamp(options.code)
    found = list(stale())
    for each in found:
        what = ", ".join(each.changed) or "nobody stamped these rows"
        print(f"{each.rows} ({each.made}): {what}")
    for name in unnamed():
        print(f"{name}: measures.toml does not say what it measures")
    print(f"{len(found)} of {len(files())} files of rows are older than the code they measure")


def measures(path: Path = HERE / "measures.toml") -> list[Measured]:
    """Read what depends on what; groups are written out."""
    told = tomllib.loads(path.read_text(encoding="utf-8"))
    groups: Mapping[str, Sequence[str]] = told["groups"]
    return [
        Measured(
            tuple(each["rows"]),
            tuple(each["tables"]),
            tuple(part for name in each["code"] for part in groups.get(name, [name])),
        )
        for each in told["of"]
    ]


@cache
def files() -> Mapping[str, Measured]:
    """Every file of rows that ``measures.toml`` speaks of, and what it says."""
    return {
        path.relative_to(HERE).as_posix(): each
        for each in measures()
        for pattern in each.rows
        for path in sorted(HERE.glob(pattern))
    }


def unnamed() -> list[str]:
    """Files of rows that ``measures.toml`` does not speak of, but those of a past release."""
    found = [path for path in HERE.rglob("*.json*") if path.name not in _NO_ROWS]
    names = [path.relative_to(HERE).as_posix() for path in found if "0.2.0" not in path.parts]
    return sorted(set(names) - set(files()))


def stale(root: Path = ROOT, stamps: Path = STAMPS) -> Iterator[Stale]:
    """Yield files of rows that are older than the code, or that have no stamp."""
    known = _read(stamps)
    for name, each in files().items():
        made = known.get(name)
        if made is None or made["rows"] != of_bytes(HERE / name):
            yield Stale(name, (), "rows that came since")
            continue
        changed = [part for part in each.code if digest(part, root) != made["code"].get(part)]
        if changed:
            yield Stale(name, tuple(changed), made["on"])


def stamp(root: Path = ROOT, stamps: Path = STAMPS) -> list[str]:
    """Note for new rows the digests of the code under ``root``; return their names."""
    known = _read(stamps)
    new = [name for name in files() if known.get(name, {}).get("rows") != of_bytes(HERE / name)]
    for name in new:
        known[name] = {
            "rows": of_bytes(HERE / name),
            "on": f"{datetime.now(UTC):%Y-%m-%d}",
            "commit": _commit(root),
            "machine": machine_of(HERE / name),
            "code": {part: digest(part, root) for part in files()[name].code},
        }
    lines = (f"{json.dumps(name)}: {json.dumps(known[name])}" for name in sorted(known))
    jsonl.replace(stamps, ["{", ",\n".join(lines), "}"])
    return new


def machine_of(path: Path) -> str | None:
    """Processors that a file of rows names, in a row of it or beside it; ``None``: it says none."""
    rows = json.loads(path.read_text("utf-8")) if path.suffix == ".json" else jsonl.read(path)
    places = [*(rows if isinstance(rows, list) else [rows])]
    keys = {row["on"] for row in places if "on" in row}
    for beside in (path.with_name(name) for name in ("machine.json", "machines.json")):
        told = json.loads(beside.read_text("utf-8")) if beside.exists() else {}
        if keys & told.keys():
            return ", ".join(sorted({told[key]["cpu"] for key in keys & told.keys()}))
        places.append(told)
    for place in places:
        for told in (place, *(v for v in place.values() if isinstance(v, dict))):
            if isinstance(told.get("cpu"), str):
                return str(told["cpu"])
    return None


def _read(stamps: Path) -> dict[str, dict[str, Any]]:
    text = stamps.read_text(encoding="utf-8") if stamps.exists() else "{}"
    known: dict[str, dict[str, Any]] = json.loads(text)
    return known


def _commit(root: Path) -> str:
    """Return the commit of a checkout; empty where git or the checkout is not there."""
    told = ["git", "-C", str(root), "rev-parse", "--short=7", "HEAD"]
    try:
        return subprocess.run(told, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


if __name__ == "__main__":
    main()
