"""Memory over a file that is large: does it grow with the rows?

Writes a file of JSON lines of so many GB, rows of a few distinct texts, and compresses it with
``--method truncate``, which takes next to no time, in a process of its own whose resident set is
looked at every second. Writes ``memory.jsonl`` and ``memory.md``.

    python -m benchmarks.corpus.memory --gb 1
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.common.machine import machine
from benchmarks.corpus.throughput import DOCUMENT

HERE = Path(__file__).parent
CHARACTERS, MORE = 500, 50_000
"""Of the text of a row, and of another column, which passes through: it makes the file large."""


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gb", type=float, default=1.0)
    parser.add_argument("--kind", choices=["jsonl", "parquet"], default="jsonl")
    options = parser.parse_args()
    document = DOCUMENT.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        source, target = (Path(folder, f"{name}.{options.kind}") for name in ("in", "out"))
        rows = write(source, document, options.gb)
        command = [sys.executable, "-m", "edgelingua", "corpus", "compress", source, target]
        command += ["--method", "truncate", "--workers", "1"]
        began = time.monotonic()
        process = subprocess.Popen(list(map(str, command)))
        seen: list[tuple[float, float]] = []
        while process.poll() is None:
            if (mb := resident(process.pid)) is not None:
                seen.append((time.monotonic() - began, mb))
            time.sleep(1)
        size = source.stat().st_size
        row = {"kind": options.kind, "bytes": size, "rows": rows, "code": process.returncode}
        row |= {"seconds": time.monotonic() - began, "peak": max(mb for _, mb in seen)}
        row |= {"mb": [round(mb, 1) for _, mb in seen[:: max(1, len(seen) // 20)]]}
    with (HERE / "memory.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row | machine()) + "\n")
    lines = [json.loads(line) for line in (HERE / "memory.jsonl").read_text("utf-8").splitlines()]
    (HERE / "memory.md").write_text(table(lines), encoding="utf-8")
    print(row)


def write(source: Path, document: str, gb: float) -> int:
    """Write so many GB of rows, and return how many."""
    rows = int(gb * 1e9 / (CHARACTERS + MORE))
    document *= 4
    texts = [document[at : at + CHARACTERS] for at in range(0, 16 * 97, 97)]
    pages = [document[at : at + MORE] for at in range(0, 16 * 97, 97)]
    if source.suffix == ".jsonl":
        with source.open("w", encoding="utf-8") as file:
            for number in range(rows):
                file.write(
                    json.dumps({"page": pages[number % 16], "text": texts[number % 16]}) + "\n"
                )
        return rows
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([("page", pa.string()), ("text", pa.string())])
    with pq.ParquetWriter(source, schema, compression="none", use_dictionary=False) as writer:
        for first in range(0, rows, 2000):  # row groups of 100 MB
            kinds = [number % 16 for number in range(first, min(first + 2000, rows))]
            both = [[pages[kind] for kind in kinds], [texts[kind] for kind in kinds]]
            writer.write_table(pa.Table.from_arrays(list(map(pa.array, both)), schema=schema))
    return rows


def resident(process: int) -> float | None:
    """Return the resident set of a process in MB."""
    try:
        lines = Path(f"/proc/{process}/status").read_text("utf-8").splitlines()
    except OSError:
        return None
    found = [int(line.split()[1]) for line in lines if line.startswith("VmRSS")]
    return found[0] * 1024 / 1e6 if found else None


def table(rows: list[dict[str, object]]) -> str:
    """Return the page of these rows."""
    page = "# Memory over a large file\n\n"
    page += (
        "One process, `--method truncate`, rows of 50,500 characters, of which 500 are the text\n"
    )
    page += "that is compressed; its resident set in MB.\n"
    page += "\n| | rows | GB | at a quarter | at half | at three quarters | peak |\n"
    page += "|---|---|---|---|---|---|---|\n"
    for row in rows:
        mb = row["mb"]
        assert isinstance(mb, list)
        quarters = " | ".join(f"{mb[len(mb) * part // 4]:.0f}" for part in (1, 2, 3))
        gb = int(str(row["bytes"])) / 1e9
        page += f"| {row['kind']} | {row['rows']:,} | {gb:.1f} | {quarters} | {row['peak']:.0f} |\n"
    return page


if __name__ == "__main__":
    main()
