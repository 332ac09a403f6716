"""The pages of the documentation, and the blocks of code in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..conftest import ROOT

PAGES = [path for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md") if path.exists()]
PAGES += sorted((ROOT / "docs").rglob("*.md"))
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]

_FENCE = re.compile(
    r"(?:^<!-- not run: (?P<why>[^\n]+) -->\n)?^```(?P<language>\w+)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_READER = re.compile(r"\b(Assistant|Chat|LlamaModel)\b|\bedgelingua (run|chat)\b")


@dataclass(frozen=True)
class Block:
    """A block of code: its language, its text, the line it begins on.

    ``why``: the reason that the page gives for not running it, in a comment before it. ``shown``:
    the block of ``text`` right behind it, which is what it prints.
    """

    language: str
    code: str
    line: int
    why: str | None = None
    shown: str | None = None

    @property
    def python(self) -> str:
        """The code, on the lines where the page has it."""
        return "\n" * (self.line - 1) + self.code

    @property
    def commands(self) -> list[tuple[list[str], str | None]]:
        """(words, output) of each command; the output is ``None`` where none is shown."""
        if self.language == "sh":
            lines = self.code.replace("\\\n", "").splitlines()
            return [(shlex.split(line, comments=True), None) for line in lines]
        first, *asked = re.split(r"^\$ ", self.code, flags=re.MULTILINE)
        assert not first, f"line {self.line}: a console begins with a command"
        found = []
        for part in asked:
            command, _, shown = part.replace("\\\n", "").partition("\n")
            found.append((shlex.split(command), shown or None))
        return found


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page, in their order."""
    text = page.read_text(encoding="utf-8")
    found: list[Block] = []
    end = 0
    for match in _FENCE.finditer(text):
        if match["language"] == "text" and found and not text[end : match.start()].strip():
            last = found.pop()
            found.append(Block(last.language, last.code, last.line, last.why, match["code"]))
        else:
            line = text.count("\n", 0, match.start("code")) + 1
            found.append(Block(match["language"], match["code"], line, match["why"]))
        end = match.end()
    return found


def commands(page: Path) -> Iterator[list[str]]:
    """Yield the words of every command on a page."""
    for block in blocks(page):
        if block.language in ("sh", "console"):
            yield from (words for words, _ in block.commands if words)


def needs_reader(page: Path) -> bool:
    """Return whether anything that runs on a page needs llama.cpp."""
    return any(block.why is None and _READER.search(block.code) for block in blocks(page))
