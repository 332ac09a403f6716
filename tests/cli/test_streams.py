"""What the command puts on stdout, byte for byte, and what it says where it cannot."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "edgelingua", "compress", "--method", "truncate"]


def compress(raw: bytes, *options: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*COMMAND, *options], input=raw, capture_output=True, check=False)


@pytest.mark.long
@pytest.mark.parametrize(
    "raw",
    [
        b"No line end.",
        b"One.\n",
        b"Two.\n\n\n",
        b"\r\nWindows.\r\nLines.\r\n",
        b"\xef\xbb\xbfA mark of the byte order.\r\n",
        b"\xef\xbb\xbf\xef\xbb\xbfTwo of them.",
        "  Zwölf\u2028Boxkämpfer \t\x0c".encode(),
    ],
)
@pytest.mark.parametrize("budget", ["--rate=1", "--tokens=1000"])
def test_a_text_that_is_kept_whole_comes_out_byte_for_byte(raw: bytes, budget: str) -> None:
    done = compress(raw, budget)
    assert done.returncode == 0, done.stderr
    assert done.stdout == raw


def test_what_is_left_of_a_text_ends_as_it_does() -> None:
    raw = b"\xef\xbb\xbfOne two three four five\r\nsix seven eight nine ten.\r\n"
    done = compress(raw, "--tokens", "7")
    assert done.stdout in raw
    assert done.stdout.startswith(b"One two three")
    assert not done.stdout.endswith(b"\n")


@pytest.mark.parametrize("raw", [b"", b" \n", b"a\x00b"])
def test_a_text_that_cannot_be_worked_on_is_named(raw: bytes, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_bytes(raw)
    assert compress(b"", str(file)).stderr.startswith(f"error: {file}: ".encode())
    assert compress(raw).stderr.startswith(b"error: stdin: ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a disk that is always full")
@pytest.mark.parametrize("words", [10, 100_000])  # in a buffer until the end, or written before
def test_a_full_disk_is_named(words: int, tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_text("word " * words)
    with Path("/dev/full").open("wb") as full:
        command = [*COMMAND, "--rate", "1", str(file)]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert b"error: stdout: No space left on device\n" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="signals are those of Unix")
@pytest.mark.parametrize(
    ("number", "said"), [(signal.SIGINT, b"interrupted\n"), (signal.SIGTERM, b"")]
)
@pytest.mark.parametrize("tool", ["edgelingua", "edgelingua_export"])
def test_ctrl_c_while_a_command_starts(number: signal.Signals, said: bytes, tool: str) -> None:
    child = f"""
import os, sys
from {tool}.__main__ import main
class Finder:
    def find_spec(self, name, *_):
        if name == "numpy":
            os.kill(os.getpid(), {int(number)})
sys.meta_path.insert(0, Finder())
sys.argv = ["{tool}", "verify" if "export" in "{tool}" else "methods"]
main()
"""
    done = subprocess.run([sys.executable, "-c", child], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (128 + number, said)


def test_a_threshold_that_nothing_reaches_is_said() -> None:
    command = [*COMMAND[:4], "--threshold", "2"]
    text = b"Some words to compress, said in Paris in 1999."
    done = subprocess.run(command, input=text, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"")
    assert (
        b"warning: nothing scores as much as --threshold 2; the best word scores 0." in done.stderr
    )
