"""What the oracle runs on: a scorer's model, and its tokenizer as the reference uses it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from edgelingua.budget import Count
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.bundle.manifest import TOKENIZER
from edgelingua.compat.options import MAX_FORCE_TOKENS
from edgelingua.scorers import ClassifierScorer, PerplexityScorer
from tests.oracle.tokenizer import ReferenceTokenizer

ADDED_TOKENS = [f"[NEW{i}]" for i in range(MAX_FORCE_TOKENS)]
"""Stand-ins for LLMLingua-2's forced tokens."""


@dataclass(frozen=True)
class Engine:
    """``count`` stands where the reference counts with the tokenizer of gpt-3.5."""

    bundle: ModelBundle
    scorer: ClassifierScorer | PerplexityScorer
    count: Count

    @cached_property
    def tokenizer(self) -> ReferenceTokenizer:
        """The bundle's tokenizer."""
        added = ADDED_TOKENS if isinstance(self.scorer, ClassifierScorer) else []
        return ReferenceTokenizer(self.bundle.folder / TOKENIZER, added)
