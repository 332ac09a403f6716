"""In how many ways a value can begin that fits a schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgelingua.errors import InputError

MOST = 1000


class Ways:
    """Counts the alternatives in one place, all of which llama.cpp follows, one by one.

    Parameters
    ----------
    definitions
        Those of the schema, by their names; ``$ref`` ends with one.
    """

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions
        self._known: dict[str, int] = {}

    def check(self, part: Mapping[str, Any]) -> None:
        """Look at a schema and those inside it.

        Raises
        ------
        InputError
            There are too many alternatives in one place, or one comes back to itself.
        """
        if self._of(part) > MOST:
            raise InputError(f"the schema has more than {MOST} alternatives in one place")
        for one in part.get("anyOf", ()):
            self.check(one)
        for one in part.get("properties", {}).values():
            self.check(one)
        for name in ("items", "additionalProperties"):
            if isinstance(one := part.get(name), dict):
                self.check(one)

    def _of(self, part: Mapping[str, Any]) -> int:
        if "anyOf" in part:
            return sum(self._of(one) for one in part["anyOf"])
        if "$ref" not in part:
            return len(part.get("enum", "1"))
        name = part["$ref"].rpartition("/")[2]
        if name not in self._known:
            self._known[name] = MOST + 1  # if it comes back to itself with nothing between
            self._known[name] = self._of(self._definitions[name])
        return self._known[name]
