"""What is done of a corpus: a line for each row, in the order of the rows, in one file."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Self

from edgelingua.corpus.rows import Result
from edgelingua.errors import InputError, StateError

if sys.platform != "win32":
    import fcntl

_SYNC_SECONDS = 5.0
"""Work of so long may be lost where the power fails; where the process is killed, none is."""


class Journal:
    """Results as they were made, kept until the whole corpus is written.

    The first line says what is compressed and how. What a kill, a full disk or a crash has cut off
    or damaged goes when it is opened again, and the rows from there on are done anew.

    Parameters
    ----------
    path
        The file; it is made if it is not there.
    begun
        All that the results depend on, to be the same whenever it goes on.

    Attributes
    ----------
    done
        How many rows have a result.

    Raises
    ------
    InputError
        It is of another work than ``begun`` says, another process has it, or it cannot be written.
    """

    def __init__(self, path: Path, begun: Mapping[str, Any]) -> None:
        self.path = path
        self._synced = time.monotonic()
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
        try:
            self._file: IO[bytes] = os.fdopen(os.open(path, flags, 0o600), "r+b", buffering=0)
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({error.strerror})") from None
        try:
            self._lock()
            with path.open("rb") as file:
                whole = self._is_ours(file.readline(), begun, empty=not file.readline())
                file.seek(0)
                file.readline()
                self.done = sum(1 for _ in _good(file)) if whole else 0
                file.seek(0)  # for how far the good lines go
                end = sum(len(file.readline()) for _ in range(self.done + 1)) if whole else 0
            self._file.truncate(end)
            self._file.seek(end)
            if not whole:
                self._write(_line(begun))
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self.done:
            self.remove()  # nothing is in it that would be missed
        self._file.close()

    def add(self, results: Iterable[Result]) -> None:
        """Note the results of the next rows.

        Raises
        ------
        InputError
            The disk takes no more.
        """
        lines = [_line([r.spans, r.tokens_in, r.tokens_out, r.error, r.breaks]) for r in results]
        self._write(b"".join(lines))
        self.done += len(lines)

    def results(self) -> Iterator[Result]:
        """Return the results of all rows that are done, one after the other."""
        with self.path.open("rb") as file:
            file.readline()
            yield from _good(file)

    def remove(self) -> None:
        """Remove the file: what it was for is done."""
        if sys.platform == "win32":  # where what is open cannot be removed
            self._file.close()
        self.path.unlink(missing_ok=True)

    def _write(self, data: bytes) -> None:
        try:
            view = memoryview(data)
            while view:
                view = view[self._file.write(view) :]
            if time.monotonic() - self._synced > _SYNC_SECONDS:
                os.fsync(self._file.fileno())
                self._synced = time.monotonic()
        except OSError as error:
            raise InputError(
                f"{self.path}: cannot be written ({error.strerror}); what is done is kept there: "
                "run the same again once it can"
            ) from None

    def _lock(self) -> None:
        if sys.platform != "win32":
            try:
                fcntl.flock(self._file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(f"{self.path}: another process is at work on it") from None
            except OSError:
                return  # a file system without locks
            if not os.fstat(self._file.fileno()).st_nlink:
                raise InputError(f"{self.path}: another process has just finished it")

    def _is_ours(self, first: bytes, begun: Mapping[str, Any], *, empty: bool) -> bool:
        """Return whether a first line is whole; refuse that of another work, if any was done."""
        if first != _line(begun) and _line(begun).startswith(first):
            return False  # a new file, or one whose first line was cut off
        now = json.loads(_line(begun))
        try:
            then = json.loads(first)
            differing = [key for key in {**then, **now} if then.get(key) != now.get(key)]
        except (ValueError, TypeError, AttributeError):
            raise StateError(
                f"{self.path}: damaged, or not the journal of a corpus; remove it to begin anew"
            ) from None
        if differing and empty:
            return False
        if differing:
            changes = (f"{key} {then.get(key)!r}, now {now.get(key)!r}" for key in differing)
            raise InputError(
                f"{self.path}: this was begun with {'; '.join(changes)}. Go on as it was begun, or "
                "remove the journal to begin anew"
            )
        return True


def _line(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _good(file: IO[bytes]) -> Iterator[Result]:
    """Yield the results of the lines that are whole, up to the first that is not."""
    for line in file:
        try:
            result = Result(*json.loads(line))
        except (ValueError, TypeError):
            return
        if not line.endswith(b"\n"):
            return
        yield result
