"""``edgelingua chat`` in a terminal: lines in, replies out, a few commands.

A line editor reads them on a terminal; from a pipe, each line is one message.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from edgelingua.chat import Chat
from edgelingua.cli import readable
from edgelingua.cli.commands import HELP
from edgelingua.cli.console import printable
from edgelingua.cli.documents import Documents
from edgelingua.cli.editor import edited_lines, unechoed
from edgelingua.cli.names import path_of
from edgelingua.cli.output import progress
from edgelingua.compressed import Compressed
from edgelingua.errors import EdgeLinguaError, InputError
from edgelingua.kv.policies import name_of
from edgelingua.system.measure import peak_rss_mb


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
    documents
        What the next message is about, until it has been said.
    """

    chat: Chat
    model: str | None
    limit: int
    show: Callable[[str], None]
    documents: Documents | None = None

    def run(self, *, greet: bool = False) -> None:
        """Talk until the input ends; ``greet``: say first with whom, and where there is help."""
        lines = _lines()
        if greet:
            self._greet()
        with unechoed():
            for line in lines:
                try:
                    if not self._handle(line.strip()):
                        return
                except EdgeLinguaError as error:
                    self.show(printable(f"error: {error}"))
                except KeyboardInterrupt:
                    waits = f"; {self.documents} still waits" if self.documents else ""
                    self.show(f"\ninterrupted{waits}")

    def _handle(self, line: str) -> bool:
        """Obey or answer one message; return whether to go on."""
        command, _, rest = line.partition(" ")
        match command:
            case "":
                pass
            case "/exit" | "/quit":
                return False
            case "/help":
                self.show(HELP)
            case "/stats":
                self._show_statistics()
            case "/save":
                self.chat.save(path_of(rest))
                self.show(f"saved to {path_of(rest)}")
            case "/load":
                self.chat = Chat.load(self.chat.reader, path_of(rest))
                self.documents = None
                self.show(f"{self.chat.turns} turns")
            case "/compress":
                self._take(rest)
            case _ if command.startswith("/"):
                raise InputError(f"no command {command}; /help lists them")
            case _:
                self._say(line)
        return True

    def _say(self, text: str) -> None:
        context = self._compressed_for(text, self.documents) if self.documents else ""
        said = self.chat.turns
        try:
            reply = self.chat.say(text, context, limit=self.limit, on_text=_write)
        finally:
            if self.chat.turns > said:  # else the documents have not been read either
                self.documents = None
            _write("\n")
        if not reply.complete:
            self.show(f"(stopped after {self.limit} tokens)")

    def _take(self, arguments: str) -> None:
        """Have documents wait for the next message, instead of those that do; or none."""
        if self.documents and not arguments:
            self.show(f"the next message is not about {self.documents} any more")
            self.documents = None
            return
        self.documents = Documents.read(arguments)
        size = sum(map(len, self.documents.texts))
        about = "it" if len(self.documents.files) == 1 else "them"
        self.show(f"{self.documents}, {size:,} characters: the next message is about {about}")

    def _compressed_for(self, message: str, documents: Documents) -> Compressed:
        with progress("compressing") as bar:
            compressed = documents.compress_for(message, self.chat, self.model, self.limit, bar)
        became = f"{compressed.tokens_in:,} tokens became {compressed.tokens_out:,}"
        tokens, room = self.chat.reader.count(compressed.text), self.chat.room
        if tokens > room:
            became += (
                f"; with the message {tokens:,}, of which the cap holds {room:,}: the policy "
                "drops the others"
            )
        self.show(became)
        return compressed

    def _greet(self) -> None:
        session = self.chat.session
        lines = {
            "model": self.chat.reader.path.name,
            "cap": f"{session.statistics.cap:,} tokens",
            "policy": name_of(session.policy),
        }
        if self.chat.turns:
            lines["turns"] = f"{self.chat.turns:,} so far"
        self._show_lines(lines)
        self.show("/help lists the commands")

    def _show_statistics(self) -> None:
        session = self.chat.session
        lines = readable.cache(session.statistics, session.policy)
        lines["cache"] += f"; {session.statistics.used:,} now"
        lines["turns"] = f"{self.chat.turns:,}"
        lines |= readable.memory(peak_rss_mb(), session.memory)
        self._show_lines(lines)

    def _show_lines(self, lines: readable.Lines) -> None:
        self.show("\n".join(f"{what:6}  {told}" for what, told in lines.items()))


def _lines() -> Iterator[str]:
    """Return what the user types, message by message, until the input ends."""
    if sys.stdin.isatty():
        return edited_lines()
    if isinstance(sys.stdin, io.TextIOWrapper):
        # Bytes that are no UTF-8 cost their line, which `Chat` refuses, not the chat.
        sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")
    return iter(sys.stdin)


def _write(text: str) -> None:
    sys.stdout.write(printable(text))
    sys.stdout.flush()
