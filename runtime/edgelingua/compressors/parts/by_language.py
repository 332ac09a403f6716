"""Which model a prompt is for: one of English, one of many languages, or none at all."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

from edgelingua.budget import Budget
from edgelingua.compressed import Compressed
from edgelingua.compressors.parts.pruner import Pruner
from edgelingua.compressors.parts.token_pruner import TokenPruner
from edgelingua.errors import InputError, LanguageWarning
from edgelingua.models.registry import INSTALL_MULTILINGUAL
from edgelingua.prompt import Prompt
from edgelingua.scores import Progress
from edgelingua.text.languages import OTHER, language, other_letters

MOST_UNKNOWN = 0.2
"""Share of the letters in other scripts that a model of many languages may not know."""


@dataclass(frozen=True)
class Others:
    """Who compresses what a model of English cannot read.

    Parameters
    ----------
    multilingual
        Brings the compressor with a model of many languages, and the share of the letters of a text
        that this does not know. ``None``: it is not installed.
    plain
        Makes one that needs no model, for a prompt with a question or without.
    """

    multilingual: Callable[[], tuple[TokenPruner, Callable[[str], float]]] | None
    plain: Callable[[bool], Pruner]


@dataclass(frozen=True)
class EnglishPruner(TokenPruner):
    """A `TokenPruner` whose model knows English alone, and those who take the rest.

    Texts that are not English, or of which a document or the question is not (`language`), go to a
    model of many languages. Those in letters that no model here knows are not judged by one: whole
    sentences stay, by BM25 if there is a question, and the caller is warned.

    Parameters
    ----------
    others
        Who takes the rest; ``None``: nobody, for this model was asked for by name. Then the caller
        is warned.
    scorer, threshold, document_rate, forced_documents, longest_question, second_pass, floors
        See `TokenPruner`.
    rules, count_with, model
        See `Pruner`.
    """

    others: Others | None = None

    def compress(
        self, prompt: Prompt, budget: Budget, progress: Progress | None = None
    ) -> Compressed:
        """Compress ``prompt`` to at most ``budget``.

        Raises
        ------
        InputError
            A floor is asked for, and the prompt is not English.
        BudgetError
            The protected text alone exceeds the budget.
        """
        if not isinstance(prompt, Prompt) or not isinstance(budget, Budget):
            return super().compress(prompt, budget, progress)  # which says what is wrong
        texts = [segment.text for _, segment in prompt.layout.documents]
        found = list(map(language, [*texts, prompt.question]))
        if not any(found):
            return super().compress(prompt, budget, progress)
        if self.others and budget.floor is not None:
            raise InputError(
                "a floor was calibrated on English only, and this text or its question is in "
                "another language; give tokens or a rate"
            )
        pruner = self._for(found, [*texts, prompt.question])
        if pruner is None:
            return super().compress(prompt, budget, progress)
        return pruner.compress(prompt, budget, progress)

    def _for(self, found: list[str], texts: list[str]) -> Pruner | None:
        """Return who compresses documents and a question, of which some are not English.

        ``None``: this one.
        """
        if self.others is None:
            _warn(f"{self.model} {_ENGLISH_ONLY}; it was named, and compresses all the same")
            return None
        if self.others.multilingual is not None:
            pruner, unknown = self.others.multilingual()
            if unknown("".join(map(other_letters, texts))) <= MOST_UNKNOWN:
                return self._like(pruner)
            why = f"{self.model} {_ENGLISH_ONLY}, and {pruner.model} does not know their letters"
        else:
            why = f"{self.model} {_ENGLISH_ONLY} ({INSTALL_MULTILINGUAL} brings a model that does)"
        if OTHER not in found[:-1]:
            _warn(f"{why}; it compresses all the same, for it knows the letters of the text")
            return None
        plain = self.others.plain(bool(texts[-1]))
        _warn(f"{why}: {_HOW[plain.model]}")
        rules = replace(plain.rules, gap=self.rules.gap)
        return replace(plain, rules=rules, count_with=self.count_with)

    def _like(self, pruner: TokenPruner) -> TokenPruner:
        """Return another with the options of this one."""
        return replace(
            pruner,
            threshold=self.threshold,
            document_rate=self.document_rate,
            forced_documents=self.forced_documents,
            second_pass=self.second_pass,
            rules=self.rules,
            count_with=self.count_with,
        )


_ENGLISH_ONLY = "knows English only, not the language of this text or its question"
_HOW = {
    "bm25": "sentences that share words with the question are kept instead",
    "truncate": "the beginning is kept instead",
}


def _warn(message: str) -> None:
    warnings.warn(message, LanguageWarning, stacklevel=4)
