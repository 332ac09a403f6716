"""``edgelingua compress``."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from edgelingua.cli import readable
from edgelingua.cli.choices import (
    budget_of,
    compression_statistics,
    count_like,
    looking_of,
    method_for,
    pins_of,
    read_index,
    with_second_pass,
)
from edgelingua.cli.console import decoded, read_bytes, usage
from edgelingua.cli.options import (
    AsJson,
    AtLevel,
    CountFile,
    DeviceOption,
    Explain,
    Floor,
    Gap,
    Guard,
    Heads,
    IndexFile,
    MethodName,
    Model,
    Pin,
    PinPattern,
    RankerName,
    Rate,
    SecondPass,
    Source,
    Strict,
    Structure,
    Threads,
    Tokens,
    name,
    text,
)
from edgelingua.cli.output import print_json, print_lines, say, write_page
from edgelingua.cli.output import progress as progress_bar
from edgelingua.cli.scope import refuse_others, rewrite
from edgelingua.compressed import Reason
from edgelingua.compressors import REWRITERS, load_compressor
from edgelingua.files.writable import refuse_unwritable_file
from edgelingua.ort.session import RunOptions
from edgelingua.prompt import Prompt
from edgelingua.system.measure import Stopwatch, peak_rss_mb


def compress(
    source: Source = "-",
    question: Annotated[
        str,
        typer.Option(help="Guides the compression; it ends the output, unchanged.", callback=text),
    ] = "",
    instruction: Annotated[
        str, typer.Option(help="Begins the output, unchanged.", callback=text)
    ] = "",
    tokens: Tokens = None,
    rate: Rate = None,
    floor: Floor = None,
    method: MethodName = None,
    model: Model = None,
    reader: Annotated[
        str | None,
        typer.Option(help="The model whose tokens are counted; as for run.", callback=name),
    ] = None,
    count_file: CountFile = None,
    pin: Pin = None,
    pin_pattern: PinPattern = None,
    threshold: Annotated[
        float | None, typer.Option(help="Drop what scores below this, room or not.")
    ] = None,
    structure: Structure = "compress",
    level: AtLevel = None,
    guard: Guard = None,
    gap: Gap = None,
    ranker: RankerName = None,
    heads: Heads = None,
    index: IndexFile = None,
    second_pass: SecondPass = None,
    explain: Explain = None,
    threads: Threads = 0,
    device: DeviceOption = "auto",
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Compress a text; by default to half its tokens. The budget is never exceeded.

    stdout gets what is kept and nothing else, line ends as they are and no newline added; a text
    that is kept whole comes out byte for byte, a byte order mark included.
    """
    watch = Stopwatch()
    if tokens is None and rate is None and floor is None:
        rate = 0.5 if threshold is None else 1.0
    budget = budget_of(tokens, rate, floor)
    pins = pins_of(pin, pin_pattern)
    _refuse_page(explain, source)
    if method in REWRITERS:
        given = (threshold, level, guard, gap, ranker, heads, index, second_pass, explain)
        refuse_others((*given, count_file))
        rewrite(
            Prompt.build(
                decoded(read_bytes(source), source),
                instruction=instruction,
                question=question,
                pin=pins,
                structure=structure,
            ),
            budget,
            (reader, model),
            RunOptions(threads, device, strict),
            as_json=as_json,
        )
        return
    indexed = None if index is None else read_index(index, method)
    method = "cpc" if indexed else method
    method = method_for(method, model, ranker=ranker, question=question)
    if indexed and source == "-":
        document, raw = indexed.text, indexed.text.encode()
    else:
        raw = read_bytes(source)
        document = decoded(raw, source)
    prompt = Prompt.build(
        document,
        instruction=instruction,
        question=question,
        pin=pins,
        structure=structure,
    )
    with watch.stage("load"):
        count, counted_in = count_like(reader, count_file)
        looker = looking_of(heads, method, reader, threads)
        compressor = load_compressor(
            method,
            model,
            level=level,
            guard=guard,
            gap=gap,
            ranker=ranker,
            count=count,
            options=RunOptions(threads, device, strict),
            reader=looker,
        )
        if indexed:
            from edgelingua.compressors.cpc import with_index

            compressor = with_index(compressor, indexed)
    if threshold is not None:
        with usage("--threshold"):
            compressor = compressor.with_options(threshold=threshold)
    compressor = with_second_pass(compressor, second_pass, question)
    with watch.stage("compress"), progress_bar("scoring") as progress:
        compressed = compressor.compress(prompt, budget, progress)
    if threshold is not None and not (compressed.reasons == Reason.KEPT).any():
        scores = compressed.scores[np.isfinite(compressed.scores)]
        best = f"; the best word scores {scores.max():.2f}" if len(scores) else ""
        say(f"warning: nothing scores as much as --threshold {threshold:g}{best}")
    if explain:
        from edgelingua.explain import page

        name = "standard input" if source == "-" else Path(source).name  # where it lies is private
        write_page(explain, page(compressed, f"{name}, {method}"))
    if as_json:
        spans = compressed.spans.tolist()
        statistics = compression_statistics(compressed) | {
            "method": method,
            "counted_in": f"tokens of {counted_in}",
            "milliseconds": watch.milliseconds,
            "peak_rss_mb": peak_rss_mb(),
        }
        print_json({"text": compressed.text, "spans": spans, "statistics": statistics})
    else:
        # With its byte order mark where all of it stays: `cmp` finds no difference.
        result = raw.decode() if compressed.text == document else compressed.text
        # A pipe gets no character that the text did not have; a prompt begins on a line of its own.
        end = "\n" if sys.stdout.isatty() and not result.endswith("\n") else ""
        sys.stdout.write(result + end)
        print_lines(
            readable.compression(compressed, method)
            | {"counted": f"as tokens of {counted_in}"}
            | readable.time(watch.milliseconds)
            | readable.memory(peak_rss_mb())
        )


def _refuse_page(page: Path | None, source: str) -> None:
    """Refuse a place for the page that cannot be written, or where the text or the result lies."""
    if page is None:
        return
    refuse_unwritable_file(page)
    if not page.exists():
        return
    there = page.stat()
    used = [Path(source).stat()] if source != "-" and Path(source).exists() else []
    streams = (sys.stdout, sys.stderr, *((sys.stdin,) if source == "-" else ()))
    for stream in streams:
        with suppress(AttributeError, OSError):  # none, as in pythonw, or one that is no file
            used.append(os.fstat(stream.fileno()))
    if any(os.path.samestat(there, other) for other in used):
        raise typer.BadParameter(
            "the text or the output is in this file; name another", param_hint="'--explain'"
        )
