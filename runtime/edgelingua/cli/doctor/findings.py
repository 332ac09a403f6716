"""What `doctor` finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PREFIX = "edgelingua finding: "
"""Before a finding in JSON on a line, which is how one process tells another."""

State = Literal["ok", "note", "fault"]


@dataclass(frozen=True)
class Finding:
    """What was looked at and what was found.

    ``fault``: something does not work. ``note``: something is not there that need not be.
    ``advice``: what to do about either.
    """

    check: str
    value: str
    state: State = "ok"
    advice: str = ""
