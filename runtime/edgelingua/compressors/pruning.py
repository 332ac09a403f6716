"""Token pruning: score the text, keep the best. What most methods share."""

from __future__ import annotations

from dataclasses import dataclass

from edgelingua.budget import Budget, Count
from edgelingua.compressed import Compressed
from edgelingua.compressors.selection import fit, room_for, units_of
from edgelingua.prompt import Prompt
from edgelingua.scores import Progress, Scorer


@dataclass(frozen=True)
class TokenPruner:
    """Keep the best-scored tokens of what may be compressed.

    Parameters
    ----------
    scorer
        Scores the text.
    whole_words
        Keep or drop whole words. ``False``: single tokens, as the LLMLingua paper does; numbers,
        contractions and letters with their accents stay whole even then.
    threshold
        Drop what scores below this even when the budget has room for it; with ``Budget(rate=1)``
        the threshold alone decides. What it means depends on the scorer: P(keep) for `llmlingua2`,
        nats for `selective_context`.
    count
        Counts tokens for budgets that bring no ``count``. ``None``: the scorer's own tokenizer.
    """

    scorer: Scorer
    whole_words: bool = True
    threshold: float | None = None
    count: Count | None = None

    def compress(
        self, prompt: Prompt, budget: Budget, progress: Progress | None = None
    ) -> Compressed:
        """Compress ``prompt`` to at most ``budget``.

        Raises
        ------
        BudgetError
            The protected text alone exceeds the budget.
        """
        room = room_for(prompt, budget, self.count or self.scorer.count)
        # One text, from the first character that may go to the last: what is kept in between is
        # context for the rest, and ranks hold across segments.
        start, end = prompt.compressible_range()
        scores = self.scorer.score(prompt.text[start:end], prompt.question, progress)
        units = units_of(prompt, {start: scores}, self.whole_words)
        return fit(prompt, units.above(self.threshold), room, scores.unit)
