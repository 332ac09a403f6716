"""``edgelingua chat`` in a terminal: lines in, replies out, a few commands.

prompt_toolkit edits lines on a terminal; from a pipe, each line is one message.
"""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgelingua.budget import Budget
from edgelingua.chat import Chat
from edgelingua.cli import readable
from edgelingua.cli.console import printable, read_text
from edgelingua.compressed import Compressed
from edgelingua.compressors import default_method, load_compressor
from edgelingua.errors import EdgeLinguaError, InputError, MissingExtraError
from edgelingua.ort.session import RunOptions
from edgelingua.prompt import Prompt
from edgelingua.system.measure import peak_rss_mb, trim_memory

if TYPE_CHECKING:
    from prompt_toolkit import Application

HELP = """\
/compress FILE [TOKENS]   read a text, compressed; the next message is about it
/save FILE  /load FILE    the whole chat, its cache included
/stats                    cache and memory
/exit                     or Ctrl-D
Enter sends, Alt-Enter begins a new line; Ctrl-C stops a reply."""


@dataclass
class Terminal:
    """A chat as its user sees it.

    Parameters
    ----------
    chat
        The conversation; `/load` replaces it.
    model
        Bundle that compresses; ``None``: the default one.
    limit
        Longest reply in tokens.
    show
        Where statistics and errors go.
    """

    chat: Chat
    model: str | None
    limit: int
    show: Callable[[str], None]
    document: Compressed | None = None

    def run(self) -> None:
        """Talk until the input ends."""
        for line in _lines():
            try:
                if not self._handle(line.strip()):
                    return
            except EdgeLinguaError as error:
                self.show(printable(f"error: {error}"))
            except KeyboardInterrupt:
                self.show("\ninterrupted")

    def _handle(self, line: str) -> bool:
        """Obey or answer one message; return whether to go on."""
        command, _, rest = line.partition(" ")
        match command:
            case "":
                pass
            case "/exit":
                return False
            case "/help":
                self.show(HELP)
            case "/stats":
                self._show_statistics()
            case "/save":
                self.chat.save(_named(rest))
                self.show(f"saved to {rest.strip()}")
            case "/load":
                self.chat = Chat.load(self.chat.reader, _named(rest))
                self.document = None
                self.show(f"{self.chat.turns} turns")
            case "/compress":
                self._compress(rest)
            case _ if command.startswith("/"):
                raise InputError(f"no command {command}; /help lists them")
            case _:
                self._say(line)
        return True

    def _say(self, text: str) -> None:
        said = self.chat.turns
        try:
            reply = self.chat.say(text, self.document or "", limit=self.limit, on_text=_write)
        finally:
            if self.chat.turns > said:  # else the document has not been read either
                self.document = None
            _write("\n")
        if not reply.complete:
            self.show(f"(stopped after {self.limit} tokens)")

    def _compress(self, arguments: str) -> None:
        """Compress a file to what the cache has room for, or to a number of tokens."""
        name, _, number = arguments.strip().rpartition(" ")
        if not (name and number.isdecimal() and len(number) < 10):
            name, number = arguments, ""
        path = _named(name)
        reader, statistics = self.chat.reader, self.chat.session.statistics
        tokens = int(number) if number else statistics.cap // 2
        prompt = Prompt.build(read_text(str(path)))
        self.document = load_compressor(
            default_method(self.model, question=False),
            self.model,
            count=reader.count,
            options=RunOptions(threads=reader.threads),
        ).compress(prompt, Budget(tokens=tokens))
        trim_memory()  # the compressor's, which has gone again
        self.show(
            f"{path}: {self.document.tokens_in:,} tokens became {self.document.tokens_out:,}; "
            "the next message is about it"
        )

    def _show_statistics(self) -> None:
        session = self.chat.session
        lines = readable.cache(session.statistics, session.policy)
        lines["cache"] += f"; {session.statistics.used:,} now"
        lines["turns"] = f"{self.chat.turns:,}"
        lines |= readable.memory(peak_rss_mb(), session.memory)
        self.show("\n".join(f"{what:6}  {told}" for what, told in lines.items()))


def _lines() -> Iterator[str]:
    """What the user types, message by message, until the input ends."""
    if not sys.stdin.isatty():
        if isinstance(sys.stdin, io.TextIOWrapper):
            # Bytes that are no UTF-8 cost their line, which `Chat` refuses, not the chat.
            sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")
        yield from sys.stdin
        return
    try:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
    except ImportError as error:
        raise MissingExtraError("prompt_toolkit", "chat") from error
    keys = KeyBindings()

    @keys.add("enter")
    @keys.add("c-j")  # what Enter was while a reply was being written
    def _send(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def _new_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    editor: PromptSession[str] = PromptSession("> ", multiline=True, key_bindings=keys)
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


def _named(text: str) -> Path:
    if not text.strip():
        raise InputError("which file? Give its name behind the command")
    try:
        return Path(text.strip()).expanduser()
    except RuntimeError:  # ~name of nobody here
        raise InputError(f"{text.strip()}: no such home folder; write the path out") from None


def _write(text: str) -> None:
    sys.stdout.write(printable(text))
    sys.stdout.flush()
