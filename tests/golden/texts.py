"""The goldens' texts, by short names: ``grant:100:900``, ``sample:thai``, ``log:40`` …"""

from __future__ import annotations

import json
import random

from tests.conftest import DOCUMENT, TEXTS

_CODE = '''\
class Ring:
    """A buffer that forgets: 16 slots, then the oldest goes."""

    def __init__(self, size: int = 16) -> None:
        self.items: list[str | None] = [None] * size
        self.at = 0

    def push(self, item: str) -> None:
        self.items[self.at % len(self.items)] = item  # overwrite, don't grow
        self.at += 1


if __name__ == "__main__":
    ring = Ring(4)
    for word in "a,b;c|d e_f g-h".split():
        ring.push(word.upper() + "!?" * 2)
    print(ring.items, 0x1F, 1e-9, 3.14 ** 2, {"k": [1, 2, 3]})
'''
_DIALOGUE = (
    "Ann: Did the 3 trains leave at 9:45?\nBob: No... they left at 10:05!\n"
    "Ann: Why?!\nBob: Snow. Snow, snow and more snow.\n\nAnn: OK. OK. OK.\n"
)
_TABLE = (
    "| item | price | n |\n|---|---|---|\n| tea | $3.50 | 12 |\n| milk & honey | £1,099 | 7 |\n"
)


def text(name: str) -> str:
    """Return the text that ``name`` stands for."""
    kind, _, rest = name.partition(":")
    if kind == "grant":
        start, end = map(int, rest.split(":"))
        return DOCUMENT.read_text(encoding="utf-8")[start:end]
    if kind == "sample":
        return TEXTS[rest]
    if kind == "joined":
        return "\n".join(TEXTS[name] for name in rest.split("+"))
    if kind == "raw":
        return rest
    return {"log": _log, "words": _words, "json": _json, "code": _code, "dialogue": _dialogue,
            "table": _table, "special": _special}[kind](int(rest))  # fmt: skip


def _log(lines: int) -> str:
    return "".join(
        f"2026-11-21T21:{i % 60:02d}:07Z {('INFO', 'WARN', 'ERROR')[i % 3]} [w-{i * 7 % 5}] "
        f"GET /v1/items/{i * 37}?q=a%20b took {i * 13 % 97}ms status={200 + i % 4}\n"
        for i in range(lines)
    )


def _words(count: int) -> str:
    """Words without a full stop: a chunk that cannot end well."""
    vocabulary = DOCUMENT.read_text(encoding="utf-8").replace(".", "").split()
    return " ".join(random.Random(5).choices(vocabulary, k=count))


def _json(entries: int) -> str:
    return json.dumps(
        [{"id": i, "name": f"item-{i * 3}", "ok": i % 2 == 0, "price": i * 1.25,
          "note": "He said \"no\"."} for i in range(entries)],
        indent=1,
    )  # fmt: skip


def _code(times: int) -> str:
    return _CODE * times


def _dialogue(times: int) -> str:
    return _DIALOGUE * times


def _table(times: int) -> str:
    return _TABLE * times


def _special(times: int) -> str:
    """Runs of what has the id 13 in SmolLM2's vocabulary, where Llama 2 has a line break."""
    mark = "<jupyter_code>"
    return f"First, a thing said.{mark}Then another{mark}{mark}and {mark} more. {mark * 3}" * times
