"""Calls of tools: as OpenAI's clients have them, and as a model writes them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

OPENING, CLOSING = "<tool_call>", "</tool_call>"


@dataclass(frozen=True)
class Call:
    """A call of a tool: its name, and its ``arguments`` as JSON."""

    name: str
    arguments: str
    id: str = field(default_factory=lambda: "call_" + secrets.token_hex(12))

    @property
    def parsed(self) -> Any:
        """The arguments: an object, or their text where they are none."""
        try:
            return json.loads(self.arguments or "{}")
        except ValueError:
            return self.arguments

    @property
    def text(self) -> str:
        """The call as most models were taught to write it."""
        call = json.dumps({"name": self.name, "arguments": self.parsed}, ensure_ascii=False)
        return f"{OPENING}\n{call}\n{CLOSING}"

    @property
    def value(self) -> dict[str, Any]:
        """The call as OpenAI's clients have it."""
        function = {"name": self.name, "arguments": self.arguments}
        return {"id": self.id, "type": "function", "function": function}

    @property
    def for_template(self) -> dict[str, Any]:
        """The call as chat templates want it: its arguments are an object."""
        function = {"name": self.name, "arguments": self.parsed}
        return {"id": self.id, "type": "function", "function": function}


class Listener:
    """Passes a text on as it is written, and takes the calls in it out.

    Parameters
    ----------
    names
        Those of the tools there are; what calls another stays text.
    tags
        Whether calls stand between `OPENING` and `CLOSING`; else an answer is calls, as JSON, or
        none.
    most
        Most calls that are taken; what follows them is left out.
    """

    def __init__(self, names: Collection[str], *, tags: bool, most: int) -> None:
        self._names = names
        self._tags = tags
        self._most = most
        self._held = ""
        self._calls = 0
        self._begun = False

    def feed(self, piece: str) -> tuple[str, list[Call]]:
        """Return what can be passed on after a piece more, and the calls that are complete."""
        self._held += piece
        if not self._tags:
            return self._bare()
        passed, calls = "", []
        while (start := self._held.find(OPENING)) >= 0:
            end = self._held.find(CLOSING, start)
            if end < 0:
                break
            written = self._held[start : end + len(CLOSING)]
            found = self._read(written.removeprefix(OPENING).removesuffix(CLOSING))
            passed += self._text(self._held[:start], before_call=bool(found))
            passed += "" if found else self._text(written)
            calls += found
            self._held = self._held[end + len(CLOSING) :]
        at = start if start >= 0 else len(self._held) - _overlap(self._held)
        # White space waits: before a call, and between two, it is none of the answer's.
        at = len(self._held[:at].rstrip())
        passed += self._text(self._held[:at])
        self._held = self._held[at:]
        return passed, calls

    def rest(self) -> tuple[str, list[Call]]:
        """Return what still waits, when no more comes."""
        held, self._held = self._held, ""
        found = self._read(held.strip().removeprefix(OPENING).removesuffix(CLOSING))
        return ("", found) if found else (self._text(held), [])

    def _bare(self) -> tuple[str, list[Call]]:
        held = self._held.lstrip()
        if not self._begun and (not held or held[0] in "{["):
            return "", []  # may be a call until its end
        self._begun = True
        passed, self._held = self._held, ""
        return passed, []

    def _text(self, text: str, *, before_call: bool = False) -> str:
        if before_call:
            text = text.rstrip()
        return "" if self._calls and not text.strip() else text

    def _read(self, text: str) -> list[Call]:
        """Return the calls that a text consists of; none if it is none of them."""
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return []
        calls = [self._call(one) for one in (found if isinstance(found, list) else [found])]
        if None in calls:
            return []
        taken = [call for call in calls if call][: self._most - self._calls]
        self._calls += len(taken)
        return taken

    def _call(self, value: Any) -> Call | None:
        if not isinstance(value, dict) or value.get("name") not in self._names:
            return None
        arguments = value.get("arguments", value.get("parameters", {}))
        if not isinstance(arguments, dict | str):
            return None
        if isinstance(arguments, dict):
            arguments = json.dumps(arguments, ensure_ascii=False)
        # A model may write halves of surrogate pairs, which no reply can hold.
        return Call(value["name"], arguments.encode(errors="replace").decode())


def _overlap(text: str) -> int:
    """Characters at the end of a text that may begin a call."""
    for size in range(min(len(text), len(OPENING) - 1), 0, -1):
        if text.endswith(OPENING[:size]):
            return size
    return 0
