"""``edgelingua remember``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgelingua.cli import readable
from edgelingua.cli.console import read_text
from edgelingua.cli.options import AsJson, Reader, Source, Threads
from edgelingua.cli.output import print_json, print_lines
from edgelingua.cli.output import progress as progress_bar
from edgelingua.files.writable import refuse_unwritable_file
from edgelingua.models import registry
from edgelingua.system.measure import Stopwatch, peak_rss_mb


def remember(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="File for the memory; it holds the whole text.")
    ],
    cells: Annotated[int, typer.Option(help="Cells of the reader's cache to keep.", min=1)],
    source: Source = "-",
    reader: Reader = registry.DEFAULT_READER,
    adapter: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="An adapter trained for this reader; default: none."),
    ] = None,
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """Read a text once and keep a few cells of the reader's cache, for many questions about it.

    Then: edgelingua run --memory FILE --question TEXT, or edgelingua chat --memory FILE.
    """
    refuse_unwritable_file(output)
    if source != "-" and output.exists() and output.samefile(source):
        raise typer.BadParameter("the text is in this file; name another", param_hint="'--output'")
    text = read_text(source)
    # llama_cpp takes a while to import.
    from edgelingua.llama.memory_adapter import MemoryAdapter
    from edgelingua.llama.model import LlamaModel
    from edgelingua.remembering import remember as remembered

    watch = Stopwatch()
    with watch.stage("load"):
        llama = LlamaModel(registry.find_reader(reader), threads=threads)
        trained = None if adapter is None else MemoryAdapter.load(adapter, llama)
    with watch.stage("read"), progress_bar("reading") as progress:
        made = remembered(llama, text, cells, adapter=trained, progress=progress)
    made.save(output)
    size = output.stat().st_size
    if as_json:
        print_json(
            {
                "memory": str(output),
                "tokens": made.tokens_in,
                "cells": len(made),
                "bytes": size,
                "reader": llama.path.name,
                "adapter": made.adapter,
                "milliseconds": watch.milliseconds,
                "peak_rss_mb": peak_rss_mb(),
            }
        )
    else:
        print_lines(
            {"tokens": f"{made.tokens_in:,} became {len(made):,} cells"}
            | {"reader": f"{llama.path.name}, {'no adapter' if trained is None else adapter}"}
            | {"file": f"{output}, {size / 1e6:,.1f} MB"}
            | readable.time(watch.milliseconds)
            | readable.memory(peak_rss_mb())
        )
