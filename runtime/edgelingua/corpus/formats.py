"""Which file or folder is which kind of corpus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

from edgelingua.corpus.rows import Columns, Result, Row
from edgelingua.errors import InputError

JSON_LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
PARQUET = (".parquet", ".pq")


class Corpus(Protocol):
    """A kind of corpus: how it is read, and how it is written with what was added."""

    @property
    def path(self) -> Path:
        """The file or folder."""
        ...

    @property
    def columns(self) -> Columns:
        """Where texts and questions are, and what is added."""
        ...

    def stamp(self) -> list[Any] | None:
        """Return what is another as soon as the corpus is another."""
        ...

    def count(self) -> int:
        """Return how many rows it has."""
        ...

    def rows(self) -> Iterator[Row]:
        """Yield its rows; the same ones in the same order every time."""
        ...

    def write(self, target: Path, results: Iterable[Result]) -> None:
        """Write it whole, with the result of each row; nothing is at ``target`` before."""
        ...


def open_corpus(source: Path, columns: Columns | None = None, pattern: str = "*.txt") -> Corpus:
    """Return what is to be compressed.

    Parameters
    ----------
    source
        JSON lines (``.jsonl``, ``.ndjson``, perhaps ``.gz``), Parquet, or a folder of texts.
    columns
        Where texts and questions are; a folder has no columns.
    pattern
        The names of a folder's files that are texts.

    Raises
    ------
    InputError
        It is not there, of no known kind, damaged, or without such columns.
    MissingExtraError
        Parquet needs pyarrow.
    """
    if source.is_dir():
        from edgelingua.corpus.folder import Folder

        if columns not in (None, Columns()):
            raise InputError(f"{source}: a folder of texts has no columns")
        return Folder(source, pattern)
    if not source.is_file():
        raise InputError(f"{source}: no such file or folder")
    if source.name.endswith(JSON_LINES):
        from edgelingua.corpus.json_lines import JsonLines

        return JsonLines(source, columns or Columns())
    if source.name.endswith(PARQUET):
        from edgelingua.corpus.parquet import Parquet

        return Parquet(source, columns or Columns())
    raise InputError(
        f"{source}: expected a folder of texts, or a file whose name ends in "
        f"{', '.join(JSON_LINES + PARQUET)}"
    )


def refuse_other_kind(corpus: Corpus, target: Path) -> None:
    """Raise `InputError` where ``corpus`` cannot be written to ``target``."""
    source = corpus.path
    if not target.name:
        raise InputError(f"{target}: expected the name of a file or folder that is not there yet")
    for endings in (JSON_LINES, PARQUET):
        if source.name.endswith(endings) and source.is_file():
            if not target.name.endswith(endings):
                raise InputError(
                    f"{target}: expected a name that ends in {', '.join(endings)}, for {source} is "
                    "of that kind"
                )
            return
    if target.resolve().is_relative_to(source.resolve()):
        raise InputError(f"{target}: inside the folder that is compressed; name another place")
