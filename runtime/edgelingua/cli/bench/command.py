"""The command ``edgelingua bench``."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from edgelingua.cli.console import printable
from edgelingua.cli.output import print_json, say


def bench(
    reader: Annotated[
        list[str] | None,
        typer.Option(help="A reader to measure, as for run; may be repeated. Default: the usual."),
    ] = None,
    seconds: Annotated[float, typer.Option(help="Time for all of it.", min=10, max=3600)] = 150.0,
    share: Annotated[
        bool, typer.Option("--share", help="Print a block to paste into an issue.")
    ] = False,
    shown: Annotated[
        bool, typer.Option("--show", help="Print what was measured last; measure nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure what compressing and reading cost on this device, and from when compressing pays.

    Takes less than three minutes; best when nothing else runs. Kept as a card in the cache folder,
    for edgelingua plan and for --rate auto. Only the default reader is fetched.
    """
    from edgelingua.cli.bench.measuring import Measuring, readers_here
    from edgelingua.errors import InputError
    from edgelingua.files.atomic import PUBLIC, write_atomically
    from edgelingua.planner.card import Card
    from edgelingua.planner.tables import heading, tables

    if shown:
        card = Card.read()
    else:
        measuring = Measuring(readers_here(reader or ()), seconds, lambda what: say(f" {what} …"))
        card = measuring.card()
        for why in measuring.skipped:
            say(f"warning: not measured: {why}")
        with contextlib.suppress(InputError):  # there is none yet, or none that can be read
            card = card.merged(Card.read())
        place = card.write()
        with write_atomically(place.with_suffix(".md"), PUBLIC) as file:
            file.write(f"{heading(card)}\n\n{tables(card)}".encode())
        say(f" kept in {place}, tables beside it")
    if as_json:
        print_json(asdict(card))
        return
    text = f"{heading(card)}\n\n{tables(card)}"
    if share:
        values = json.dumps(asdict(card), ensure_ascii=False)
        text = f"### edgelingua bench\n\n{text}\n<details><summary>JSON</summary>\n\n"
        text += f"```json\n{values}\n```\n\n</details>\n"
    sys.stdout.write(printable(text))
