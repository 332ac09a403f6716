"""One selection over documents that several models score, and some that none can."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgelingua.budget import Budget
from edgelingua.compressed import Compressed
from edgelingua.compressors.parts import ordinary, unread
from edgelingua.compressors.parts.token_pruner import TokenPruner
from edgelingua.prompt import Prompt, Segment
from edgelingua.scores import Progress, TokenScores, part_of
from edgelingua.selection.units import Units
from edgelingua.text.echoes import without_echoes, without_strewn


@dataclass(frozen=True)
class MixedPruner(TokenPruner):
    """Documents go to the models that know their language; what is kept is chosen once, of all.

    A model scores its documents as if the others were not there. With a question, P(keep) of both
    means the same, but for what is hardly worth keeping; without, that of other languages is
    brought to the level of English (`ordinary`). What no model can read gets scores by which its
    sentences stay beside the rest (`unread`).

    Parameters
    ----------
    parts
        Who scores which documents: their numbers.
    uncalibrated
        Numbers of the documents that a floor leaves whole, as ``floors`` are for others.
    scorer, threshold, document_rate, forced_documents, longest_question, second_pass, floors
        See `TokenPruner`.
    rules, count_with, model
        See `Pruner`; ``model`` is that of English.
    """

    parts: tuple[tuple[TokenPruner, frozenset[int]], ...] = ()
    uncalibrated: frozenset[int] = frozenset()

    def compress(
        self, prompt: Prompt, budget: Budget, progress: Progress | None = None
    ) -> Compressed:
        """Compress ``prompt`` to at most ``budget``; errors as `TokenPruner`'s."""
        numbers = self._unread(prompt)
        solid = unread.with_whole_sentences(prompt, numbers) if numbers else prompt
        compressed = super().compress(solid, budget, progress)
        models = [pruner.model for pruner, _ in self.parts]
        models += [unread.method(prompt.question)] if numbers else []
        return replace(compressed, model=" + ".join(models))

    def scored(
        self,
        prompt: Prompt,
        progress: Progress | None,
        *,
        second_pass: bool | None,
        alone: bool | None = None,
    ) -> dict[int, TokenScores]:
        """Score each document by who knows its language; see `TokenPruner.scored`."""
        result: dict[int, TokenScores] = {}
        if alone is None:
            alone = len(prompt.layout.documents) < 2
        texts = {offset: segment.text for offset, segment in prompt.layout.documents}
        for at, (pruner, numbers) in enumerate(self.parts):
            own = pruner.model == self.model
            part, offsets = _only(prompt, numbers, strewn=own)
            told = part_of(progress, at, len(self.parts))
            scored = pruner.scored(part, told, second_pass=second_pass, alone=alone)
            for offset, scores in _moved(part, scored, offsets).items():
                text = texts.get(offset, "")
                result[offset] = scores if own else _level(scores, text, prompt.question)
        return result | unread.scored(prompt, self._unread(prompt), result)

    def _alone(self, prompt: Prompt, number: int) -> TokenScores:
        for pruner, numbers in self.parts:
            if number in numbers:
                return pruner._alone(prompt, number)
        alone = Prompt((prompt.layout.documents[number][1],))
        return unread.scored(alone, [0], {})[0]

    def _unread(self, prompt: Prompt) -> list[int]:
        read = frozenset[int]().union(*(numbers for _, numbers in self.parts))
        return [at for at in range(len(prompt.layout.documents)) if at not in read]

    def _forced(self, prompt: Prompt) -> frozenset[int]:
        return super()._forced(prompt) | set(self._unread(prompt))

    def _uncalibrated(self, prompt: Prompt, units: Units) -> NDArray[np.bool_]:
        found = super()._uncalibrated(prompt, units)
        for number, (offset, segment) in enumerate(prompt.layout.documents):
            if number in self.uncalibrated:
                found[units.part(offset, segment.text)] = True
        return found


def _level(scores: TokenScores, text: str, question: str) -> TokenScores:
    """Bring the scores of a text in another language to the level of English."""
    if not question:
        return ordinary.levelled(scores)
    return ordinary.doubted(scores, echoing=without_echoes(text, question) != text)


def _only(prompt: Prompt, numbers: Iterable[int], *, strewn: bool) -> tuple[Prompt, list[int]]:
    """Return a prompt of some documents alone, and where its segments stand in the whole one.

    Each of the others goes with the separator before it, the first with that behind it.
    ``strewn``: words of the question may stand in sentences of another script.
    """
    numbers = set(numbers)
    offsets = {offset for at, (offset, _) in enumerate(prompt.layout.documents) if at in numbers}
    documents = {offset for offset, _ in prompt.layout.documents}
    kept: list[tuple[int, Segment]] = []
    gone = False  # the last document, with no separator before it
    for offset, segment in prompt.layout.segments:
        if offset in documents and offset not in offsets and segment.text.strip():
            if kept and kept[-1][1].role == "separator":
                kept.pop()
            else:
                gone = True
        elif not (gone and segment.role == "separator"):
            kept.append((offset, segment))
            gone = False
        else:
            gone = False
    segments = [segment for _, segment in kept]
    if prompt.question and not strewn:
        segments = [
            replace(s, text=without_strewn(s.text, prompt.question)) if s.compressible else s
            for s in segments
        ]
    return Prompt(tuple(segments)), [offset for offset, _ in kept]


def _moved(
    prompt: Prompt, scored: dict[int, TokenScores], offsets: list[int]
) -> dict[int, TokenScores]:
    """Scores of a prompt, segment by segment, where its segments stand at other offsets."""
    found = {}
    for offset, scores in scored.items():
        begins = scores.spans[:, 0] + offset
        for (start, segment), place in zip(prompt.layout.segments, offsets, strict=True):
            a, b = np.searchsorted(begins, [start, start + len(segment.text)]).tolist()
            if a < b or (segment.compressible and place not in found):
                found[place] = replace(
                    scores,
                    spans=scores.spans[a:b] + (offset - start),
                    scores=scores.scores[a:b],
                    starts=scores.starts[a:b],
                )
    return found
