"""The command ``edgelingua``: stdout carries the result, stderr statistics and progress.

What only some commands need is imported inside them: most of the time that it takes to compress a
short text is that of imports.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from edgelingua import __version__
from edgelingua.cli import corpus, models, tables
from edgelingua.cli.bench.command import bench
from edgelingua.cli.chat import chat
from edgelingua.cli.compress import compress
from edgelingua.cli.doctor.command import doctor
from edgelingua.cli.index import index
from edgelingua.cli.mcp import mcp
from edgelingua.cli.plan import plan
from edgelingua.cli.remember import remember
from edgelingua.cli.run import run
from edgelingua.cli.serve import serve

app = typer.Typer(
    help="Prompt compression and capped-memory generation for language models on the device.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"{__version__}\n")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the trace of an error.")] = False,
) -> None:
    """Prompt compression and capped-memory generation for language models on the device."""


for _command in (
    compress,
    index,
    remember,
    run,
    chat,
    serve,
    mcp,
    tables.methods,
    tables.policies,
    bench,
    plan,
    doctor,
):
    app.command()(_command)
app.add_typer(corpus.app, name="corpus")
app.add_typer(models.app, name="models")
