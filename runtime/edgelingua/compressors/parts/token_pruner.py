"""Token pruning: score the text, keep the best. What most methods share."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from edgelingua.budget import Budget
from edgelingua.bundle.floors import Floors
from edgelingua.compressed import Compressed, Reason
from edgelingua.compressors.parts import instructions, ordinary
from edgelingua.compressors.parts.document_rate import without_silent, without_worst
from edgelingua.compressors.parts.hops import follow
from edgelingua.compressors.parts.pruner import Pruner
from edgelingua.compressors.parts.second_pass import EachScorer, Reading, read_twice
from edgelingua.errors import FloorWarning, InputError, NoAnswerWarning
from edgelingua.models import registry
from edgelingua.prompt import Prompt
from edgelingua.scores import Progress, TokenScores
from edgelingua.selection.fit import Room, fit, room_for
from edgelingua.selection.settled import Unasked
from edgelingua.selection.sides import with_sides
from edgelingua.selection.units import Units, units_of
from edgelingua.system.caller import warn_caller
from edgelingua.text.echoes import without_echoes


@dataclass(frozen=True)
class TokenPruner(Pruner):
    """Keep the best-scored tokens of what may be compressed.

    Parameters
    ----------
    scorer
        Scores the text.
    threshold
        Drop what scores below this even when the budget has room for it; with ``Budget(rate=1)``
        the threshold alone decides. What it means depends on the scorer: P(keep) for `llmlingua2`,
        nats for `selective_context`.
    document_rate
        The fraction of the documents to keep at all: those whose units score best on average
        (context filter of LLMLingua-2, arXiv:2403.12968). ``None``: with a question that the scorer
        reads, those that have something to say for it, unless the whole text fits; then less than
        the budget may be kept.
    forced_documents
        Numbers of the documents that stay in any case. So do instructions, and those with a rate or
        floor of their own.
    longest_question
        Tokens of the longest question that the scorer reads beside a text; 0: it reads none. One
        that does (an `EachScorer`) scores each document for itself, as it was trained to; else they
        are one text.
    second_pass
        For questions whose answer is two steps away: score again with what was found put into the
        question, and take the larger of the two scores. ``None``: a few passages, where one of
        several documents may answer (`hops`), for less than half the time again; ``True``: all, in
        twice the time; ``False``: none.
    floors
        What ``Budget(floor=…)`` goes by; ``None``: such a budget is refused.
    rules, count_with, model
        See `Pruner`.
    """

    threshold: float | None = None
    document_rate: float | None = None
    forced_documents: tuple[int, ...] = ()
    longest_question: int = 0
    second_pass: bool | None = None
    floors: Floors | None = None

    def __post_init__(self) -> None:
        # Written so that NaN fails too.
        if self.document_rate is not None and not 0 < self.document_rate <= 1:
            raise InputError(
                f"document_rate {self.document_rate}: expected the fraction of documents kept, "
                "above 0 and at most 1"
            )
        if self.threshold is not None and math.isnan(self.threshold):
            raise InputError("the threshold is not a number")
        if self.second_pass and not self.longest_question:
            raise InputError(
                "a second pass is for llmlingua2 with a classifier that reads the question, like "
                "edgelingua-mini"
            )

    def compress(
        self, prompt: Prompt, budget: Budget, progress: Progress | None = None
    ) -> Compressed:
        """Compress ``prompt`` to at most ``budget``.

        Raises
        ------
        BudgetError
            The protected text alone exceeds the budget.
        """
        share = self._share(prompt, budget.floor) if isinstance(budget, Budget) else None
        room = room_for(prompt, budget if share is None else budget.without_floor(), self.count)
        prompt = room.prompt
        # A floor's calibration knows of no second pass.
        second_pass = self.second_pass if share is None else False
        scored = self.scored(prompt, progress, second_pass=second_pass)
        units = units_of(prompt, scored, self.rules).above(self.threshold)
        if self.longest_question and prompt.question:
            units = with_sides(prompt, units)
        if share is not None:
            units = self._above_floor(prompt, units, share)
        units = self._of_documents(prompt, units, room, calibrated=share is not None)
        apart = self._unasked(prompt, room.rate)
        compressed = fit(prompt, units, room, next(iter(scored.values())).unit, apart)
        compressed = replace(compressed, model=self.model)
        if share is not None:
            _warn_of_limit(compressed, units)
        return compressed

    def _unasked(self, prompt: Prompt, rate: float) -> dict[int, Unasked]:
        """Return instructions as if no question was asked; none where none is."""
        if not (self.longest_question and prompt.question):
            return {}
        scores = {at: self._alone(prompt, at) for at in instructions.numbers_of(prompt)}
        threshold = self.threshold
        return dict(
            instructions.unasked(prompt, scores, self.rules, threshold=threshold, rate=rate)
        )

    def _alone(self, prompt: Prompt, number: int) -> TokenScores:
        """Score a document as if there was nothing else."""
        alone = Prompt((prompt.layout.documents[number][1],))
        scores = self.scored(alone, None, second_pass=False)[0]
        return scores if self.model in registry.ENGLISH else ordinary.levelled(scores)

    def for_prompt(self, prompt: Prompt) -> TokenPruner:
        """Return who scores and compresses a prompt: this one, whatever its language."""
        return self

    def _share(self, prompt: Prompt, floor: float | None) -> float | None:
        """Share of the scores to keep for a floor; ``None``: there is none.

        Raises
        ------
        InputError, BudgetError
            A floor means nothing here, or is too high.
        """
        if floor is None:
            return None
        if self.floors is None or self.second_pass:
            raise InputError(
                "a floor is for llmlingua2 with a bundle that was calibrated, like edgelingua-mini,"
                " without a second pass; give tokens or a rate"
            )
        if not prompt.question:
            raise InputError("a floor is the chance that an answer survives: it needs a question")
        return self.floors.share(floor)

    def _above_floor(self, prompt: Prompt, units: Units, share: float) -> Units:
        """Refuse what the floor does not need, but nothing that it was not calibrated for."""
        others = self._uncalibrated(prompt, units)
        own = replace(units, refused=units.refused | others)
        self._warn_of_faint(own)
        needless = own.above(own.threshold_for(share)).refused & ~others
        return replace(units, refused=units.refused | needless)

    def _uncalibrated(self, prompt: Prompt, units: Units) -> NDArray[np.bool_]:
        """Return which units a floor was not calibrated for: ``(U,)``."""
        return instructions.units_within(prompt, units)

    def _warn_of_faint(self, units: Units) -> None:
        best = float(units.ranked[0]) if len(units.ranked) else 0.0
        if self.floors and best < self.floors.faint:
            warn_caller(
                f"no answer to the question seems to be in the text: its best word scores "
                f"{best:.2f}, and {self.floors.faint:.2f} or more in 19 of 20 texts that have one",
                NoAnswerWarning,
            )

    def scored(
        self,
        prompt: Prompt,
        progress: Progress | None,
        *,
        second_pass: bool | None,
        alone: bool | None = None,
    ) -> dict[int, TokenScores]:
        """Score the texts of a prompt, by their character offset; ranks hold across them.

        ``alone``: no document competes with another; ``None``: there is but one.
        """
        if not (self.longest_question and prompt.question):
            # One text, from the first character that may go to the last: what is kept in between is
            # context for the rest.
            start, end = prompt.layout.compressible
            return {start: self.scorer.score(prompt.text[start:end], prompt.question, progress)}
        documents = {offset: segment.text for offset, segment in prompt.layout.documents}
        if alone is None:
            alone = len(documents) < 2
        if not alone:
            # None speaks for itself with the words of the question.
            documents = {
                offset: without_echoes(text, prompt.question) for offset, text in documents.items()
            }
        scorer = cast("EachScorer", self.scorer)
        reading = Reading(scorer, documents, prompt.question, self.longest_question)
        if second_pass:
            return read_twice(reading, progress)
        first = reading.score_all(prompt.question, progress)
        if second_pass is False or len(documents) < 2:
            return first
        return follow(reading, first, progress)

    def _of_documents(self, prompt: Prompt, units: Units, room: Room, *, calibrated: bool) -> Units:
        """Refuse the documents of which nothing is to be kept."""
        forced = self._forced(prompt)
        if self.document_rate is not None:
            return without_worst(prompt, units, self.document_rate, forced)
        asked = self.longest_question and prompt.question
        if not asked or calibrated or room.limit >= room.tokens_in:
            return units
        return without_silent(prompt, units, forced)

    def _forced(self, prompt: Prompt) -> frozenset[int]:
        """Return the numbers of the documents that stay in any case, but for instructions."""
        return frozenset(self.forced_documents)


def _warn_of_limit(compressed: Compressed, units: Units) -> None:
    dropped = (compressed.reasons == Reason.DROPPED) & ~units.refused
    if dropped.any() and compressed.limit < compressed.tokens_in:
        warn_caller(
            f"{compressed.limit} tokens do not hold all that the floor asks for; the answer "
            "survives less often than that",
            FloorWarning,
        )
