"""``edgelingua index``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgelingua.cli import readable
from edgelingua.cli.console import read_text
from edgelingua.cli.options import AsJson, DeviceOption, Source, Strict, Threads, name
from edgelingua.cli.output import print_json, print_lines
from edgelingua.cli.output import progress as progress_bar
from edgelingua.files.writable import refuse_unwritable_file
from edgelingua.ort.session import RunOptions
from edgelingua.system.measure import Stopwatch, peak_rss_mb


def index(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="File for the index; it holds the whole text.")
    ],
    source: Source = "-",
    model: Annotated[
        str | None,
        typer.Option(
            help="Encoder bundle: a folder or a name; default: edgelingua-sentence.", callback=name
        ),
    ] = None,
    threads: Threads = 0,
    device: DeviceOption = "auto",
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Encode the sentences of a text once, for many questions about it.

    Then: edgelingua compress --index FILE --question TEXT.
    """
    from edgelingua.bundle.bundle import ModelBundle
    from edgelingua.index import SentenceIndex
    from edgelingua.models import registry
    from edgelingua.scorers.encoder import SentenceEncoder

    watch = Stopwatch()
    refuse_unwritable_file(output)
    if source != "-" and output.exists() and output.samefile(source):
        raise typer.BadParameter("the text is in this file; name another", param_hint="'--output'")
    text = read_text(source)
    with watch.stage("load"):
        folder = (
            registry.default_bundle("encoder") if model is None else registry.find_bundle(model)
        )
        bundle = ModelBundle.open(folder)
        encoder = SentenceEncoder(bundle, options=RunOptions(threads, device, strict))
    with watch.stage("encode"), progress_bar("encoding") as progress:
        made = SentenceIndex.of(text, encoder, progress)
    made.save(output)
    sentences, size = len(made.sentences.spans), output.stat().st_size
    if as_json:
        print_json(
            {
                "index": str(output),
                "sentences": sentences,
                "bytes": size,
                "milliseconds": watch.milliseconds,
                "peak_rss_mb": peak_rss_mb(),
            }
        )
    else:
        print_lines(
            {"index": f"{output}, {sentences:,} sentences, {size / 1e6:,.1f} MB"}
            | readable.time(watch.milliseconds)
            | readable.memory(peak_rss_mb())
        )
