"""Signals at the worst of moments: while handlers are exchanged, while llama.cpp calls Python."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from edgelingua.kv.interrupts import uninterrupted
from edgelingua.llama.model import LlamaModel

BOTH = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """What SIGTERM raises here."""


def _stop(_: int, __: FrameType | None) -> None:
    raise Stopped


def send(*numbers: int) -> None:
    for number in numbers:
        signal.raise_signal(number)


@pytest.fixture
def raising() -> Iterator[None]:
    """Handlers that both raise, and that are there again after each test."""
    before = [signal.getsignal(number) for number in BOTH]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _stop)
    yield
    for number, handler in zip(BOTH, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("step", range(4))
def test_signals_between_two_changes_of_handlers(
    first: signal.Signals,
    second: signal.Signals,
    step: int,
    raising: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One comes right behind each change, and if that leaves the block, one more afterwards."""
    change = signal.signal
    changes = 0

    def change_and_send(number: int, handler: Any) -> Any:
        nonlocal changes
        before = change(number, handler)
        changes += 1
        if changes == step + 1:
            signal.raise_signal(first)
        return before

    expected = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: Stopped}
    monkeypatch.setattr(signal, "signal", change_and_send)
    with pytest.raises(expected[first]), uninterrupted():
        pass
    monkeypatch.undo()
    with pytest.raises(expected[second]):
        signal.raise_signal(second)
    with pytest.raises(expected[second]), uninterrupted():
        signal.raise_signal(second)


@pytest.mark.parametrize("order", [BOTH, BOTH[::-1]])
def test_an_interrupt_does_not_hide_a_request_to_stop(
    order: tuple[int, ...], raising: None
) -> None:
    with pytest.raises(Stopped), uninterrupted():
        send(*order)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) is _stop


def test_a_request_to_stop_while_an_interrupt_is_handled(raising: None) -> None:
    def interrupt(_: int, __: FrameType | None) -> None:
        signal.raise_signal(signal.SIGTERM)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    with pytest.raises(Stopped), uninterrupted():
        signal.raise_signal(signal.SIGINT)


def test_blocks_within_blocks_wait_for_the_outer_one(raising: None) -> None:
    reached = []

    def inside() -> None:
        with uninterrupted():
            signal.raise_signal(signal.SIGTERM)
        reached.append(True)

    with pytest.raises(Stopped), uninterrupted():
        inside()
    assert reached


def test_what_a_handler_sets_stays_and_what_is_ignored_is_ignored(raising: None) -> None:
    """The command line's own handler lets a second SIGTERM end the process at once."""

    def once(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)

    signal.signal(signal.SIGTERM, once)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with uninterrupted():
        for number in BOTH:
            signal.raise_signal(number)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


CHILD = """
import ctypes, os, sys
from edgelingua.llama import library
from edgelingua.cli.console import run
from edgelingua.llama import LlamaModel
when, number, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
armed = False
def listen(level, text, data):
    global armed
    if armed:
        armed = False
        os.kill(os.getpid(), number)
    for _ in range(1000):  # where the handler runs, if it is let
        pass
heard = library.llama_cpp.llama_log_callback(listen)
library.llama_cpp.llama_log_set(heard, ctypes.c_void_p(0))
def work():
    global armed
    armed = when == "load"
    model = LlamaModel(path, threads=1)
    print("loaded", flush=True)
    armed = when == "open"
    model.engine(64)
    print("opened", flush=True)
run(lambda: work)
"""


@pytest.mark.parametrize("number", BOTH)
@pytest.mark.parametrize(("when", "said"), [("load", ""), ("open", "loaded\n")])
def test_signals_while_a_model_loads_or_a_context_opens(
    when: str, said: str, number: signal.Signals, tiny_reader: LlamaModel
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, when, str(int(number)), str(tiny_reader.path)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    stopped = number is signal.SIGTERM
    assert done.returncode == (143 if stopped else 130)
    assert done.stderr == ("" if stopped else "interrupted\n")
    assert done.stdout == said
