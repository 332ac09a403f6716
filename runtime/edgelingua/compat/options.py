"""The reference's many arguments, gathered: one frozen object per call."""

from __future__ import annotations

from dataclasses import dataclass

from edgelingua.budget import Count
from edgelingua.compat.checks import (
    check_flag,
    check_number,
    check_string,
    check_strings,
    check_whole,
)
from edgelingua.compressors.parts.by_language import Multilingual
from edgelingua.errors import InputError
from edgelingua.scorers import ClassifierScorer, PerplexityScorer

CHUNK_ENDS = (".", "\n")
MAX_FORCE_TOKENS = 100

LOCAL_RANKS = ("llmlingua", "longllmlingua", "bm25", "gzip")
"""Ways to rank documents that need neither a hosted service nor another framework."""


@dataclass(frozen=True)
class Engine:
    """What a compression runs on.

    ``scorer`` is a `ClassifierScorer` for LLMLingua-2, else a `PerplexityScorer`. ``count`` stands
    where the reference counts with the tokenizer of gpt-3.5. ``max_force_tokens`` is the most
    tokens that LLMLingua-2 can be told to keep. ``chosen``: no classifier was named, so that it
    reads English alone; ``multilingual`` brings the one for the rest, if that is installed.
    """

    scorer: ClassifierScorer | PerplexityScorer
    count: Count
    max_force_tokens: int = MAX_FORCE_TOKENS
    chosen: bool = False
    multilingual: Multilingual | None = None


@dataclass(frozen=True)
class Llmlingua2Options:
    """Arguments of ``compress_prompt_llmlingua2``; see `PromptCompressor` for each."""

    rate: float = 0.5
    target_token: float = -1
    use_context_level_filter: bool = False
    use_token_level_filter: bool = True
    target_context: int = -1
    context_level_rate: float = 1.0
    context_level_target_token: float = -1
    force_context_ids: tuple[int, ...] = ()
    return_word_label: bool = False
    word_sep: str = "\t\t|\t\t"
    label_sep: str = " "
    token_to_word: str = "mean"
    force_tokens: tuple[str, ...] = ()
    force_reserve_digit: bool = False
    drop_consecutive: bool = False
    chunk_end_tokens: tuple[str, ...] = CHUNK_ENDS

    def __post_init__(self) -> None:
        for name in ("rate", "target_token", "context_level_rate", "context_level_target_token"):
            check_number(name, getattr(self, name))
        check_whole("target_context", self.target_context, None)
        for name in ("force_tokens", "chunk_end_tokens"):
            check_strings(name, getattr(self, name))
        for name in ("word_sep", "label_sep"):
            check_string(name, getattr(self, name))
        for name in ("use_context_level_filter", "use_token_level_filter", "return_word_label",
                     "force_reserve_digit", "drop_consecutive"):  # fmt: skip
            check_flag(name, getattr(self, name))
        if self.token_to_word not in ("mean", "first"):
            raise InputError(f"token_to_word: expected mean or first, got {self.token_to_word!r}")


@dataclass(frozen=True)
class CompressOptions:
    """Arguments of the methods for a causal LM; see `PromptCompressor` for each."""

    instruction: str = ""
    question: str = ""
    rate: float = 0.5
    target_token: float = -1
    iterative_size: int = 200
    force_context_ids: tuple[int, ...] = ()
    force_context_number: int | None = None
    use_sentence_level_filter: bool = False
    use_context_level_filter: bool = True
    use_token_level_filter: bool = True
    keep_split: bool = False
    keep_first_sentence: int = 0
    keep_last_sentence: int = 0
    keep_sentence_number: int = 0
    high_priority_bonus: float = 100
    context_budget: str = "+100"
    token_budget_ratio: float = 1.4
    condition_in_question: str = "none"
    reorder_context: str = "original"
    dynamic_context_compression_ratio: float = 0.0
    condition_compare: bool = False
    add_instruction: bool = False
    rank_method: str = "llmlingua"
    concate_question: bool = True
    strict_preserve_uncompressed: bool = True

    def __post_init__(self) -> None:
        for name in ("instruction", "question", "context_budget", "reorder_context",
                     "rank_method", "condition_in_question"):  # fmt: skip
            check_string(name, getattr(self, name))
        for name in ("rate", "target_token", "token_budget_ratio", "high_priority_bonus",
                     "dynamic_context_compression_ratio"):  # fmt: skip
            check_number(name, getattr(self, name))
        for name in ("keep_first_sentence", "keep_last_sentence", "keep_sentence_number"):
            check_whole(name, getattr(self, name))
        check_whole("iterative_size", self.iterative_size, 1)
        if self.force_context_number is not None:
            check_whole("force_context_number", self.force_context_number)
        for name in ("use_sentence_level_filter", "use_context_level_filter",
                     "use_token_level_filter", "keep_split", "condition_compare",
                     "add_instruction", "concate_question",
                     "strict_preserve_uncompressed"):  # fmt: skip
            check_flag(name, getattr(self, name))
        if self.rate > 1:
            raise InputError(
                f"rate: the fraction to keep, expected at most 1, got {self.rate}; for 5x say 0.2"
            )
        if self.rank_method not in LOCAL_RANKS:
            raise InputError(
                f"rank_method: {self.rank_method!r} is not supported here; choose one of "
                f"{', '.join(LOCAL_RANKS)}"
            )
        if self.rank_method == "longllmlingua" and not self.question:
            raise InputError("rank_method longllmlingua ranks by the question: give one")
        _check_condition(self.condition_in_question)

    @property
    def contrastive(self) -> bool:
        """Whether tokens are judged by the question."""
        return self.condition_compare or "_condition" in self.condition_in_question

    @property
    def filters_text(self) -> bool:
        """Whether sentences or tokens are to go, and not contexts alone."""
        return self.use_token_level_filter or self.use_sentence_level_filter


def _check_condition(condition: str) -> None:
    allowed = [f"{where}{flag}" for where in ("none", "before", "after")
               for flag in ("", "_condition")]  # fmt: skip
    if condition not in allowed:
        raise InputError(
            f"condition_in_question: expected one of {', '.join(allowed)}, got {condition!r}"
        )
