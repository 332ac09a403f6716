"""What both command-line tools share: exit codes, one-line errors, warnings on stderr."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import unicodedata
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

from edgelingua.cli.signals import leave_in_order
from edgelingua.errors import EdgeLinguaError, InputError
from edgelingua.text.encodings import wide_encoding


def run(load: Callable[[], Callable[[], Any]]) -> None:
    """Run a command-line app; never returns.

    Exit codes: 0 done, 1 an error of ours in one line (``--debug`` adds the trace), 2 wrong usage,
    130 interrupted, 143 told to stop (SIGTERM).

    Parameters
    ----------
    load
        Imports and returns the app, so that a missing extra is reported like any other error.
    """
    # Accepted anywhere on the line; the app itself only documents it.
    debug = "--debug" in sys.argv
    sys.argv[1:] = [argument for argument in sys.argv[1:] if argument != "--debug"]
    warnings.showwarning = _show_warning
    has_output = sys.stdout is not None
    _open_closed_streams()
    # Results are slices of a UTF-8 input: the same bytes on every system, line ends included.
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            setattr(sys, name, _Stream(name, stream))
    try:
        if not has_output:
            raise InputError("stdout is closed: expected a place for the result, or /dev/null")
        app = load()
        leave_in_order()
        app()
        sys.stdout.flush()
    except EdgeLinguaError as error:
        if debug:
            raise
        print(f"error: {printable(str(error))}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone: nobody is left to tell
        sys.exit(1)
    except OSError as error:
        if debug:
            raise
        _drop_stdout()
        known = error.filename is not None and error.strerror
        message = f"{error.filename}: {error.strerror}" if known else str(error)
        print(f"error: {printable(message)}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    sys.exit(0)


def printable(text: str) -> str:
    """Leave out control characters: a model's words must not command the terminal."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc")


def read_text(source: str) -> str:
    """Read a whole text that can be worked on, strictly UTF-8, without its byte order mark.

    ``-`` is stdin.

    Raises
    ------
    InputError
        It cannot be read, is of another encoding, binary, blank, or too long; with its name.
    """
    return decoded(read_bytes(source), source)


def read_bytes(source: str) -> bytes:
    """Read a whole file; ``-`` is stdin."""
    if source == "-" and sys.stdin.isatty():
        print("reading from standard input; end with Ctrl-D", file=sys.stderr, flush=True)
    try:
        return sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise InputError(f"{source}: cannot be read ({error.strerror})") from None
    except ValueError as error:  # a name that no file can have
        raise InputError(f"{source}: cannot be read ({error})") from None


def decoded(raw: bytes, source: str) -> str:
    """Return the text of what `read_bytes` returned; see `read_text`."""
    from edgelingua.prompt import Prompt, Segment

    name = "stdin" if source == "-" else source
    if encoding := wide_encoding(raw):
        raise InputError(
            f"{name}: in {encoding}, expected UTF-8; convert it first, for example with: "
            f"iconv -f {encoding} -t UTF-8"
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name}: not valid UTF-8 at byte {error.start}; "
            "convert it first, for example with: iconv -f latin1 -t utf-8"
        ) from None
    try:
        Prompt((Segment(text),))
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    return text


@contextlib.contextmanager
def usage(option: str | None = None) -> Iterator[None]:
    """Report a value that an option cannot have as the app does: wrong usage, exit code 2."""
    import typer

    try:
        yield
    except EdgeLinguaError as error:
        raise typer.BadParameter(str(error), param_hint=[option] if option else None) from None


def _open_closed_streams() -> None:
    """Open what the caller has closed, before a file of ours gets its number and its text."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115  # until the end
            setattr(sys, name, stream)


class _Stream(io.TextIOWrapper):
    """stdout or stderr in UTF-8, whose errors say which of them cannot be written."""

    def __init__(self, name: str, stream: io.TextIOWrapper) -> None:
        lines = stream.line_buffering
        super().__init__(stream.detach(), "utf-8", "backslashreplace", "\n", lines)
        self._called = name

    def write(self, text: str) -> int:
        with self._named():
            return super().write(text)

    def flush(self) -> None:
        with self._named():
            super().flush()

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OSError(error.errno, error.strerror, self._called) from None


def _drop_stdout() -> None:
    """Forget what could not be written, or the interpreter tries again when it exits."""
    with contextlib.suppress(OSError):
        sys.stdout.close()


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    print(f"warning: {printable(str(message))}", file=sys.stderr)
