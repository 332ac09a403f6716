"""The default classifier behind the reference's interface: another one for what is not English."""

from __future__ import annotations

from collections.abc import Callable

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.compat.caller import warn_caller
from edgelingua.compressors.truncate import PositionScorer
from edgelingua.errors import LanguageWarning
from edgelingua.models.registry import INSTALL_MULTILINGUAL, multilingual_bundle
from edgelingua.ort.session import RunOptions
from edgelingua.scorers import ClassifierScorer
from edgelingua.scores import Progress, TokenScores
from edgelingua.system.once import Once
from edgelingua.text.languages import OTHER, language


class EnglishScorer(ClassifierScorer):
    """A classifier that knows English, and hands other texts to one of many languages.

    Where none is installed, the beginning of a text in letters that it cannot read is worth most.
    """

    def __init__(
        self, bundle: ModelBundle, *, variant: str | None = None, options: RunOptions | None = None
    ) -> None:
        super().__init__(bundle, variant=variant, options=options)
        folder = multilingual_bundle()
        self._other: Callable[[], ClassifierScorer] | None = None
        if folder is not None:
            self._other = Once(lambda: ClassifierScorer(ModelBundle.open(folder), options=options))

    def score(self, text: str, question: str = "", progress: Progress | None = None) -> TokenScores:
        """Score ``text`` with the one that knows its language."""
        found = language(text)
        if not found:
            return super().score(text, question, progress)
        if self._other is not None:
            return self._other().score(text, question, progress)
        warn_caller(
            f"the text is not English: {INSTALL_MULTILINGUAL} brings a model that reads it",
            LanguageWarning,
        )
        if found == OTHER:
            return PositionScorer().score(text, question, progress)
        return super().score(text, question, progress)
