"""What commands print: the result on stdout, statistics and progress on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgelingua.cli.console import printable
from edgelingua.errors import InputError
from edgelingua.files.atomic import write_atomically
from edgelingua.scores import Progress as ProgressCallback

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def progress(what: str) -> Iterator[ProgressCallback]:
    """Show a bar on stderr while tokens are scored, if stderr is a terminal."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    stderr = Console(stderr=True, highlight=False, markup=False)
    columns = (TextColumn(what), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr, transient=True) as bar:
        task = bar.add_task(what)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def print_lines(lines: Mapping[str, str]) -> None:
    """Print what is told of what on stderr, a line each, behind the result."""
    sys.stdout.flush()
    width = max(map(len, lines))
    say("\n".join(f" {what:{width}}  {told}" for what, told in lines.items()))


def say(text: str) -> None:
    """Print on stderr."""
    print(printable(text), file=sys.stderr, flush=True)


def stdout() -> Console:
    """Return a console for tables: folded to a terminal's width, but never in a pipe."""
    from rich.console import Console

    return Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 240)


def print_json(value: dict[str, Any]) -> None:
    """Print one object in one line on stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


def write_page(path: Path, text: str) -> None:
    """Write a whole file or none, readable by its owner only: it has all of a text in it."""
    try:
        with write_atomically(path) as file:
            file.write(text.encode("utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None
