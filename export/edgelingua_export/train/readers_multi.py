"""Reader of question answering in many languages: one JSON object a line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from edgelingua.text.boundaries import sentences
from edgelingua_export.train.labels import Example, Mark, rows
from edgelingua_export.train.readers_qa import ANSWER, EVIDENCE, hash_text

REACH = 150
"""Of a sentence longer than this and an answer, so many characters around the answer are evidence:
Thai has no full stop, and a row of a table may have no end."""


def questions(path: Path) -> Iterator[Example]:
    """Rows ``{lang, question, context, answers: [{text, start}]}``; no answers: nothing to keep.

    ``title`` stands before the context. ``qlang`` is the language of the question where it is
    another than that of the context, ``question_pivot`` the question in that of the context: what
    texts are near is then looked for with that, or with the evidence.
    """
    for number, row in enumerate(rows(path)):
        text, places = passage(row)
        marks = tuple(_marks(text, places))
        near = ""
        if row.get("qlang", row["lang"]) != row["lang"]:
            near = row.get("question_pivot") or " ".join(
                text[m.start : m.end] for m in marks if m.label == EVIDENCE
            )
        answer = row["answers"][0]["text"] if row["answers"] else ""
        group = f"{path.name}:{number}:{hash_text(row['context'])}"
        yield Example(
            text, marks, row["question"], group, "questions",
            answer=answer, near=near, name=str(row["id"]),
        )  # fmt: skip


def passage(row: Mapping[str, Any]) -> tuple[str, list[tuple[int, int]]]:
    """Return a row's title and context as one text, and where in it the answers stand."""
    context: str = row["context"]
    title = (row.get("title") or "").replace("_", " ").strip()
    places = [(a["start"], a["start"] + len(a["text"])) for a in row["answers"]]
    if context.startswith(title + _JOINT):
        edge, shift = len(title), 1 - len(_JOINT)
        moved = [(a + shift, b + shift) if a > edge else (a, b) for a, b in places]
        return f"{title}\n{context[edge + len(_JOINT) :]}", moved
    if title and not context.startswith(title) and not re.fullmatch(r"\w+ ?\d+", title):
        shift = len(title) + 1
        return f"{title}\n{context}", [(a + shift, b + shift) for a, b in places]
    return context, places


_JOINT = " [SEP] "
"""Between title and context of JSQuAD's rows."""


def _marks(text: str, places: list[tuple[int, int]]) -> Iterator[Mark]:
    for start, end in sentences(text).tolist():
        inside = [(a, b) for a, b in places if start < b and a < end]
        if not inside:
            continue
        first, last = start, end
        if end - start > 2 * REACH:
            first = max(start, min(a for a, _ in inside) - REACH)
            last = min(end, max(b for _, b in inside) + REACH)
            first, last = _around(text, first, last)
        yield Mark(first, last, EVIDENCE)
    for start, end in places:
        yield Mark(start, end, ANSWER)


def _around(text: str, start: int, end: int) -> tuple[int, int]:
    """Move both ends outwards to the next blank, a few characters at most."""
    before, after = text.rfind(" ", max(0, start - 30), start), text.find(" ", end, end + 30)
    return (before + 1 if before >= 0 else start), (after if after >= 0 else end)
