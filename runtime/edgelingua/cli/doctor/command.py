"""The command ``edgelingua doctor``, which starts where the other commands cannot.

They import onnxruntime and all that is built on it; this must say so when that is what is broken.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from edgelingua.cli.console import printable

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def options() -> None:
    """Have ``doctor`` named on the command line, as beside other commands."""


@app.command()
def doctor(
    reader: Annotated[
        str | None,
        typer.Option(help="The model that answers, as for run; default: the usual one, if here."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Look at this machine, try a compression and an answer; say what to do about faults."""
    from edgelingua.cli.doctor.examination import examine

    found = []
    for finding in examine(reader):
        found.append(finding)
        if not as_json:
            line = f"{finding.state:6}{finding.check}: {finding.value}"
            line += f" -> {finding.advice}" if finding.advice else ""
            sys.stdout.write(printable(" ".join(line.splitlines())) + "\n")
            sys.stdout.flush()
    faults = sum(finding.state == "fault" for finding in found)
    if as_json:
        report = {"faults": faults, "checks": [asdict(finding) for finding in found]}
        sys.stdout.write(json.dumps(report, ensure_ascii=False) + "\n")
    if faults:
        raise typer.Exit(1)
