"""The command ``edgelingua-export``."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from edgelingua import models, parity

app = typer.Typer(
    help="Turn models into verified INT8 ONNX bundles for edgelingua.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class TaskName(StrEnum):
    """Kinds of bundle."""

    scorer = "scorer"
    classifier = "classifier"


def _report(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the trace of an error.")] = False,
) -> None:
    """Turn models into verified INT8 ONNX bundles for edgelingua."""


@app.command("build")
def build_command(
    source: Annotated[
        str, typer.Argument(help="A known model, a Hugging Face folder, a .gguf file, or a hub id.")
    ],
    task: Annotated[
        TaskName, typer.Option(help="scorer: a causal LM; classifier: a token classifier.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Bundle folder. Default: NAME-TASK in the cache."),
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="The model's licence, if the source does not say.")
    ] = None,
    revision: Annotated[str | None, typer.Option(help="Revision, for a hub id.")] = None,
    keep_label: Annotated[int, typer.Option(help="The classifier's label for 'keep'.")] = 1,
    keep_fp32: Annotated[
        bool, typer.Option("--keep-fp32", help="Put the fp32 graph into the bundle too.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the bundle that is there.")
    ] = False,
) -> None:
    """Convert, quantize to INT8, check against the original, and write a bundle.

    The bundle's folder is printed on stdout. A bundle that does not score like its original is
    refused, with the figures.
    """
    # torch takes seconds to import; --help and verify do without.
    from edgelingua_export.build import BuildOptions, build
    from edgelingua_export.sources import find

    found = find(source, licence, revision)
    folder = output or models.bundle_folder(f"{found.name}-{task.value}")
    build(found, task.value, folder, BuildOptions(keep_fp32, keep_label, replace), _report)
    print(folder)


@app.command("train")
def train_command(
    recipe: Annotated[
        Path, typer.Argument(help="A recipe, as models/edgelingua-mini/recipe.toml.")
    ],
    data: Annotated[Path, typer.Option("--data", help="The folder that holds the recipe's files.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for what comes out.")],
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run that the folder holds.")
    ] = False,
) -> None:
    """Train a token classifier: a model folder for ``build``, its log, curves and figures.

    The model's folder is printed on stdout.
    """
    from edgelingua_export.train.run import train

    print(train(recipe, data, output, resume, _report))


@app.command("verify")
def verify_command(
    folder: Annotated[Path, typer.Argument(help="A bundle.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Repeat the checks that need no torch: files, hashes, graphs, and parity on this machine."""
    results = parity.verify(folder)
    if as_json:
        print(json.dumps({name: result.figures for name, result in results.items()}))
    else:
        print(parity.table(results))
    parity.refuse_failures(folder, results)
