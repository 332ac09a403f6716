"""The chat as a process: what signals do to it, and what a terminal looks like afterwards."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from edgelingua.chat import Chat
from edgelingua.kv.interrupts import uninterrupted
from edgelingua.kv.policies import KeyDiff
from edgelingua.llama.model import LlamaModel

pty = pytest.importorskip("pty", reason="terminals are those of Unix")
termios = pytest.importorskip("termios")

CHAT = [sys.executable, "-m", "edgelingua", "chat", "--threads", "1", "--cap", "128"]
EDITOR = b"\x1b[?2004h"
"""Shown when a line can be typed."""
STORY = b"Tell me a long story about a dog.\r"


class Screen:
    """A process on a terminal of its own."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self.process = process
        self.terminal = terminal
        self.shown = b""

    def wait_for(self, text: bytes, seconds: float = 60) -> None:
        """Read until something is shown."""
        end = time.monotonic() + seconds
        before = len(self.shown)
        while text not in self.shown[before:]:
            ready, _, _ = select.select([self.terminal], [], [], end - time.monotonic())
            assert ready, self.shown
            self.shown += os.read(self.terminal, 4096)
            if self.shown.endswith(b"\x1b[6n"):  # where is the cursor?
                self.type(b"\x1b[1;1R")

    def type(self, keys: bytes) -> None:
        os.write(self.terminal, keys)


def _take_the_terminal() -> None:
    """Ctrl-C goes to the foreground of the terminal that controls it."""
    os.setsid()
    os.close(os.open(os.ttyname(0), os.O_RDWR))


@contextmanager
def on_a_terminal(*options: str) -> Iterator[tuple[Screen, int]]:
    with running([*CHAT, *options]) as started:
        yield started


@contextmanager
def running(command: list[str]) -> Iterator[tuple[Screen, int]]:
    outer, inner = pty.openpty()
    process = subprocess.Popen(
        command,
        stdin=inner,
        stdout=inner,
        stderr=subprocess.PIPE,
        env={**os.environ, "TERM": "xterm"},
        preexec_fn=_take_the_terminal,  # noqa: PLW1509
    )
    try:
        yield Screen(process, outer), inner
    finally:
        process.kill()
        process.communicate()
        os.close(outer)
        os.close(inner)


def test_sigterm_while_waiting_for_a_line_leaves_the_terminal_as_it_was(gguf: Path) -> None:
    with on_a_terminal() as (screen, inner):
        before = termios.tcgetattr(inner)
        screen.wait_for(EDITOR)
        time.sleep(0.5)  # the editor goes on setting itself up
        assert termios.tcgetattr(inner) != before, "nothing to restore"
        screen.process.send_signal(signal.SIGTERM)
        assert screen.process.wait(timeout=30) == 143
        assert termios.tcgetattr(inner) == before
        assert screen.process.stderr
        assert screen.process.stderr.read() == b""


@pytest.mark.parametrize(
    "moment",
    [
        "Application._pre_run",  # before it listens
        "Application._request_absolute_cursor_position",  # in raw mode, nothing awaited yet
        "Application._poll_output_size",  # in a task of its own, which is where it was lost
        "Application.reset",
    ],
)
def test_sigterm_at_any_moment_of_the_editor(moment: str) -> None:
    child = f"""
import os, signal
from prompt_toolkit import Application
from edgelingua.cli import terminal
from edgelingua.cli.console import run
usual = {moment}
def told(*arguments, **options):
    os.kill(os.getpid(), signal.SIGTERM)
    return usual(*arguments, **options)
async def told_in_a_task(*arguments, **options):
    os.kill(os.getpid(), signal.SIGTERM)
    await usual(*arguments, **options)
{moment} = told_in_a_task if "poll" in {moment!r} else told
run(lambda: lambda: print(list(terminal._lines())))
"""
    with running([sys.executable, "-c", child]) as (screen, inner):
        before = termios.tcgetattr(inner)
        assert screen.process.wait(timeout=60) == 143
        assert termios.tcgetattr(inner) == before
        assert screen.process.stderr
        assert screen.process.stderr.read() == b""


def test_ctrl_c_stops_the_reply_and_sigterm_the_chat(gguf: Path) -> None:
    with on_a_terminal("--max-tokens", "100000") as (screen, _):
        screen.wait_for(EDITOR)
        screen.type(STORY)
        screen.wait_for(b" the ")
        screen.type(b"\x03")
        screen.wait_for(EDITOR)
        screen.type(b"And a cat?\r")
        screen.wait_for(b"cat?")
        # Where the first reply was stopped decides what this one says, and how much.
        screen.wait_for(b"a")
        screen.process.send_signal(signal.SIGTERM)
        assert screen.process.wait(timeout=30) == 143
        assert screen.process.stderr
        assert screen.process.stderr.read() == b"\ninterrupted\n"


def test_messages_of_several_lines_typed_pasted_and_taken_from_history(
    reader: LlamaModel, tmp_path: Path
) -> None:
    with on_a_terminal("--max-tokens", "2") as (screen, _):
        screen.wait_for(EDITOR)
        for keys in (
            b"Two lines\x1b\rof mine.\r",  # Alt-Enter between them
            b"thrown away\x03",
            b"\x1b[200~Pasted,\n\nall at once.\x1b[201~\r",
            b"\x1b[A\x1b[A\x1b[A\x1b[A\r",  # up through the lines of the last one
            f"/save {tmp_path / 'chat'}\r".encode(),
        ):
            screen.type(keys)
            screen.wait_for(EDITOR)
        screen.type(b"\x04")
        assert screen.process.wait(timeout=30) == 0
    said = [text for role, text in Chat.load(reader, tmp_path / "chat").messages if role == "user"]
    assert said == ["Two lines\nof mine.", "Pasted,\n\nall at once.", "Two lines\nof mine."]


def test_sigterm_while_a_long_turn_is_read(gguf: Path) -> None:
    process = subprocess.Popen(
        [*CHAT, "--cap", "2048"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    process.stdin.write(b"Hello!\n")
    process.stdin.flush()
    process.stdout.read(1)
    process.stdin.write(b"word " * 1500 + b"\n")
    process.stdin.flush()
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 143
    assert errors == b""


def test_sigterm_during_a_save_leaves_the_old_file_and_no_other(
    tiny_reader: LlamaModel, tmp_path: Path
) -> None:
    path = tmp_path / "chat.session"
    session = tiny_reader.session(64, KeyDiff())
    session.feed(np.arange(30, dtype=np.int32))
    session.save(path)
    old = path.read_bytes()
    child = """
import os, signal, sys, numpy as np
from edgelingua.cli.console import run
from edgelingua.llama import LlamaModel
def save():
    session = LlamaModel(sys.argv[1], threads=1).session(64)
    session.feed(np.arange(50, dtype=np.int32))
    os.fsync = lambda _: os.kill(os.getpid(), signal.SIGTERM)
    session.save(sys.argv[2])
run(lambda: save)
"""
    done = subprocess.run(
        [sys.executable, "-c", child, str(tiny_reader.path), str(path)],
        capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (143, b"")
    assert path.read_bytes() == old
    assert [entry.name for entry in tmp_path.iterdir()] == ["chat.session"]


def test_sigterm_waits_for_the_step_and_comes_behind_an_interrupt() -> None:
    came: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda got, _: came.append(got)) for number in numbers]
    try:
        with uninterrupted():
            for number in reversed(numbers):
                os.kill(os.getpid(), number)
            assert came == []
        assert came == [signal.SIGINT, signal.SIGTERM]
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
