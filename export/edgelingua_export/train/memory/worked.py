"""Worked examples as documents: how some prompts were answered, and another prompt to answer.

So are instructions made short (gist tokens, Mu et al. 2023, arXiv:2304.08467): what is asked shows
whether the reader has understood what the examples have in common.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from edgelingua_export.train.labels import Example, Mark, rows
from edgelingua_export.train.readers_qa import EVIDENCE

_SHOWN, _ASKED = 4, 4
"""Examples of a document, and prompts that are asked of it."""
_LONGEST, _SAID = 500, 60
"""Characters of a prompt, and of its answer."""


def worked(path: Path) -> Iterator[Example]:
    """Rows ``{template, prompt, completion}``: those of a template have something in common."""
    by_template: dict[str, list[tuple[str, str]]] = {}
    for row in rows(path):
        pair = (row["prompt"].strip(), row["completion"].strip())
        by_template.setdefault(row["template"], []).append(pair)
    for template, pairs in by_template.items():
        yield from lessons(template, pairs)


def lessons(name: str, pairs: Sequence[tuple[str, str]]) -> Iterator[Example]:
    """Yield documents of four prompts with their answers, and the next four to be asked of each.

    Long prompts and answers, and empty ones, are left out.
    """
    short = [(p, s) for p, s in pairs if len(p) <= _LONGEST and 0 < len(s) <= _SAID]
    for start in range(0, len(short) - _SHOWN, _SHOWN + _ASKED):
        text = "\n\n".join(f"{p}\n{s}" for p, s in short[start : start + _SHOWN])
        marks = (Mark(0, len(text), EVIDENCE),)
        asked = short[start + _SHOWN : start + _SHOWN + _ASKED]
        for number, (prompt, said) in enumerate(asked):
            yield Example(text, marks, prompt, f"{name}:{start}:{number}", "worked", answer=said)
