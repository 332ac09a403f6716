"""What the command puts on stdout, byte for byte, and what it says where it cannot."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "edgelingua", "compress", "--method", "truncate"]


def compress(raw: bytes, *options: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*COMMAND, *options], input=raw, capture_output=True, check=False)


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
