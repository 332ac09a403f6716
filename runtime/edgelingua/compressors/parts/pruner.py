"""What every method is: a scorer, rules, a count of tokens, and one way to change its options."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Self

from edgelingua.budget import Budget, Count, Counting
from edgelingua.compressed import Compressed
from edgelingua.errors import InputError
from edgelingua.prompt import Prompt
from edgelingua.scores import Progress, Scorer
from edgelingua.selection.units import Level, Rules
from edgelingua.system.in_thread import in_thread
from edgelingua.text.counting import ESTIMATE, counter

if TYPE_CHECKING:
    from edgelingua.compressors.parts.document_filter import DocumentFilter

_OWN = ("threshold", "second_pass", "document_rate", "documents")
"""Options that only some methods have."""


@dataclass(frozen=True)
class Pruner(ABC):
    """A compressor with options, as `load_compressor` makes it.

    Parameters
    ----------
    scorer
        Scores the text.
    rules
        What is kept or dropped whole.
    count_with
        Counts tokens for budgets that bring no ``count``. ``None``: an estimate, rather too high,
        of what common readers count.
    model
        What `Compressed.model` says.
    """

    scorer: Scorer
    rules: Rules = field(default_factory=Rules, kw_only=True)
    count_with: Count | None = field(default=None, kw_only=True)
    model: str = field(default="", kw_only=True)

    @property
    def count(self) -> Count:
        """Counts tokens for budgets that bring no ``count``."""
        return self.count_with or ESTIMATE

    @abstractmethod
    def compress(
        self, prompt: Prompt, budget: Budget, progress: Progress | None = None
    ) -> Compressed:
        """Compress ``prompt`` to at most ``budget``; any number of threads may do so at a time."""

    async def acompress(
        self, prompt: Prompt, budget: Budget, progress: Progress | None = None
    ) -> Compressed:
        """`compress` in one of asyncio's threads; it ends when the task is cancelled.

        ``progress`` is called in that thread.
        """
        return await in_thread(lambda check: self.compress(prompt, budget, check), progress)

    def with_options(  # noqa: PLR0913 - one for each option
        self,
        *,
        level: Level | None = None,
        guard: bool | None = None,
        names: bool | None = None,
        gap: str | None = None,
        count: Counting | None = None,
        threshold: float | None = None,
        second_pass: bool | None = None,
        document_rate: float | None = None,
        documents: DocumentFilter | None = None,
    ) -> Self:
        """Return this compressor with other options; what is ``None`` stays as it is.

        Parameters
        ----------
        level
            See `Rules`.
        guard, names, gap
            See `Rules`.
        count
            Counts tokens for budgets that bring no ``count``; what it may be says `Budget`.
        threshold
            See `TokenPruner`; not for `llmlingua` and `longllmlingua`.
        second_pass, document_rate
            See `TokenPruner`; not for them either.
        documents
            See `DocumentFilter`; for `llmlingua` and `longllmlingua`.

        Raises
        ------
        InputError
            The method has no such option, or cannot work with this value.
        """
        rules = _given({"level": level, "guard": guard, "names": names, "gap": gap})
        own = _given(
            dict(zip(_OWN, (threshold, second_pass, document_rate, documents), strict=True))
        )
        has = [option.name for option in fields(self)]
        for name in own:
            if name not in has:
                takes = ["level", "guard", "names", "gap", "count", *(n for n in _OWN if n in has)]
                raise InputError(f"{name}: not for this method, which takes {', '.join(takes)}")
        return replace(
            self,
            rules=replace(self.rules, **rules),
            count_with=self.count_with if count is None else counter(count),
            **own,
        )


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
