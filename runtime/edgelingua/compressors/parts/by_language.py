"""Which model a document is for: one of English, one of many languages, or none at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path

from edgelingua.budget import Budget
from edgelingua.compressed import Compressed
from edgelingua.compressors.parts.mixed import MixedPruner
from edgelingua.compressors.parts.token_pruner import TokenPruner
from edgelingua.errors import InputError, LanguageWarning
from edgelingua.models import registry
from edgelingua.models.languages import Reader, Readers, readers
from edgelingua.prompt import Prompt
from edgelingua.scores import Progress
from edgelingua.system.caller import warn_caller
from edgelingua.system.once import Once

Opened = tuple[TokenPruner, Callable[[str], float]]
"""The compressor with a model of many languages, and the share of some letters that this does not
know."""
Multilingual = Callable[[], Opened]
"""Brings both, and opens the model for the first text that needs it."""


def multilingual(opened: Callable[[Path], Opened]) -> Multilingual | None:
    """Return what opens the folder of the model of many languages; ``None``: none is installed."""
    folder = registry.multilingual_bundle()
    return None if folder is None else Once(lambda: opened(folder))


@dataclass(frozen=True)
class EnglishPruner(TokenPruner):
    """A `TokenPruner` whose model knows English alone, and leaves the rest to others.

    Each document is judged by itself, so that none changes what becomes of another: those that are
    not English go to a model of many languages, and of those in letters that no model here knows
    whole sentences stay (`readers`, `MixedPruner`). The caller is warned of what nobody knows.

    Parameters
    ----------
    named
        The model was asked for by name, and compresses all there is, with a warning.
    multilingual
        ``None``: it is not installed.
    scorer, threshold, document_rate, forced_documents, longest_question, second_pass, floors
        See `TokenPruner`.
    rules, count_with, model
        See `Pruner`.
    """

    named: bool = False
    multilingual: Multilingual | None = None

    def compress(
        self, prompt: Prompt, budget: Budget, progress: Progress | None = None
    ) -> Compressed:
        """Compress ``prompt`` to at most ``budget``.

        Raises
        ------
        InputError
            A floor is asked for, and the question or all documents are in another language.
        BudgetError
            The protected text alone exceeds the budget.
        """
        if not isinstance(prompt, Prompt) or not isinstance(budget, Budget):
            return super().compress(prompt, budget, progress)  # which says what is wrong
        chosen = self.for_prompt(prompt, calibrated=budget.floor is not None)
        if chosen is self:
            return super().compress(prompt, budget, progress)
        return chosen.compress(prompt, budget, progress)

    def for_prompt(self, prompt: Prompt, *, calibrated: bool = False) -> TokenPruner:
        """Return who scores and compresses a prompt; warn of what nobody knows.

        ``calibrated``: it has to know floors.

        Raises
        ------
        InputError
            It has to, and nobody does.
        """
        texts = [segment.text for _, segment in prompt.layout.documents]
        found = readers(texts, prompt.question, self._unknown if self.multilingual else None)
        if calibrated and not self.named and (found.asked or all(found.foreign)):
            raise InputError(
                "a floor was calibrated on English only, and the text or its question is in "
                "another language; give tokens or a rate"
            )
        if self.named and (found.asked or any(found.foreign)):
            warn_caller(
                f"{self.model} knows English only, not the language of the text or its question; "
                "it was named, and compresses all the same",
                LanguageWarning,
            )
        elif not found.settled:
            warn_caller(found.warning(self.model, question=bool(prompt.question)), LanguageWarning)
        return self if self.named else self._for(found)

    def _unknown(self, letters: str) -> float:
        return self.multilingual()[1](letters) if self.multilingual else 1.0

    def _for(self, found: Readers) -> TokenPruner:
        if set(found.of) == {Reader.ENGLISH}:
            return self
        own = {field.name: getattr(self, field.name) for field in fields(TokenPruner)}
        parts = []
        for reader in (Reader.ENGLISH, Reader.MANY):
            if numbers := frozenset(at for at, who in enumerate(found.of) if who == reader):
                pruner = TokenPruner(**own) if reader == Reader.ENGLISH else self._many()
                if len(numbers) == len(found.of):
                    return pruner
                parts.append((pruner, numbers))
        foreign = frozenset(at for at, odd in enumerate(found.foreign) if odd)
        return MixedPruner(**own, parts=tuple(parts), uncalibrated=foreign)

    def _many(self) -> TokenPruner:
        """Return the compressor with a model of many languages, with the options of this one."""
        assert self.multilingual is not None
        pruner, _ = self.multilingual()
        return replace(
            pruner,
            threshold=self.threshold,
            document_rate=self.document_rate,
            forced_documents=self.forced_documents,
            second_pass=self.second_pass,
            rules=self.rules,
            count_with=self.count_with,
        )
