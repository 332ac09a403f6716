"""What the events of an endpoint say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Heard:
    """What else an endpoint has said: why the answer ended, thoughts, what it used.

    ``log_probabilities``: of the answer's tokens, where it tells them.
    """

    ended: str = ""
    thought: bool = False
    usage: dict[str, Any] = field(default_factory=dict)
    log_probabilities: list[float] = field(default_factory=list)

    def piece(self, event: dict[str, Any]) -> str:
        """Return the piece of the answer in an event, often none."""
        if isinstance(event.get("usage"), dict):
            self.usage = event["usage"]
        choices = event.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict):
            return ""
        self.ended = str(choice.get("finish_reason") or self.ended)
        self.log_probabilities += _likely(choice.get("logprobs"))
        said = choice.get("delta") or choice.get("message")
        if not isinstance(said, dict):
            return ""
        self.thought |= bool(said.get("reasoning_content") or said.get("reasoning"))
        piece = said.get("content")
        return piece if isinstance(piece, str) else ""


def _likely(told: object) -> list[float]:
    """Return the log-probabilities in what is told of tokens; what is none is left out."""
    entries = told.get("content") if isinstance(told, dict) else None
    if not isinstance(entries, list):
        return []
    found = [entry.get("logprob") for entry in entries if isinstance(entry, dict)]
    return [
        float(each)
        for each in found
        if isinstance(each, int | float) and not isinstance(each, bool) and each <= 0
    ]


def whole(value: object) -> int | None:
    """Return a number of tokens that an endpoint tells; ``None`` if it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
