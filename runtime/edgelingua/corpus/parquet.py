"""Parquet: all columns as they were, those that are added behind them, a few rows in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgelingua.corpus.rows import Columns, Result, Row, stamp
from edgelingua.errors import InputError, MissingExtraError
from edgelingua.files.atomic import PUBLIC, write_atomically

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_ROWS = 64
"""Rows that are read at a time."""
_GROUP_ROWS, _GROUP_BYTES = 1 << 16, 1 << 25
"""Where a row group ends: at whichever comes first."""


def arrow() -> Any:
    """Return pyarrow.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    try:
        import pyarrow as pa
    except ImportError:
        raise MissingExtraError("pyarrow", "corpus") from None
    return pa


def added_fields(columns: Columns) -> list[pa.Field]:
    """Return names and types of the columns that are added."""
    pa = arrow()
    types = (pa.string(), pa.list_(pa.list_(pa.int64())), pa.int64(), pa.int64(), pa.string())
    return [pa.field(name, kind) for name, kind in zip(columns.added, types, strict=True)]


def added_arrays(columns: Columns, texts: Iterable[Any], results: Iterable[Result]) -> list[Any]:
    """Return an array for each of `added_fields`, with a value for each row."""
    pa = arrow()
    rows = [columns.values(*row) for row in zip(texts, results, strict=True)]
    return [
        pa.array([row[number] for row in rows], field.type)
        for number, field in enumerate(added_fields(columns))
    ]


def refuse_other_types(schema: pa.Schema, columns: Columns, where: str) -> None:
    """Raise `InputError` unless texts and questions are in columns of strings."""
    pa = arrow()
    for column in (columns.text, columns.question):
        if column is None:
            continue
        found = schema.names.count(column)
        if found != 1:
            there = ", ".join(f"{field.name} ({field.type})" for field in schema)
            raise InputError(f"{where}: {found or 'no'} columns {column!r}; there are {there}")
        kind = schema.field(column).type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_null)
        if not any(of(kind) for of in texts) and str(kind) != "string_view":
            raise InputError(f"{where}: the column {column!r} is of type {kind}, expected string")
    columns.refuse_added(schema.names, where)


@dataclass(frozen=True)
class Parquet:
    """A file of rows and columns, read and written with pyarrow."""

    path: Path
    columns: Columns

    def __post_init__(self) -> None:
        with self._open() as file:
            refuse_other_types(file.schema_arrow, self.columns, str(self.path))

    def stamp(self) -> list[int] | None:
        """Return size and time of the last change."""
        return stamp(self.path)

    def count(self) -> int:
        """Return the number of rows that the file says it has."""
        with self._open() as file:
            return int(file.metadata.num_rows)

    def rows(self) -> Iterator[Row]:
        """Yield its rows, of which only texts and questions are read."""
        names = [name for name in (self.columns.text, self.columns.question) if name is not None]
        number = 0
        with self._open() as file:
            for batch in self._batches(file, names):
                texts = list(_values(batch.column(self.columns.text)))
                questions: Iterable[tuple[Any, str | None]] = [(None, None)] * len(texts)
                if self.columns.question is not None:
                    questions = _values(batch.column(self.columns.question))
                for (text, wrong), (question, also) in zip(texts, questions, strict=True):
                    number += 1
                    yield Row(f"row {number}", text, question, wrong or also)

    def write(self, target: Path, results: Iterable[Result]) -> None:
        """Write the same columns, types and metadata, with what was added."""
        pa, all_results = arrow(), iter(results)
        with self._open() as file, write_atomically(target, PUBLIC) as out:
            schema = file.schema_arrow
            for field in added_fields(self.columns):
                schema = schema.append(field)
            import pyarrow.parquet as pq

            with pq.ParquetWriter(pa.PythonFile(out, mode="w"), schema) as writer:
                group: list[Any] = []
                for batch in self._batches(file):
                    texts = [text for text, _ in _values(batch.column(self.columns.text))]
                    mine = list(islice(all_results, len(batch)))
                    arrays = added_arrays(self.columns, texts, mine)
                    group.append(
                        pa.RecordBatch.from_arrays([*batch.columns, *arrays], schema=schema)
                    )
                    rows, size = sum(map(len, group)), sum(part.nbytes for part in group)
                    if rows >= _GROUP_ROWS or size >= _GROUP_BYTES:
                        writer.write_table(pa.Table.from_batches(group))
                        group = []
                if group:
                    writer.write_table(pa.Table.from_batches(group))

    def _batches(
        self, file: pq.ParquetFile, columns: list[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        try:
            yield from file.iter_batches(_ROWS, columns=columns)
        except (arrow().ArrowException, OSError) as error:
            raise InputError(f"{self.path}: damaged ({error})") from None

    @contextmanager
    def _open(self) -> Iterator[pq.ParquetFile]:
        pa = arrow()
        import pyarrow.parquet as pq

        try:
            # A buffer, so that a column of a row group is not read whole.
            file = pq.ParquetFile(self.path, pre_buffer=False, buffer_size=1 << 20)
        except (pa.ArrowException, OSError) as error:  # a damaged footer is an OSError too
            what = "cannot be read" if getattr(error, "errno", None) else "damaged, or not Parquet"
            raise InputError(f"{self.path}: {what} ({str(error).strip()})") from None
        with file:
            yield file


def _values(column: pa.Array) -> Iterator[tuple[Any, str | None]]:
    """Yield each value, and why it cannot be read if it cannot."""
    try:
        yield from [(value, None) for value in column.to_pylist()]
    except UnicodeDecodeError:
        for scalar in column:
            try:
                yield scalar.as_py(), None
            except UnicodeDecodeError as error:
                yield None, f"not valid UTF-8 at byte {error.start}"
