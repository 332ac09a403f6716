"""The smallest case of the benchmarks, in a copy: do they still run, and make the same tables?

    python -m benchmarks.quick

Tables are made of the rows checked in, and compared with those checked in. Then measurements of
many kinds run with the least there is to measure: their figures say nothing. Texts and questions
are made of the document that comes along, so that no data set is needed; the default reader has to
be here. Nothing that is checked in is touched. Ends with 1 if a script fails or a table differs.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from edgelingua.models.registry import DEFAULT_READER, find_reader

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = "examples/data/grant-1872.txt"
LINKED = ("runtime", "export", "examples", "models", "tests", "scripts")

TABLES = {
    "quality.report": ("quality/results.md",),
    "quality.reader_tables": ("quality/reader.md",),
    "memory.tables": ("memory/nats.md",),
    "kv.summary": ("kv/summary.md",),
}
"""Scripts that only make tables, and what they make."""

_TASKS = "quality.run --data D --texts T --results R"
MEASUREMENTS = (
    "end_to_end.run --rounds 1 --budgets 200",
    f"{_TASKS} --sets squad --cases 2 --methods truncate,bm25,mini,mini-question,nano-question",
    "quality.reader READER --name small --data D --texts T --results A --sets squad --cases 1 "
    "--rates 0.2 --methods whole,bm25,mini-question",
    "faithfulness.run --parts text,stuff --kinds ini --cases 1 --methods default,truncate "
    "--results F --page P",
    "kv.overhead --data D --results K --names streaming --read 200 --write 20 --rounds 1 --cap 128",
    "kv.perplexity --data D --results L --tokens 300 --caps 128 --names streaming",
    "runtime.run models/edgelingua-mini --rounds 1 --case defaults",
    "runtime.start --rounds 1",
    "server.overhead --rounds 2 --requests 10",
    "corpus.throughput --rounds 1 --rows 256",
    "reliability.mutations 2",
)
"""Measurements with their smallest options; single capitals are paths of the copy."""

QUESTIONS = (
    ("Which city had a devastating fire?", "city of Boston"),
    ("How much did the tribunal at Geneva award to the United States?", "$15,500,000"),
    ("Who was the arbitrator of the San Juan question?", "Emperor of Germany"),
)


def main() -> None:
    """Run all of it."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--only", default="", help="scripts whose name contains this")
    only = options.parse_args().only
    reader = str(find_reader(DEFAULT_READER))
    bad = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        copied(copy)
        data(copy / "D")
        for name, made in TABLES.items():
            if only in name:
                bad += [name] * (not ran(copy, [name]))
                bad += [file for file in made if not same(copy, file)]
        for rows in (copy / "benchmarks").rglob("*.jsonl"):
            rows.unlink()
        for line in MEASUREMENTS:
            words = [reader if word == "READER" else word for word in line.split()]
            if only in words[0]:
                bad += [line] * (not ran(copy, words))
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{spent.ru_utime + spent.ru_stime:.0f} s of processor time")
    if bad:
        sys.exit(f"failed, or not as checked in: {'; '.join(bad)}")


def copied(folder: Path) -> None:
    """Make a checkout of which only ``benchmarks`` may be written."""
    shutil.copytree(ROOT / "benchmarks", folder / "benchmarks")
    for name in LINKED:
        (folder / name).symlink_to(ROOT / name)


def data(folder: Path) -> None:
    """Write development sets and books of the document that comes along."""
    text = (ROOT / DOCUMENT).read_text(encoding="utf-8")
    asked = list(paragraphs(text))
    with gzip.open(_new(folder / "squad2_dev_first_half.json.gz"), "wt") as file:
        json.dump({"data": [{"paragraphs": asked}]}, file)
    for name in ("sherlock_holmes", "pride_and_prejudice"):
        with gzip.open(_new(folder / "train" / "text" / f"{name}.txt.gz"), "wt") as file:
            file.write(text)


def paragraphs(text: str) -> Iterator[dict[str, object]]:
    """Yield what the document says around each answer, as SQuAD has its paragraphs."""
    for question, answer in QUESTIONS:
        at = text.index(answer)
        around = text[max(0, at - 600) : at + 600]
        yield {"context": around, "qas": [{"question": question, "answers": [{"text": answer}]}]}


def ran(copy: Path, words: list[str]) -> bool:
    """Run a script in the copy, and say whether that went well."""
    command = [sys.executable, "-m", f"benchmarks.{words[0]}", *words[1:]]
    paths = os.pathsep.join(str(ROOT / name) for name in ("runtime", "export"))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command,
        cwd=copy,
        env={**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{spent:5.1f} s  {' '.join(words)[:90]}", flush=True)
    if done.returncode:
        print(done.stdout, flush=True)
    return done.returncode == 0


def same(copy: Path, file: str) -> bool:
    """Whether a page in the copy is the one checked in."""
    made, there = (root / "benchmarks" / file for root in (copy, ROOT))
    return made.read_bytes() == there.read_bytes()


def _new(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


if __name__ == "__main__":
    main()
