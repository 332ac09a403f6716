"""``edgelingua corpus compress`` as people run it: killed at random moments, and what it says."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgelingua.bundle.bundle import ModelBundle
from tests.cli.test_cli import edgelingua
from tests.corpus.making import contents, make, read, texts


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "edgelingua", "corpus", "compress", *map(str, arguments)]


def alive(group: int) -> list[str]:
    """Processes of a group that are not dead."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, of = path.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(of) == group and state != "Z":
            found.append(path.parent.name)
    return found


def kill_often(folder: Path, kind: str, model: Path, rows: int, kills: int) -> int:
    """Kill runs, with one worker and two in turn, wherever they are; return how many it met."""
    source, draw = make(folder, kind, texts(rows)), random.Random(kind)
    whole, target = (folder / kind.replace("in", name) for name in ("whole", "out"))
    journal = folder / f"{target.name}.journal"
    subprocess.run(command(source, whole, "--model", model, "--workers", 1), check=True)
    met = 0
    for number, point in enumerate(sorted(draw.randrange(rows + 1) for _ in range(kills))):
        process = subprocess.Popen(
            command(source, target, "--model", model, "--workers", 1 + number % 2),
            start_new_session=True,
        )
        while process.poll() is None and lines(journal) <= point:
            time.sleep(0.02)
        time.sleep(draw.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        met += process.wait() == -signal.SIGKILL
        deadline = time.monotonic() + 60
        while alive(process.pid):  # its workers end with it
            assert time.monotonic() < deadline, "a worker goes on alone"
            time.sleep(0.05)
    if not target.exists() or journal.exists():
        subprocess.run(command(source, target, "--model", model, "--workers", 2), check=True)
    assert contents(target) == contents(whole)
    assert [row["id"] for row in read(target)] == list(range(rows))
    assert not journal.exists()
    return met


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_kills_lose_no_row_and_double_none(tmp_path: Path, bert_bundle: ModelBundle) -> None:
    assert kill_often(tmp_path, "in.jsonl", bert_bundle.folder, rows=300, kills=2)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize("kind", ["in.parquet", "in"])
def test_many_kills_lose_no_row_and_double_none(
    kind: str, tmp_path: Path, bert_bundle: ModelBundle
) -> None:
    assert kill_often(tmp_path, kind, bert_bundle.folder, rows=600, kills=4) >= 2


@pytest.mark.long
def test_the_command_says_what_became_of_the_rows(tmp_path: Path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    rows = [{"body": "One. Two. Three. Four."}, {"body": 5}, {}]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = (source, target, "--text", "body", "--method", "truncate", "--workers", "1")
    done = edgelingua("corpus", "compress", *asked)
    assert done.returncode == 3
    assert done.stdout == ""
    for said in ("3, 2 failed", "error: line 2: expected a text", "line 3: no column 'body'"):
        assert said in done.stderr
    assert len(read(target)) == 3
    again = edgelingua("corpus", "compress", *asked)
    assert again.returncode == 1
    assert "it is there already" in again.stderr
    target.unlink()
    source.write_text(json.dumps(rows[0]))
    told = edgelingua("corpus", "compress", *asked, "--json")
    assert told.returncode == 0
    assert json.loads(told.stdout)["rows"] == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["none.jsonl", "out.jsonl"], 1, "none.jsonl: no such file"),
        (["in.jsonl"], 2, "OUT"),
        (["a", "b", "--question", "A?", "--questions", "file"], 2, "give one of --question"),
        (["a", "b", "--rate", "2"], 2, "rate"),
        (["a", "b", "--method", "bm25"], 2, "needs a --question"),
    ],
)
def test_what_the_command_refuses(arguments: list[str | Path], code: int, said: str) -> None:
    done = edgelingua("corpus", "compress", *arguments)
    assert done.returncode == code
    assert said in " ".join(done.stderr.split())
