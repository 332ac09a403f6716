"""``edgelingua plan``: which reader, rate, cap and cache type meet a time and a memory."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from edgelingua.cli import quantities
from edgelingua.cli.options import AsJson, MaxTtft
from edgelingua.cli.output import print_json, say

if TYPE_CHECKING:
    from edgelingua.planner.plan import Candidate


def plan(
    context: Annotated[
        int, typer.Option(parser=quantities.tokens, metavar="N", help="Tokens of text: 16k.")
    ],
    max_ttft: MaxTtft = None,
    max_memory: Annotated[
        float | None,
        typer.Option(
            parser=quantities.megabytes, metavar="SIZE", help="Most memory of the process: 600MB."
        ),
    ] = None,
    max_tokens: Annotated[int, typer.Option(help="Longest answer.", min=1)] = 128,
    as_json: AsJson = False,
) -> None:
    """Choose a reader, a rate, a cap and a cache type that meet limits on this device, and say why.

    From what edgelingua bench measured. Exit code 1 where nothing meets them.
    """
    from edgelingua.planner.card import Card, this_machine
    from edgelingua.planner.plan import Limits
    from edgelingua.planner.plan import plan as choose

    card = Card.read()
    if card.machine != this_machine():
        say("warning: measured with another processor or thread count: edgelingua bench")
    made = choose(card, Limits(context, max_ttft, max_memory, max_tokens))
    chosen = made.chosen
    if as_json:
        refused = [{"what": each.name, "why": why} for each, why in made.refused]
        print_json({"chosen": chosen and asdict(chosen), "refused": refused})
    elif chosen:
        how = "read whole"
        if chosen.compressor:
            left = int(chosen.rate * context)
            by = chosen.compressor.bundle or chosen.compressor.method
            how = f"{chosen.rate:g}: {context:,} tokens become {left:,} by {by}"
        cache = chosen.cap * chosen.reader.cell_bytes[chosen.kind] / 1e6
        reading = chosen.seconds - chosen.compressing
        memory = "unknown" if chosen.megabytes is None else f"{chosen.megabytes:,.0f} MB"
        lines = {
            "reader": chosen.reader.name,
            "rate": how,
            "cap": f"{chosen.cap:,} cells in {chosen.kind}, {cache:,.0f} MB",
            "first token": f"after {chosen.seconds:.2f} s: compress {chosen.compressing:.2f} s, "
            f"read {reading:.2f} s",
            "memory": memory,
        }
        sys.stdout.write("".join(f"{what:12}{told}\n" for what, told in lines.items()))
    for what, why in _nearest(made.refused):
        say(f" not {what}: {why}")
    if chosen is None:
        say(" nothing meets these limits: a longer time, more memory, or another reader in bench")
        raise typer.Exit(1)


def _nearest(refused: Sequence[tuple[Candidate, str]]) -> list[tuple[str, str]]:
    """What came nearest for each reader and rate, and why it was not near enough."""
    nearest: dict[tuple[str, float], tuple[Candidate, str]] = {}
    for each, why in refused:
        key = each.reader.name, each.rate
        best = nearest.get(key)
        if best is None or _cost(each) < _cost(best[0]):
            nearest[key] = each, why
    return [(each.name, why) for each, why in nearest.values()]


def _cost(candidate: Candidate) -> tuple[float, float]:
    return candidate.seconds, candidate.megabytes or 0.0
