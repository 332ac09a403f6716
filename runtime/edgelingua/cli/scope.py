"""``edgelingua compress --method scope``: a reader writes the text again."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import typer

from edgelingua.budget import Budget
from edgelingua.cli import readable
from edgelingua.cli.choices import compression_statistics
from edgelingua.cli.output import print_json, print_lines
from edgelingua.cli.output import progress as progress_bar
from edgelingua.compressors import load_scope
from edgelingua.ort.session import RunOptions
from edgelingua.prompt import Prompt
from edgelingua.system.measure import Stopwatch, peak_rss_mb


def refuse_others(options: Iterable[object]) -> None:
    """Refuse options that say how text is extracted: here it is written."""
    if any(option is not None for option in options):
        raise typer.BadParameter(
            "with scope go --tokens, --rate, --question, --instruction, --pin, --structure, "
            "--model, --reader, --threads, --device and --json, nothing else",
            param_hint="'--method'",
        )


def rewrite(
    prompt: Prompt,
    budget: Budget,
    models: tuple[str | None, str | None],
    options: RunOptions,
    *,
    as_json: bool,
) -> None:
    """Write a prompt again, and print it as ``compress`` does; ``models``: reader, classifier."""
    reader, model = models
    if reader is None:
        raise typer.BadParameter(
            "scope writes with a reader of a billion parameters or more: name it with --reader",
            param_hint="'--method'",
        )
    from edgelingua.llama.model import LlamaModel

    watch = Stopwatch()
    with watch.stage("load"):
        scope = load_scope(LlamaModel(reader, threads=options.threads), model, options=options)
    with watch.stage("compress"), progress_bar("writing") as progress:
        made = scope.compress(prompt, budget, progress)
    counts = {
        "written": sum(part.written for part in made.parts),
        "refused": sum(bool(part.refused) for part in made.parts),
        "chunks": len(made.parts),
    }
    if as_json:
        parts = [
            {"text": p.text, "source": p.source, "cited": p.cited, "refused": p.refused}
            for p in made.parts
        ]
        statistics = compression_statistics(made) | {
            "method": "scope",
            **counts,
            "milliseconds": watch.milliseconds,
            "peak_rss_mb": peak_rss_mb(),
        }
        print_json({"text": made.text, "parts": parts, "statistics": statistics})
        return
    end = "\n" if sys.stdout.isatty() and not made.text.endswith("\n") else ""
    sys.stdout.write(made.text + end)
    said = "{written} of {chunks} chunks written, {refused} refused and extracted"
    print_lines(
        readable.compression(made, "scope")
        | {"chunks": said.format(**counts)}
        | readable.time(watch.milliseconds)
        | readable.memory(peak_rss_mb())
    )
