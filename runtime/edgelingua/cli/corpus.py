"""``edgelingua corpus``: many texts, compressed once."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgelingua.cli.choices import budget_of, method_for
from edgelingua.cli.options import (
    AsJson,
    AtLevel,
    CountFile,
    Guard,
    MethodName,
    Model,
    Rate,
    Structure,
    Tokens,
    name,
    text,
)
from edgelingua.cli.output import print_json, print_lines, say
from edgelingua.cli.output import progress as progress_bar

if TYPE_CHECKING:
    from edgelingua.scores import Progress

app = typer.Typer(help="Many texts, compressed once.", no_args_is_help=True)

_EVERY = 30.0
_SOME_FAILED = 3


@app.callback()
def _group() -> None:
    """Many texts, compressed once."""


@app.command()
def compress(
    source: Annotated[
        Path,
        typer.Argument(metavar="IN", help="A file (.jsonl, .jsonl.gz, .parquet) or a folder."),
    ],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Of the same kind.")],
    column: Annotated[
        str, typer.Option("--text", help="The column that has the texts.", callback=name)
    ] = "text",
    pattern: Annotated[
        str, typer.Option(help="The names of a folder's files that are texts.", callback=name)
    ] = "*.txt",
    question: Annotated[str, typer.Option(help="One question, for all texts.", callback=text)] = "",
    question_column: Annotated[
        str | None, typer.Option(help="The column that has questions.", callback=name)
    ] = None,
    questions: Annotated[
        Path | None, typer.Option(help="A file with a question for each row, a line each.")
    ] = None,
    tokens: Tokens = None,
    rate: Rate = None,
    method: MethodName = None,
    model: Model = None,
    count_file: CountFile = None,
    structure: Structure = "compress",
    level: AtLevel = None,
    guard: Guard = None,
    workers: Annotated[
        int, typer.Option(help="Processes, of one thread each; 0: one per core.", min=0, max=512)
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Compress every text of a file or folder; by default to half its tokens.

    OUT has all that IN has, and columns with the compressed text, its spans, counts of tokens, and
    an error where a text failed; a folder gets the compressed files and spans.jsonl. Started again
    after whatever has ended it, it goes on where it was. Exit code 3: some texts failed, and all
    others are done.
    """
    from edgelingua.corpus import Columns, Recipe, compress_corpus, open_corpus
    from edgelingua.system.child import interpreter
    from edgelingua.system.cores import available_cores

    if sum(map(bool, (question, question_column, questions))) > 1:
        raise typer.BadParameter("give one of --question, --question-column and --questions")
    if tokens is not None or rate is not None:
        budget_of(tokens, rate)
    if method is not None:
        method_for(
            method, model, ranker=None, question=question or question_column or str(questions or "")
        )
    recipe = Recipe(tokens, rate, method, model, level, guard, structure, count_file)
    if not workers:
        workers = available_cores() if interpreter() else 1
    began = time.monotonic()
    try:
        with _progress() as progress:
            summary = compress_corpus(
                open_corpus(source, Columns(column, question_column), pattern),
                target,
                recipe,
                question=questions or question,
                workers=workers,
                progress=progress,
            )
    except KeyboardInterrupt:
        say(f"interrupted; what is done is kept in {target}.journal: the same command goes on")
        raise
    seconds = time.monotonic() - began
    if as_json:
        print_json({"corpus": str(target), **asdict(summary), "seconds": seconds})
    else:
        told = f"{summary.rows:,}, {summary.failed:,} failed"
        told += f", {summary.resumed:,} done before" if summary.resumed else ""
        share = 100 * summary.tokens_out / max(1, summary.tokens_in)
        print_lines(
            {
                "corpus": str(target),
                "rows": told,
                "tokens": f"{summary.tokens_in:,} became {summary.tokens_out:,} ({share:.1f} %)",
                "time": f"{seconds:,.1f} s",
            }
        )
    if summary.failed:
        more = summary.failed - len(summary.errors)
        shown = [*summary.errors, *([f"and {more:,} more"] if more else [])]
        say("error: " + "\n       ".join(shown))
        raise typer.Exit(_SOME_FAILED)


@contextmanager
def _progress() -> Iterator[Progress]:
    """Show a bar, or in a log a line now and then."""
    if sys.stderr.isatty():
        with progress_bar("compressing") as bar:
            yield bar
        return
    last = time.monotonic()

    def line(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= _EVERY:
            last = time.monotonic()
            say(f" rows  {done:,} of {total:,}")

    yield line
