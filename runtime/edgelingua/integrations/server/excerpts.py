"""What is left of old messages, as a text that stands before a question."""

from __future__ import annotations

from collections.abc import Sequence

from edgelingua.budget import Count
from edgelingua.integrations.server.messages import Message

HEADING = "Excerpts of what was said before:\n"


def labels(messages: Sequence[Message], count: Count) -> int:
    """Return the tokens of a heading and of the names of all who said something."""
    return count(HEADING + "".join(f"{message.role}: \n" for message in messages))


def excerpts(
    messages: Sequence[Message], left: Sequence[str], room: int, pins: Sequence[str], count: Count
) -> tuple[str, list[str]]:
    """Write excerpts, each with the name of its role, within ``room`` tokens.

    Parameters
    ----------
    messages, left
        The old messages, and what is left of each, which may be nothing.
    room
        Most tokens. The oldest excerpts give way, but for those with a pin.
    pins
        What must survive.
    count
        Counts tokens.

    Returns
    -------
    The text, empty if nothing is left; and what of each message is in it.
    """
    lines = [
        f"{message.role}: {text}\n" if text else ""
        for message, text in zip(messages, left, strict=True)
    ]
    over = count(HEADING + "".join(lines)) - room
    for at, line in enumerate(lines):
        if over <= 0:
            break
        if line and not any(pin in line for pin in pins):
            over -= count(line)
            lines[at] = ""
    kept = [text if line else "" for text, line in zip(left, lines, strict=True)]
    return (HEADING + "".join(lines) if any(lines) else ""), kept
