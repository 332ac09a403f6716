"""A JSON object on its way through a compressor: which strings go in, and how they come back.

The strings go through as they read, not as they are written in JSON, and come back into a copy of
the object: no escape can break, and no comma inside a string is mistaken for syntax.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from edgelingua.compat.methods.json_config import Entry
from edgelingua.prompt import SEPARATOR, Prompt, Segment

_Path = tuple[str | int, ...]


def dump(value: Any) -> str:
    """Write a value as JSON, as it is counted."""
    return json.dumps(value, ensure_ascii=False)


def strings(value: Any, path: _Path = ()) -> Iterator[tuple[_Path, str]]:
    """Yield the strings of a value that are not blank, with the keys that lead to them."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from strings(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from strings(inner, (*path, index))
    elif isinstance(value, str) and value.strip():
        yield path, value


@dataclass
class Plan:
    """An object as segments.

    ``places``: the keys that lead to each string that is compressed, and the number of its segment.
    """

    data: dict[str, Any]
    entries: Mapping[str, Entry]
    segments: list[Segment] = field(default_factory=list)
    places: dict[_Path, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number, (key, value) in enumerate(self.data.items()):
            # A line for each: no sentence goes on from one pair to the next.
            self._fix((",\n" if number else "{") + dump(key) + ": ")
            self._write(value, (key,), self.entries[key])
        self._fix("}")

    def prompt(self, question: str) -> Prompt:
        """Return the prompt; the question guides and is not part of the object."""
        asked = [Segment(SEPARATOR, "instruction"), Segment(question, "question")]
        return Prompt((*self.segments, *(asked if question else ())))

    def result(self, texts: Sequence[str]) -> dict[str, Any]:
        """Return the object with its strings compressed; ``texts``: one for each segment."""
        data = copy.deepcopy(self.data)
        for path, segment in self.places.items():
            target: Any = data
            for key in path[:-1]:
                target = target[key]
            kept = texts[segment]
            target[path[-1]] = kept if kept == target[path[-1]] else kept.strip()
        return data

    def _fix(self, text: str) -> None:
        if self.segments and self.segments[-1].role == "instruction":
            text = self.segments.pop().text + text
        self.segments.append(Segment(text, "instruction"))

    def _write(self, value: Any, path: _Path, entry: Entry) -> None:
        if isinstance(value, Mapping):
            for number, (key, inner) in enumerate(value.items()):
                self._fix((", " if number else "{") + dump(key) + ": ")
                self._write(inner, (*path, key), entry)
            self._fix("}" if value else "{}")
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                self._fix(", " if index else "[")
                self._write(inner, (*path, index), entry)
            self._fix("]" if value else "[]")
        elif isinstance(value, str) and entry.compress and value.strip():
            self._fix('"')
            self.places[path] = len(self.segments)
            self.segments.append(Segment(value, "context", rate=entry.rate))
            self._fix('"')
        else:
            self._fix(dump(value))
