"""Which arguments do something, and a warning about those that were given and do not."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Literal

from edgelingua.compat.options import CHUNK_ENDS, CompressOptions
from edgelingua.system.caller import warn_caller

Kind = Literal[
    "unchanged", "documents", "llmlingua", "tagged",
    "llmlingua2", "structured llmlingua2", "tagged llmlingua2",
    "json", "json llmlingua2",
]  # fmt: skip
"""What a call runs, by engine and prompt; without ``llmlingua2`` the engine is a causal LM."""

_AROUND = {"instruction", "question", "concate_question"}
_FILTERS = {"use_context_level_filter", "use_sentence_level_filter", "use_token_level_filter"}
_SIZE = {"rate", "target_token"}
_SEGMENTS = {"context_segs", "context_segs_rate", "context_segs_compress"}
_SENTENCES = {"keep_split", "keep_first_sentence", "keep_last_sentence"}
_TOKENS = {"iterative_size", "condition_in_question", "condition_compare"}
_DOCUMENTS = {"force_context_ids", "force_context_number", "reorder_context", "rank_method"}
_TAGGED = _AROUND | _FILTERS | _SIZE | _SEGMENTS | _SENTENCES
_JSON = _SIZE | {"use_sentence_level_filter", "use_keyvalue_level_filter", "use_token_level_filter"}

EFFECTS: Mapping[Kind, set[str]] = {
    "unchanged": _AROUND | _FILTERS,
    "documents": _AROUND | _FILTERS | _SIZE | _DOCUMENTS,
    "llmlingua": _AROUND | _FILTERS | _SIZE | _SENTENCES | _TOKENS | _DOCUMENTS
    | {"context_budget", "token_budget_ratio", "dynamic_context_compression_ratio"},
    "tagged": _TAGGED | _TOKENS,
    "llmlingua2": _SIZE | {
        "use_context_level_filter", "use_token_level_filter", "target_context",
        "context_level_rate", "context_level_target_token", "force_context_ids",
        "return_word_label", "word_sep", "label_sep", "token_to_word", "force_tokens",
        "force_reserve_digit", "drop_consecutive",
    },
    "structured llmlingua2": _AROUND | _FILTERS | _SIZE | _SENTENCES | {"force_context_ids"},
    "tagged llmlingua2": _TAGGED,
    "json": _JSON | _TOKENS | {"question", "rank_method"},
    "json llmlingua2": _JSON,
}  # fmt: skip
"""The arguments that have an effect, per kind of call."""

_ROUND = {"instruction", "question"}
_CONDITION = "condition_in_question"


def given(method: Callable[..., object], arguments: Mapping[str, object]) -> frozenset[str]:
    """Return the names of the arguments of a call whose value is not the default."""
    found = set()
    for name, parameter in inspect.signature(method).parameters.items():
        value, default = arguments[name], parameter.default
        if name == "chunk_end_tokens" and value:
            value, default = tuple(str(end) for end in _listed(value)), CHUNK_ENDS
        # None, "", [] and False all say "not this".
        if default is not parameter.empty and (value or None) != (default or None):
            found.add(name)
    return frozenset(found)


def warn(kind: Kind, names: frozenset[str], options: CompressOptions | None = None) -> None:
    """Say once which of the arguments ``names`` do nothing here; ``options``: of the call."""
    effective = set(EFFECTS[kind])
    if options is not None:
        effective = _narrowed(kind, effective, options)
    idle = sorted(names - effective)
    if kind == "llmlingua2" and (around := [name for name in idle if name in _ROUND]):
        idle = [name for name in idle if name not in _ROUND]
        warn_caller(
            f"{', '.join(around)}: no effect here; LLMLingua-2 compresses the contexts alone, as "
            "in llmlingua 0.2.2: put them around its output"
        )
    if idle:
        warn_caller(f"{', '.join(idle)}: no effect here")
    if (
        _CONDITION in names & effective
        and options is not None
        and options.condition_in_question.startswith("before")
    ):
        warn_caller(
            f"condition_in_question={options.condition_in_question!r}: documents are ranked as "
            "with 'after'"
        )


def _narrowed(kind: Kind, effective: set[str], options: CompressOptions) -> set[str]:
    """Leave out what other arguments of the call make idle."""
    tokens = options.use_token_level_filter
    if kind == "tagged":
        if tokens and options.target_token > 0 and options.use_sentence_level_filter:
            # What has no rate of its own is filtered by sentences, which are ranked.
            return effective | {"rank_method", "token_budget_ratio"}
        if tokens:
            return effective - {"use_sentence_level_filter"}
    elif kind in ("json", "json llmlingua2", "structured llmlingua2", "tagged llmlingua2"):
        # Every text has a rate of its own there, or no sentence is ranked.
        if tokens:
            effective = effective - {"use_sentence_level_filter"}
        if kind == "json" and not options.use_context_level_filter:
            effective = effective - {"rank_method"}
    return effective


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple)) else [value]
