"""A talk that is too long, compressed as a plan says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edgelingua.compressors import Compressor
from edgelingua.integrations.server.excerpts import excerpts, labels
from edgelingua.integrations.server.laid import Change, Ranges
from edgelingua.integrations.server.lookup import lookup
from edgelingua.integrations.server.plan import Plan
from edgelingua.integrations.server.pressing import press
from edgelingua.integrations.server.question import Asked
from edgelingua.integrations.server.shown import Shown
from edgelingua.integrations.server.tool_form import flat
from edgelingua.llama.model import LlamaModel
from edgelingua.prompt import SEPARATOR
from edgelingua.scores import Progress

MOST_SCORED = 16_384
"""Tokens that a compressor reads, so that long talks take no longer to compress for ever."""


@dataclass(frozen=True)
class Fitting:
    """Compresses for a reader."""

    reader: LlamaModel
    compressor: Compressor

    def fit(
        self, planned: Plan, tokens: int, pins: Sequence[str], progress: Progress | None
    ) -> Shown:
        """Compress what a plan says to ``tokens``.

        Raises
        ------
        BudgetError
            What is pinned exceeds them.
        """
        count, question = self.reader.count, planned.question
        cut = [flat(message) for message in (*planned.old, *planned.long)]
        names = min(labels(planned.old, count), tokens // 4) if planned.old else 0
        *texts, document = self.pressed(
            [*(message.content for message in cut), question.document],
            question.question,
            tokens - names,
            pins,
            progress,
        )
        old, inside = texts[: len(planned.old)], texts[len(planned.old) :]
        room = tokens - count("".join([*inside, document]))
        before, old = excerpts(planned.old, old, room, pins, count)
        content, stays = asking(question, before, document)
        contents = dict(zip((m.number for m in cut), [*old, *inside], strict=True))
        said = (
            *planned.recent,
            replace(planned.asked, content=content),
            *(
                replace(m, content=contents[m.number], calls=()) if m.number in contents else m
                for m in planned.last
            ),
        )
        changes = [Change(m.number, count(m.content), count(contents[m.number])) for m in cut]
        if question.document:
            asked, _ = asking(question, "", document)
            number = planned.asked.number
            changes.append(Change(number, count(planned.asked.content), count(asked)))
        changes = [change for change in changes if change.after != change.before]
        changes.sort(key=lambda change: change.message)
        return Shown(said, {planned.asked.number: stays}, tuple(changes))

    def pressed(
        self,
        texts: Sequence[str],
        question: str,
        tokens: int,
        pins: Sequence[str],
        progress: Progress | None,
    ) -> list[str]:
        """Return what is left of texts within ``tokens`` for all; see `pressing.press`.

        Of very long ones, the compressor reads what has to do with the question, or is recent.
        """
        count = self.reader.count
        if sum(map(len, texts)) > 2 * MOST_SCORED and sum(map(count, texts)) > MOST_SCORED:
            texts = lookup(texts, question, MOST_SCORED, count=count, pins=pins, fill=True)
        return press(
            self.compressor, texts, question, tokens, count=count, pins=pins, progress=progress
        )


def asking(question: Asked, before: str, document: str) -> tuple[str, Ranges]:
    """Return the message that asks, and what of it must stay.

    Parameters
    ----------
    question
        What is asked.
    before
        Excerpts of what was said before, or nothing.
    document
        What is left of its document.
    """
    opening = before + SEPARATOR * bool(before)
    closing = SEPARATOR * bool(document and question.after) + question.after
    content = opening + question.before + document + closing
    stays = [
        (len(opening), len(opening) + len(question.before)),
        (len(content) - len(question.after), len(content)),
    ]
    return content, stays
