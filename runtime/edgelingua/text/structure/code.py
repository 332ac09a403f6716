"""Fenced code: where it stands, and which of its lines may go so that it still means the same."""

from __future__ import annotations

import io
import re
import textwrap
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

from edgelingua.text.ranges import Parts, Range, lines, outside, with_break

_FENCE = re.compile(r"^[ \t]*(`{3,}(?=[^`\n]*$)|~{3,})[ \t]*([^\s`]*)[^\n]*$", re.MULTILINE)
_DOCSTRING = re.compile("[rRuU]?[\"']")  # in a formatted string things can happen
_PYTHON = {"python", "py", "python3", "py3"}
_COMMENTS = {
    "//": "c cpp c++ cc h hpp java js javascript jsx ts typescript tsx go rust rs swift kotlin kt "
    "scala csharp cs c# dart zig jsonc json5 groovy solidity",
    "#": "python py python3 py3 sh bash shell zsh fish toml ruby rb perl r make makefile "
    "dockerfile conf nim julia jl elixir powershell ps1 cmake hcl tf terraform",
    "--": "sql lua haskell hs ada vhdl elm",
    ";": "lisp clojure clj scheme asm nasm",
    "%": "tex latex matlab erlang prolog",
}
# Not YAML: in a text block of it, what looks like a comment is text.
_MARK_OF = {language: mark for mark, names in _COMMENTS.items() for language in names.split()}

# Comments that a compiler or a tool reads.
_DIRECTIVE = re.compile(
    r"#!|//go:|//\s*\+build|//export\b|//\s*@|#\s*-\*-|#\s*(?:syntax|escape|frozen_string_literal)\s*[=:]"
)

_LONGEST_PYTHON = 200_000
"""Characters; Python beyond is read by line comments: its tokenizer takes a second per megabyte."""


@dataclass(frozen=True)
class Fenced:
    """A fenced block: its range, that of the lines inside, and the language it names."""

    start: int
    end: int
    inside: Range
    language: str


def find_fences(text: str, at: int = 0) -> Iterator[Fenced]:
    """Yield fenced blocks (``` and ~~~, after CommonMark); an open one goes on to the end."""
    while (opening := _FENCE.search(text, at)) is not None:
        mark = opening.group(1)
        closes = re.compile(rf"^[ \t]*{mark[0]}{{{len(mark)},}}[ \t]*\r?$", re.MULTILINE)
        begin = min(opening.end() + 1, len(text))
        closing = closes.search(text, begin)
        stop, end = (closing.start(), closing.end()) if closing else (len(text), len(text))
        yield Fenced(opening.start(), end, (begin, stop), opening.group(2).strip("{.}").lower())
        at = end
        if closing is None:
            return


def by_line(text: str, block: Fenced) -> Parts:
    """Pin a fenced block, but for lines that are blank or comments: these are whole.

    In Python also docstrings beside which the body has something else. Comments of other languages
    are those of one line, at its start; what looks like one inside a longer string (a template, a
    here-document) is taken for one.
    """
    rows = lines(text, *block.inside)
    loose: list[Range] | None = None
    if block.language in _PYTHON and block.inside[1] - block.inside[0] <= _LONGEST_PYTHON:
        loose = _loose_python([text[a:b] for a, b in rows])
    if loose is None:
        mark = _MARK_OF.get(block.language)
        loose = [(n, n) for n, (a, b) in enumerate(rows) if _is_loose(text[a:b].strip(), mark)]
    whole = [with_break(text, rows[first][0], rows[last][1]) for first, last in loose]
    return outside(whole, *with_break(text, block.start, block.end)), whole


def _is_loose(line: str, mark: str | None) -> bool:
    if not line:
        return True
    if mark is None or not line.startswith(mark) or "*/" in line or _DIRECTIVE.match(line):
        return False
    # What opens or closes a comment of many lines begins alike: --[[, #=, #>, %{.
    rest = line.lstrip(mark[0])
    return not rest or rest[0].isalnum() or rest[0].isspace()


def _loose_python(rows: list[str]) -> list[Range] | None:
    """Return the first and last lines of what Python can do without; ``None``: it is no Python."""
    source = textwrap.dedent("\n".join(rows)) + "\n"
    shown = source.split("\n")
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError):
        return None
    found: list[Range] = []
    body_starts = True
    solid = [token for token in tokens if token.type not in (tokenize.COMMENT, tokenize.NL)]
    for token, following, after in zip(solid, solid[1:], [*solid[2:], None], strict=False):
        is_docstring = (
            body_starts
            and token.type == tokenize.STRING
            and _DOCSTRING.match(token.string)
            and following.type == tokenize.NEWLINE
            and after is not None
            and after.type not in (tokenize.DEDENT, tokenize.ENDMARKER)
            # Alone in its lines.
            and not shown[token.start[0] - 1][: token.start[1]].strip()
            and not shown[token.end[0] - 1][token.end[1] :].strip()
        )
        if is_docstring:
            found.append((token.start[0] - 1, token.end[0] - 1))
        body_starts = token.type == tokenize.INDENT
    for token in tokens:
        number = token.start[0] - 1
        comment = token.type == tokenize.COMMENT and not shown[number][: token.start[1]].strip()
        # An empty line inside a string or behind a backslash is no NL token.
        if comment or (token.type == tokenize.NL and not shown[number].strip()):
            found.append((number, number))
    return sorted(row for row in found if row[1] < len(rows))
