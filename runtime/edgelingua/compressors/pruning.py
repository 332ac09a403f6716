"""Token pruning: score the text, keep the best. What most methods share."""

from __future__ import annotations

from dataclasses import dataclass

from edgelingua.budget import Budget, Count
from edgelingua.compressed import Compressed
from edgelingua.compressors.selection import fit, units_of
from edgelingua.prompt import Prompt
from edgelingua.scores import Progress, Scorer


@dataclass(frozen=True)
class TokenPruner:
    """Keep the best-scored tokens of every compressible segment.

    Parameters
    ----------
    scorer
        Scores the text.
    whole_words
        Keep or drop whole words. ``False``: single tokens, as the LLMLingua paper does; numbers,
        contractions and letters with their accents stay whole even then.
    count
        Counts tokens for budgets that bring no ``count``. ``None``: the scorer's own tokenizer.
    """

    scorer: Scorer
    whole_words: bool = True
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
        scored = {
            offset: self.scorer.score(segment.text, prompt.question, progress)
            for offset, segment in zip(prompt.offsets(), prompt.segments, strict=True)
            if segment.compressible and segment.text.strip()
        }
        units = units_of(prompt, scored, self.whole_words)
        unit = next(iter(scored.values())).unit
        return fit(prompt, units, budget, self.count or self.scorer.count, unit)
