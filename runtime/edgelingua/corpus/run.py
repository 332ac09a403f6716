"""A whole corpus: rows to workers, results to the journal, and at the end all of it written."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from edgelingua.corpus.formats import Corpus, refuse_other_kind
from edgelingua.corpus.journal import Journal
from edgelingua.corpus.questions import asked, questions
from edgelingua.corpus.recipe import Recipe
from edgelingua.corpus.rows import Result, Row
from edgelingua.corpus.workers import results
from edgelingua.errors import InputError
from edgelingua.files.folders import remove
from edgelingua.files.safe import hash_file
from edgelingua.files.writable import refuse_unwritable_file
from edgelingua.scores import Progress

_BATCH_ROWS, _BATCH_CHARACTERS = 64, 1 << 16
"""Where a batch ends that a worker gets: at whichever comes first."""
_NAMED = 5


@dataclass
class Summary:
    """What became of a corpus.

    Attributes
    ----------
    rows, failed
        How many there are, and how many of them failed.
    resumed
        How many were done already when this run began.
    tokens_in, tokens_out
        Sums over the rows that did not fail.
    errors
        The first errors, each with its row's name.
    """

    rows: int = 0
    failed: int = 0
    resumed: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    errors: list[str] = field(default_factory=list)

    def adding(self, results: Iterable[Result]) -> Iterator[Result]:
        """Yield results, and add them up."""
        for result in results:
            self.rows += 1
            self.tokens_in += result.tokens_in or 0
            self.tokens_out += result.tokens_out or 0
            if result.error is not None:
                self.failed += 1
                self.errors += [result.error] if len(self.errors) < _NAMED else []
            yield result


def compress_corpus(
    corpus: Corpus,
    target: Path,
    recipe: Recipe | None = None,
    *,
    question: str | Path = "",
    workers: int = 1,
    progress: Progress | None = None,
) -> Summary:
    """Compress every text of a file or folder into another.

    ``TARGET.journal`` beside the target has what is done. Whatever ends this, the same call goes on
    from there, and the result is the same, byte for byte, as if nothing had; with any number of
    workers too. Texts and results pass through: no more than a few batches are in memory.

    Parameters
    ----------
    corpus
        See `open_corpus`.
    target
        A file or folder of the same kind; nothing may be there.
    recipe
        How texts are compressed. ``None``: to half, with edgelingua-mini.
    question
        One for all texts; or, as a path, a file with a line for each. A corpus with a column of
        questions takes neither.
    workers
        Processes, with a thread each. With more than one, the calling program has to be one that
        `multiprocessing` can start anew: its main module does nothing when it is imported.
    progress
        Called with rows done and rows in all.

    Raises
    ------
    InputError
        The corpus cannot be read or was changed, or what is to be written cannot be; nothing of
        what is done is lost.
    EdgeLinguaError
        The recipe is for none.
    """
    recipe = recipe or Recipe()
    refuse_other_kind(corpus, target)
    rows = corpus.count()
    each = questions(question, corpus.columns, rows)
    place = target.with_name(f"{target.name}.journal")
    if os.path.lexists(target) and not place.exists():
        raise InputError(f"{target}: it is there already; remove it, or name another")
    refuse_unwritable_file(place)
    begun = {
        "corpus": corpus.stamp(),
        "columns": [corpus.columns.text, corpus.columns.question],
        "question": hash_file(question) if isinstance(question, Path) else question,
        **recipe.described(),
    }
    with Journal(place, begun) as journal:
        if journal.done < rows and os.path.lexists(target):  # not ours, which come at the end
            raise InputError(
                f"{target}: it is there already, and {place} has only {journal.done:,} of {rows:,} "
                "rows; move it away, or name another"
            )
        summary = Summary(resumed=journal.done)
        if progress:
            progress(journal.done, rows)
        if journal.done < rows:
            left = islice(asked(corpus.rows(), each), journal.done, None)
            _compress(left, journal, rows, recipe, workers, progress)
        if corpus.stamp() != begun["corpus"]:
            raise InputError(
                f"{corpus.path}: it was changed meanwhile; remove {place} to compress it anew"
            )
        made = summary.adding(journal.results())
        if not os.path.lexists(target):
            _write(corpus, target, made, place)
        elif not _is_ours(corpus, target, made, place):
            raise InputError(
                f"{target}: it is there already, and is not what {place} makes of "
                f"{corpus.path}; move it away, or name another"
            )
        journal.remove()
    return summary


def _write(corpus: Corpus, target: Path, made: Iterable[Result], place: Path) -> None:
    try:
        corpus.write(target, made)
    except OSError as error:
        raise InputError(
            f"{target}: cannot be written ({error.strerror or error}); all rows are done and "
            f"kept in {place}: run the same again once it can"
        ) from None


def _is_ours(corpus: Corpus, target: Path, made: Iterable[Result], place: Path) -> bool:
    """Whether what lies at the target is what is to lie there: a kill came right behind it."""
    again = target.with_name(f".again.{target.name}")
    try:
        _write(corpus, again, made, place)
        return not target.is_symlink() and _contents(again) == _contents(target)
    finally:
        remove(again)


def _contents(place: Path) -> list[tuple[str, str]]:
    """Hashes of a file, or of all files of a folder, with their names in it."""
    files = sorted(place.rglob("*")) if place.is_dir() else [place]
    return [(str(f.relative_to(place)), hash_file(f)) for f in files if f.is_file()]


def _compress(
    rows: Iterable[Row],
    journal: Journal,
    total: int,
    recipe: Recipe,
    workers: int,
    progress: Progress | None,
) -> None:
    ahead: list[list[Row]] = []

    def batches() -> Iterator[list[Row]]:
        for batch in _batched(rows):
            ahead.append(batch)
            yield batch

    for found in results(batches(), recipe, workers):
        named = zip(ahead.pop(0), found, strict=True)
        journal.add(
            result if result.error is None else replace(result, error=f"{row.name}: {result.error}")
            for row, result in named
        )
        if progress:
            progress(journal.done, total)


def _batched(rows: Iterable[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    characters = 0
    for row in rows:
        batch.append(row)
        characters += len(row.text) if isinstance(row.text, str) else 0
        if len(batch) == _BATCH_ROWS or characters >= _BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch
