"""Tab in the chat: commands, and names of files behind those that take one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document

from edgelingua.cli.commands import COMMANDS


class CommandCompleter(Completer):
    """Completes a command, or a file's name behind it; nothing in a message."""

    def __init__(self) -> None:
        self._paths = PathCompleter(expanduser=True)

    def get_completions(self, document: Document, event: CompleteEvent) -> Iterable[Completion]:
        """Return what may stand for the word before the cursor."""
        before = document.text_before_cursor
        command, blank, rest = before.partition(" ")
        if not blank:
            for name, takes_file in COMMANDS.items():
                if before and name.startswith(before):
                    yield Completion(name + " " * takes_file, -len(before), display=name)
        elif COMMANDS.get(command):
            # Where a name has blanks in it, its beginning is further back than the last word.
            for start in (0, *(found.end() for found in re.finditer(r"\s+", rest))):
                found = list(self._named(rest[start:], event))
                if found:
                    yield from found
                    return

    def _named(self, name: str, event: CompleteEvent) -> Iterator[Completion]:
        for path in self._paths.get_completions(Document(name), event):
            slash = "/" if path.display_text.endswith("/") else ""
            yield Completion(path.text + slash, path.start_position, path.display)
