"""Tables of three looks: separated by commas, in Markdown, in columns of blanks."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from benchmarks.faithfulness.cases import Case
from benchmarks.faithfulness.vocabulary import PEOPLE, PLACES, SERVICES, hexadecimal, some


def _stations(random: Random) -> tuple[list[list[str]], int]:
    """Make rows of stations with a head; one is closed: which."""
    places = some(random, PLACES, random.randint(26, 40))
    odd = random.randrange(len(places))
    rows = [["Station", "Opened", "Output_MWh", "Operator", "Status"]]
    for at, place in enumerate(places):
        status = f"closed-{random.randint(2028, 2030)}" if at == odd else "running"
        output = f"{random.randint(100, 9999)}"
        rows.append([place, str(random.randint(1900, 2020)), output, random.choice(PEOPLE), status])
    return rows, odd + 1


def _asked(random: Random, rows: Sequence[Sequence[str]], odd: int) -> tuple[str, Any, Any]:
    """Ask for the one that is closed, or for a cell; what matters without a question, too."""
    row = random.choice(rows[1:])
    question, needed = random.choice(
        [
            ("Which station is closed?", (rows[odd][0], rows[odd][4])),
            (f"How many MWh does {row[0]} put out?", (row[0], row[2], "Output_MWh")),
        ]
    )
    return question, needed, (rows[odd][0], rows[odd][4], "Status")


def csv(random: Random) -> Case:
    """Stations, separated by commas, semicolons or tabs."""
    rows, odd = _stations(random)
    comma = random.choice(",,;\t")
    return Case("csv", "".join(comma.join(r) + "\n" for r in rows), *_asked(random, rows, odd))


def markdown(random: Random) -> Case:
    """Stations in a Markdown table between two paragraphs."""
    rows, odd = _stations(random)
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, "|" + " --- |" * len(rows[0]))
    text = "# Stations\n\nThe table lists what was asked for in the last meeting of the board.\n\n"
    text += "\n".join(lines) + "\n\nFigures are those of last year, as each operator sent them.\n"
    return Case("markdown", text, *_asked(random, rows, odd))


def aligned(random: Random) -> Case:
    """Stations in columns of blanks, or as psql shows them."""
    rows, odd = _stations(random)
    lines = _columns(rows, random.choice(["   ", "   ", " | "]))
    if "|" in lines[0]:
        lines.insert(1, "-+-".join("-" * len(cell) for cell in lines[0].split(" | ")))
    return Case("aligned", "\n".join(lines) + "\n", *_asked(random, rows, odd))


def pods(random: Random) -> Case:
    """What ``kubectl get pods`` lists: one of them does not start."""
    names = [f"{name}-{hexadecimal(random, 9)}" for name in some(random, SERVICES, 18)]
    odd, status = random.randrange(18), random.choice(["CrashLoopBackOff", "ImagePullBackOff"])
    rows = [["NAME", "READY", "STATUS", "RESTARTS", "AGE"]]
    for at, name in enumerate(names):
        state = ["0/1", status] if at == odd else ["1/1", "Running"]
        restarts = random.randint(9, 99) if at == odd else random.randint(0, 2)
        rows.append([name, *state, str(restarts), f"{random.randint(1, 90)}d"])
    facts = (names[odd], status)
    text = "\n".join(_columns(rows, "   ")) + "\n"
    return Case("pods", text, "Which pod does not start?", facts, (*facts, "STATUS"))


def _columns(rows: Sequence[Sequence[str]], between: str) -> list[str]:
    """Put cells below each other."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return [
        between.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
