"""The line that is typed in the chat, and the terminal while none is.

The editor is prompt_toolkit's, which comes with an extra.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edgelingua.errors import MissingExtraError

if TYPE_CHECKING:
    from prompt_toolkit import Application, PromptSession


def edited_lines() -> Iterator[str]:
    """Return what is typed on the terminal, message by message, until Ctrl-D.

    Raises
    ------
    MissingExtraError
        prompt_toolkit is not installed.
    """
    try:
        import prompt_toolkit  # noqa: F401  # said before anything else is
    except ImportError as error:
        raise MissingExtraError("prompt_toolkit", "chat") from error
    return _read(_editor())


def _editor() -> PromptSession[str]:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
    from prompt_toolkit.shortcuts import CompleteStyle

    from edgelingua.cli.completion import CommandCompleter

    keys = KeyBindings()

    @keys.add("enter")
    @keys.add("c-j")  # what Enter was before the chat began
    def _send(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def _new_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return PromptSession(
        "> ",
        multiline=True,
        key_bindings=keys,
        completer=CommandCompleter(),
        complete_while_typing=False,
        complete_style=CompleteStyle.READLINE_LIKE,  # a menu would keep lines free for itself
    )


def _read(editor: PromptSession[str]) -> Iterator[str]:
    while True:
        try:
            with _ended_by_sigterm(editor.app) as end_if_told:
                line = editor.prompt(pre_run=end_if_told)
            yield line
        except KeyboardInterrupt:
            continue  # throws away what was typed
        except EOFError:
            return


@contextmanager
def unechoed() -> Iterator[None]:
    """Keep what is typed while no line is edited off the screen, and for the line that follows.

    Ctrl-C still interrupts, and nothing else. Elsewhere than on a terminal of Unix there is nothing
    to be done: Windows echoes only what is being read.
    """
    if sys.platform == "win32" or not sys.stdin.isatty():
        yield
        return
    import termios

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    quiet = termios.tcgetattr(terminal)
    quiet[0] &= ~termios.ICRNL  # Enter stays what it is to the editor
    quiet[3] &= ~(termios.ECHO | termios.ICANON)
    quiet[3] |= termios.NOFLSH  # else an interrupt throws away what was typed
    try:
        termios.tcsetattr(terminal, termios.TCSANOW, quiet)
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSANOW, before)


@contextmanager
def _ended_by_sigterm(editor: Application[str]) -> Iterator[Callable[[], None]]:
    """Let SIGTERM end the editor like Ctrl-D, and do what it always does once the editor is gone.

    The editor runs an event loop. What a handler raises in there can be lost with a task, or waits
    for Enter to be pressed, or leaves the terminal as the editor had set it.

    Yields
    ------
    callable
        Ends an editor that was told to before it could listen; to be called when it can.
    """
    told = False
    usual = signal.getsignal(signal.SIGTERM)

    def tell(*_: object) -> None:
        nonlocal told
        told = True
        if editor.loop is not None:
            editor.loop.call_soon_threadsafe(end_if_told)

    def end_if_told() -> None:
        if told and editor.future is not None and not editor.future.done():
            editor.exit(exception=EOFError)

    signal.signal(signal.SIGTERM, tell)
    try:
        yield end_if_told
    finally:
        signal.signal(signal.SIGTERM, usual)
        if told:
            signal.raise_signal(signal.SIGTERM)
