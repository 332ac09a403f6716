"""The reference's many arguments, gathered: one frozen object per call."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from edgelingua.budget import Count
from edgelingua.bundle import ModelBundle
from edgelingua.errors import InputError
from edgelingua.manifest import TOKENIZER
from edgelingua.scorers import ClassifierScorer, PerplexityScorer
from edgelingua.text import RawTokenizer

CHUNK_ENDS = (".", "\n")
MAX_FORCE_TOKENS = 100

LOCAL_RANKS = ("llmlingua", "longllmlingua", "bm25", "gzip")
"""Ways to rank documents that need neither a hosted service nor another framework."""

Segment = tuple[str, float, bool]
"""A tagged part of a context: its text, the rate of it to keep, whether it is compressed."""


@dataclass(frozen=True)
class Engine:
    """What a compression runs on.

    ``scorer`` is a `ClassifierScorer` for LLMLingua-2, else a `PerplexityScorer`. ``count`` stands
    where the reference counts with the tokenizer of gpt-3.5. ``max_force_tokens`` is the most
    tokens that LLMLingua-2 can be told to keep.
    """

    bundle: ModelBundle
    scorer: ClassifierScorer | PerplexityScorer
    count: Count
    max_force_tokens: int = MAX_FORCE_TOKENS

    @property
    def added_tokens(self) -> list[str]:
        """Stand-ins for LLMLingua-2's forced tokens."""
        return [f"[NEW{i}]" for i in range(self.max_force_tokens)]

    @cached_property
    def tokenizer(self) -> RawTokenizer:
        """The bundle's tokenizer as the reference uses it."""
        added = self.added_tokens if isinstance(self.scorer, ClassifierScorer) else ()
        return RawTokenizer(self.bundle.folder / TOKENIZER, added)


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
        for name in ("rate", "target_token", "context_level_rate"):
            _check_number(name, getattr(self, name))
        for name in ("force_tokens", "chunk_end_tokens"):
            _check_strings(name, getattr(self, name))
        if self.token_to_word not in ("mean", "first"):
            raise InputError(f"token_to_word: expected mean or first, got {self.token_to_word!r}")


@dataclass(frozen=True)
class CompressOptions:
    """Arguments of ``compress_prompt`` and ``structured_compress_prompt`` for a causal LM.

    ``segments``: per context, its tagged parts; empty where a prompt has no tags.
    """

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
    segments: tuple[tuple[Segment, ...], ...] | None = None
    strict_preserve_uncompressed: bool = True

    def __post_init__(self) -> None:
        for name in ("instruction", "question", "context_budget"):
            if not isinstance(getattr(self, name), str):
                raise InputError(f"{name}: expected a str, got {getattr(self, name)!r:.60}")
        for name in ("rate", "target_token", "token_budget_ratio", "high_priority_bonus",
                     "dynamic_context_compression_ratio"):  # fmt: skip
            _check_number(name, getattr(self, name))
        if isinstance(self.iterative_size, bool) or not isinstance(self.iterative_size, int):
            raise InputError(f"iterative_size: expected an int, got {self.iterative_size!r:.60}")
        if self.iterative_size < 1:
            raise InputError(f"iterative_size: expected 1 or more, got {self.iterative_size}")
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


def checked_texts(context: str | Sequence[str]) -> list[str]:
    """Return contexts as a list.

    Raises
    ------
    InputError
        Neither a text nor a sequence of texts.
    """
    if isinstance(context, str):
        return [context]
    _check_strings("context", context)
    return list(context)


def checked_strings(name: str, values: Sequence[str] | None, default: tuple[str, ...] = ()
                    ) -> tuple[str, ...]:  # fmt: skip
    """Return a sequence of strings as a tuple, ``None`` as the default."""
    if values is None:
        return default
    _check_strings(name, values)
    return tuple(values)


def _check_strings(name: str, values: object) -> None:
    # A lone string is a sequence of strings too, but never what was meant.
    if not isinstance(values, (list, tuple)) or not all(isinstance(v, str) for v in values):
        raise InputError(f"{name}: expected a list of str, got {values!r:.60}")


def _check_number(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
        raise InputError(f"{name}: expected a number, got {value!r:.60}")


def _check_condition(condition: str) -> None:
    allowed = [f"{where}{flag}" for where in ("none", "before", "after")
               for flag in ("", "_condition")]  # fmt: skip
    if condition not in allowed:
        raise InputError(
            f"condition_in_question: expected one of {', '.join(allowed)}, got {condition!r}"
        )
