"""JSON lines, perhaps in gzip: a row keeps its bytes, the columns that are added stand behind."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

from edgelingua.corpus.rows import Columns, Result, Row, stamp
from edgelingua.errors import InputError
from edgelingua.files.atomic import PUBLIC, write_atomically
from edgelingua.files.safe import open_regular
from edgelingua.text.encodings import wide_encoding

_LONGEST = 1 << 26
"""Bytes of a line: more than the longest text takes, each character written as an escape."""
_MARK = b"\xef\xbb\xbf"
_LOOKED_AT = 100


@dataclass(frozen=True)
class JsonLines:
    """A file with an object in each line; blank lines are no rows."""

    path: Path
    columns: Columns

    def __post_init__(self) -> None:
        with self._open() as file:
            head = file.read(1 << 16)
        if encoding := wide_encoding(head[: len(head) // 4 * 4]):
            raise InputError(
                f"{self.path}: in {encoding}, expected UTF-8; convert it first, for example with: "
                f"iconv -f {encoding} -t UTF-8"
            )
        rows = (self._parsed(line)[0] for _, line in islice(self._lines(), _LOOKED_AT))
        names = dict.fromkeys(name for row in rows if row for name in row)
        for column in (self.columns.text, self.columns.question):
            if names and column is not None and column not in names:
                raise InputError(
                    f"{self.path}: no column {column!r} in the first {_LOOKED_AT} rows, which have "
                    f"{', '.join(names)}"
                )

    def stamp(self) -> list[int] | None:
        """Return size and time of the last change."""
        return stamp(self.path)

    def count(self) -> int:
        """Count the lines that are not blank."""
        return sum(1 for _ in self._lines())

    def rows(self) -> Iterator[Row]:
        """Yield a row for each line that is not blank."""
        columns = self.columns
        for number, line in self._lines():
            row, error = self._parsed(line)
            name = f"line {number}"
            if row is None:
                yield Row(name, error=error)
                continue
            columns.refuse_added(list(row), f"{self.path}, {name}")
            if columns.text not in row:
                yield Row(name, error=f"no column {columns.text!r}")
            else:
                question = None if columns.question is None else row.get(columns.question)
                yield Row(name, row[columns.text], question)

    def write(self, target: Path, results: Iterable[Result]) -> None:
        """Write each line as it was, with what was added."""
        with write_atomically(target, PUBLIC) as file:
            packed = target.suffix == ".gz"
            out = gzip.GzipFile("", "wb", fileobj=file, mtime=0) if packed else file
            lines = (line for _, line in self._lines())
            for line, result in zip(lines, results, strict=True):
                cast(IO[bytes], out).write(self._extended(line, result))
            if packed:
                out.close()

    def _extended(self, line: bytes, result: Result) -> bytes:
        row, _ = self._parsed(line)
        text = None if row is None else row.get(self.columns.text)
        values = self.columns.values(text, result)
        added = json.dumps(dict(zip(self.columns.added, values, strict=True)), ensure_ascii=False)
        new = added.encode("utf-8", "backslashreplace") + b"\n"
        if row is None:
            return new
        return line.strip()[:-1].rstrip() + (b", " if row else b"") + new[1:]

    def _parsed(self, line: bytes) -> tuple[dict[str, Any] | None, str | None]:
        """Return the object in a line, or why there is none."""
        if len(line) > _LONGEST:
            return None, f"longer than {_LONGEST:,} bytes"
        try:
            row = json.loads(line.decode(), parse_int=_number)
        except UnicodeDecodeError as error:
            return None, f"not valid UTF-8 at byte {error.start} of the line"
        except ValueError as error:
            return None, f"not JSON ({error})"
        except RecursionError:
            return None, "not JSON that can be read: nested too deeply"
        if not isinstance(row, dict):
            return None, f"expected an object, got a JSON {type(row).__name__}"
        return row, None

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield number and bytes of each line that is not blank; one that is too long is cut."""
        with self._open() as file:
            number = 0
            while line := file.readline(_LONGEST + 1):
                number += 1
                rest = line
                while len(rest) > _LONGEST and not rest.endswith(b"\n"):
                    rest = file.readline(_LONGEST + 1)
                if number == 1:
                    line = line.removeprefix(_MARK)
                if line.strip():
                    yield number, line

    @contextmanager
    def _open(self) -> Iterator[IO[bytes]]:
        try:
            with open_regular(self.path) as file:
                packed = self.path.suffix == ".gz"
                yield io.BufferedReader(gzip.GzipFile(fileobj=file)) if packed else file
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(f"{self.path}: damaged, or not gzip ({error})") from None
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read ({error.strerror})") from None


def _number(digits: str) -> float:
    """Read an integer; as one, Python refuses thousands of digits."""
    return int(digits) if len(digits) < 1000 else float(digits)
