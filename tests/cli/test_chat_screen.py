"""The chat as its user sees it: what is shown, what Tab completes, what is typed meanwhile."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.cli.test_terminal import CHAT, EDITOR, STORY, Screen, on_a_terminal, running
from tests.conftest import DOCUMENT

termios = pytest.importorskip("termios")

SHOWING_ALL = ["/bin/sh", "-c", 'exec "$@" 2>&1', "sh"]
"""Runs a command with its stderr on the terminal, too."""


class Reading(Screen):
    """Waits for one thing behind the other, whatever comes in one piece."""

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen.process, screen.terminal)
        self.read = 0

    def wait_for(self, text: bytes, seconds: float = 120) -> None:
        end = time.monotonic() + seconds
        while (at := self.shown.find(text, self.read)) < 0:
            ready, _, _ = select.select([self.terminal], [], [], max(0, end - time.monotonic()))
            assert ready, self.shown
            came = os.read(self.terminal, 4096)
            self.shown += came
            for _ in range(came.count(b"\x1b[6n")):  # where is the cursor?
                self.type(b"\x1b[1;1R")
        self.read = at + len(text)


def test_what_is_typed_during_a_reply_waits_for_the_next_line(gguf: Path) -> None:
    typed = "þ".encode()  # which no story has
    with on_a_terminal("--max-tokens", "100000") as (started, inner):
        before = termios.tcgetattr(inner)
        screen = Reading(started)
        screen.wait_for(EDITOR)
        screen.type(STORY)
        screen.wait_for(b" the ")
        screen.type(typed + b" is for thorn.\r")
        for _ in range(5):
            screen.wait_for(b" ")  # the reply goes on
        screen.type(b"\x03")
        screen.wait_for(EDITOR)
        assert typed not in screen.shown[: screen.read]
        screen.wait_for(typed)
        screen.wait_for(b" the ")  # it was sent, and is answered
        assert termios.tcgetattr(inner) != before, "nothing to restore"
        screen.process.send_signal(signal.SIGTERM)
        assert screen.process.wait(timeout=30) == 143
        assert termios.tcgetattr(inner) == before
        assert screen.process.stderr
        assert screen.process.stderr.read() == b"\ninterrupted\n"


def test_a_document_from_tab_to_the_answer(
    gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "of Grant.txt").write_bytes(DOCUMENT.read_bytes())
    monkeypatch.chdir(tmp_path)
    options = ("--cap", "1024", "--temperature", "0", "--max-tokens", "60")
    with running([*SHOWING_ALL, *CHAT, *options]) as (started, _):
        screen = Reading(started)
        for greeting in (b"SmolLM2", b"1,024", b"knorm", b"/help"):
            screen.wait_for(greeting)
        screen.wait_for(EDITOR)
        screen.type(b"/co\tof\t\r")
        screen.wait_for(b"of Grant.txt, 23,4")
        screen.wait_for(b"the next message is about it")
        screen.wait_for(EDITOR)
        screen.type(b"Who?\r")
        screen.wait_for(b"compressing")
        screen.type(b"\x03")
        screen.wait_for(b"of Grant.txt still waits")
        screen.wait_for(EDITOR)
        screen.type(b"Which city had a devastating fire?\r")
        screen.wait_for(b" tokens became ")
        screen.wait_for(b"fire")  # which one, a reader of this size may get wrong
        screen.wait_for(EDITOR)
        screen.type(b"\x04")
        assert screen.process.wait(timeout=30) == 0


def test_without_the_editor_there_is_no_chat_and_the_extra_is_named(gguf: Path) -> None:
    without = "import sys; sys.modules['prompt_toolkit'] = None; import edgelingua.__main__ as m; "
    with running([sys.executable, "-c", without + "m.main()", *CHAT[3:]]) as (screen, inner):
        before = termios.tcgetattr(inner)
        assert screen.process.wait(timeout=120) == 1
        assert screen.process.stderr
        assert b"edgelingua[chat]" in screen.process.stderr.read()
        assert termios.tcgetattr(inner) == before
