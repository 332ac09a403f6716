"""The reference's interface over our own compressors, its known defects mended.

Budgets hold exactly and count the whole output; forced text is really kept; every part of a prompt
keeps the rate its tag gives, whatever the method; nothing is rebuilt by detokenizing.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from edgelingua.budget import Budget
from edgelingua.compat import default_json
from edgelingua.compat.options import CompressOptions, Engine, Llmlingua2Options
from edgelingua.compat.result import summary, with_list
from edgelingua.compat.tags import Part, parse
from edgelingua.compressed import Compressed, Reason
from edgelingua.compressors import CoarseToFine, Compressor, DocumentFilter, Rules, TokenPruner
from edgelingua.compressors.rankers import Bm25Ranker, CompressionRanker, Ranker
from edgelingua.errors import BudgetError, InputError
from edgelingua.prompt import SEPARATOR, Prompt, Ranges, Role, Segment
from edgelingua.scorers import ClassifierScorer
from edgelingua.scores import Progress, Scorer, TokenScores
from edgelingua.text import sentences

_BUDGET = re.compile(r"\s*([+\-*/])\s*(\d+(?:\.\d+)?)\s*")
_NO_EFFECT = {
    "keep_sentence_number": 0,
    "high_priority_bonus": 100,
    "add_instruction": False,
}
"""Arguments of `CompressOptions` that only ``quirks="0.2.2"`` has, and their defaults."""


def compress(
    engine: Engine, context: Sequence[str], options: CompressOptions | Llmlingua2Options
) -> dict[str, Any]:
    """Compress contexts."""
    if isinstance(options, Llmlingua2Options):
        return _llmlingua2(engine, context, options)
    if options.segments is None:
        return _llmlingua(engine, [[Part(text)] for text in context], options)
    parts = [
        [Part(text, rate, keep) for text, rate, keep in segments] for segments in options.segments
    ]
    return _llmlingua(engine, parts, options)


def compress_structured(
    engine: Engine, context: Sequence[str], options: CompressOptions
) -> dict[str, Any]:
    """Compress contexts with tags that say what of them to compress, and how far.

    Raises
    ------
    InputError
        A tag is malformed.
    """
    return _llmlingua(engine, [parse(text) for text in context], options)


def compress_json(
    engine: Engine,
    json_data: Mapping[str, Any],
    json_config: Mapping[str, Mapping[str, Any]] | str,
    options: CompressOptions,
) -> dict[str, Any]:
    """Compress the strings of an object; numbers, keys and the rest stay as they are."""
    competing = options.use_context_level_filter
    plan = default_json.plan(json_data, json_config, options.rate, competing=competing)
    texts = [segment.text for segment in plan.segments]
    result, text_in, text_out = plan.result(texts, drop_empty=False)
    if plan.strings:
        prompt = plan.prompt(options.question)
        wanted = engine.count(text_in)
        if options.target_token > 0:
            wanted = math.floor(options.target_token)
        elif competing:
            wanted = math.floor(options.rate * wanted)
        compressor = _compressor(engine, options, [])
        tokens = wanted + engine.count(prompt.text) - engine.count(text_in)
        while True:
            budget = Budget(tokens=max(1, tokens), count=engine.count)
            compressed = _within(compressor, prompt, budget)
            result, _, text_out = plan.result(compressed.segment_texts(), drop_empty=competing)
            # The prompt is not written as JSON is: what that costs is known only now.
            excess = engine.count(text_out) - wanted
            if excess <= 0 or compressed.tokens_out > compressed.limit or tokens <= 1:
                break
            tokens -= excess
    tokens_in, tokens_out = engine.count(text_in), engine.count(text_out)
    return summary("", tokens_in, tokens_out) | {"compressed_prompt": result}


def _llmlingua(
    engine: Engine, contexts: Sequence[Sequence[Part]], options: CompressOptions
) -> dict[str, Any]:
    segments: list[Segment] = []

    def add(piece: str, role: Role) -> None:
        if piece and segments:
            segments.append(Segment(SEPARATOR, "instruction"))
        if piece:
            segments.append(Segment(piece, role, compress=False))

    add(options.instruction, "instruction")
    tagged = any(part.rate or not part.compress for parts in contexts for part in parts)
    for parts in contexts:
        if segments and parts:
            whole = tagged or segments[-1].role == "instruction"
            segments.append(Segment(SEPARATOR, "instruction" if whole else "separator", False))
        for part in parts:
            pins = _sentence_pins(part.text, options) + (_splits(part.text, options))
            # In a tagged prompt what has no rate of its own has that of the whole.
            rate = part.rate or (options.rate if tagged and options.target_token <= 0 else None)
            rate = rate if part.compress else None
            segments.append(Segment(part.text, "context", part.compress, pinned=pins, rate=rate))
    add(options.question, "question")

    before = "".join(segment.text for segment in segments)
    hidden = SEPARATOR + options.question if segments and options.question else options.question
    if options.concate_question:
        hidden = ""
    tokens_in = engine.count(before)
    text = before
    if _compressible(segments):
        tokens = tokens_in  # the rates of the parts decide
        if options.target_token > 0:
            tokens = math.floor(options.target_token)
        elif not tagged:
            tokens = math.floor(_checked_rate(options.rate) * tokens_in)
        budget = Budget(tokens=max(1, tokens + engine.count(hidden)), count=engine.count)
        compressor = _compressor(engine, options, [] if tagged else contexts)
        text = _within(compressor, Prompt(tuple(segments)), budget).text
    text = text.removesuffix(hidden)
    return summary(text, tokens_in, engine.count(text))


def _compressor(
    engine: Engine, options: CompressOptions, contexts: Sequence[Sequence[Part]]
) -> Compressor:
    """Return the compressor that the options describe; ``contexts``: those to choose from."""
    condition = options.condition_compare or "_condition" in options.condition_in_question
    if condition and not options.question.strip():
        raise InputError("condition_compare judges tokens by the question: give one")
    ignored = [n for n, default in _NO_EFFECT.items() if getattr(options, n) != default]
    if ignored:
        warnings.warn(
            f"{', '.join(ignored)}: no effect here; PromptCompressor(…, quirks='0.2.2') has it",
            stacklevel=4,
        )
    rules = Rules(level="word" if options.use_token_level_filter else "sentence")
    if isinstance(engine.scorer, ClassifierScorer):
        return TokenPruner(engine.scorer, rules=rules)
    filtered = options.use_context_level_filter and len(contexts) > 1
    texts = ["".join(part.text for part in parts) for parts in contexts]
    return CoarseToFine(
        engine.scorer,
        by_question=options.rank_method == "longllmlingua",
        contrastive=condition,
        dynamic_rate=options.dynamic_context_compression_ratio,
        documents=DocumentFilter(
            extra=_extra(options) if filtered else math.inf,
            most=options.force_context_number,
            forced=_numbers(texts, options.force_context_ids),
            ranker=_ranker(options.rank_method),
            order=_order(options.reorder_context),
        ),
        sentence_room=options.token_budget_ratio if options.use_sentence_level_filter else None,
        window=options.iterative_size,
        rules=rules,
    )


def _llmlingua2(
    engine: Engine, context: Sequence[str], options: Llmlingua2Options
) -> dict[str, Any]:
    if len(options.force_tokens) > engine.max_force_tokens:
        raise InputError(
            f"force_tokens: {len(options.force_tokens)}, more than the {engine.max_force_tokens} "
            "that max_force_token allows"
        )
    segments: list[Segment] = []
    for text in context:
        if segments:
            segments.append(Segment(SEPARATOR, "separator", compress=False))
        segments.append(Segment(text, pinned=_forced(text, options)))
    tokens_in = sum(engine.count(text) for text in context)
    if not _compressible(segments):
        return with_list(summary(SEPARATOR.join(context), tokens_in, tokens_in), list(context))
    prompt = Prompt(tuple(segments))
    tokens = engine.count(prompt.text)
    if options.use_token_level_filter:
        wanted = options.target_token
        tokens = math.floor(wanted if wanted > 0 else _checked_rate(options.rate) * tokens)
    budget = Budget(tokens=max(1, tokens), count=engine.count)
    scorer: Scorer = engine.scorer
    if options.token_to_word == "first":
        scorer = _FirstTokens(scorer)
    compressor = TokenPruner(
        scorer,
        document_rate=_document_rate(len(context), tokens_in, options),
        forced_documents=_numbers(context, options.force_context_ids),
        rules=Rules(drop_consecutive=options.force_tokens if options.drop_consecutive else ()),
    )
    compressed = _within(compressor, prompt, budget)
    texts = [
        text
        for text, segment in zip(compressed.segment_texts(), segments, strict=True)
        if segment.role == "context" and text
    ]
    result = with_list(summary(compressed.text, tokens_in, compressed.tokens_out), texts)
    if options.return_word_label:
        result["fn_labeled_original_prompt"] = options.word_sep.join(
            f"{word}{options.label_sep}{label}" for word, label in _labels(compressed)
        )
    return result


def _within(compressor: Compressor, prompt: Prompt, budget: Budget) -> Compressed:
    """Compress; where the protected text alone exceeds the budget, keep that and nothing else."""
    try:
        return compressor.compress(prompt, budget)
    except BudgetError as error:
        if error.needed is None:
            raise
        warnings.warn(f"{error}; kept all the same", stacklevel=5)
        return _within(compressor, prompt, Budget(tokens=error.needed, count=budget.count))


def _compressible(segments: Iterable[Segment]) -> bool:
    return any(segment.compressible and segment.text.strip() for segment in segments)


def _checked_rate(rate: float) -> float:
    if not 0 < rate <= 1:
        raise InputError(f"rate: the fraction to keep, expected above 0 and at most 1, got {rate}")
    return rate


def _extra(options: CompressOptions) -> float:
    match = _BUDGET.fullmatch(options.context_budget)
    if not match:
        raise InputError(
            f"context_budget: expected an operator and a number, as +100 or *1.3, got "
            f"{options.context_budget!r}"
        )
    number = float(match[2])
    if match[1] in "*/":
        raise InputError(
            f"context_budget={options.context_budget!r}: only +N and -N are supported here; "
            "PromptCompressor(…, quirks='0.2.2') also multiplies"
        )
    return number if match[1] == "+" else -number


def _ranker(method: str) -> Ranker | None:
    """Return what ranks documents; ``None``: the causal LM itself."""
    if method == "bm25":
        return Bm25Ranker()
    return CompressionRanker() if method == "gzip" else None


def _order(reorder: str) -> Any:
    return reorder if reorder in ("original", "two_stage") else "rank"


def _sentence_pins(text: str, options: CompressOptions) -> Ranges:
    """Ranges of the first and last sentences to keep."""
    first, last = options.keep_first_sentence, options.keep_last_sentence
    spans = [(int(a), int(b)) for a, b in sentences(text).tolist() if text[a:b].strip()]
    return tuple(spans[:first] + (spans[-last:] if last > 0 else []))


def _splits(text: str, options: CompressOptions) -> Ranges:
    """Ranges of blank lines, where they are to be kept."""
    return tuple(m.span() for m in re.finditer(r"\n\n", text)) if options.keep_split else ()


def _forced(text: str, options: Llmlingua2Options) -> Ranges:
    """Ranges of the forced tokens and digits. A token that does not occur has none."""
    patterns = []
    for token in filter(None, options.force_tokens):
        begins = r"(?<!\w)" if re.match(r"\w", token) else ""
        ends = r"(?!\w)" if re.search(r"\w\Z", token) else ""
        patterns.append(begins + re.escape(token) + ends)
    if options.force_reserve_digit:
        patterns.append(r"\d")
    if not patterns:
        return ()
    return tuple(match.span() for match in re.finditer("|".join(patterns), text))


def _document_rate(contexts: int, tokens: int, options: Llmlingua2Options) -> float:
    """The fraction of the contexts to keep at all."""
    if not options.use_context_level_filter or contexts == 1:
        return 1.0
    if options.context_level_target_token > 0:
        return min(1.0, options.context_level_target_token / max(1, tokens))
    if options.target_context > 0:
        return min(1.0, options.target_context / contexts)
    if options.context_level_rate < 1:
        return options.context_level_rate
    pruned = options.use_token_level_filter
    if options.target_token > 0:
        wanted = options.target_token * (2 if pruned else 1)
        return min(1.0, wanted / max(1, tokens))
    return (options.rate + 1) / 2 if pruned else options.rate


def _numbers(context: Sequence[str], ids: Iterable[int]) -> tuple[int, ...]:
    """Numbers among the contexts that are not blank."""
    solid = [index for index, text in enumerate(context) if text.strip()]
    return tuple(number for number, index in enumerate(solid) if index in set(ids))


def _labels(compressed: Compressed) -> list[tuple[str, int]]:
    text = compressed.prompt.text
    return [
        (text[start:end].strip(), int(reason != Reason.DROPPED))
        for (start, end), reason in zip(
            compressed.units.tolist(), compressed.reasons.tolist(), strict=True
        )
        if text[start:end].strip()
    ]


@dataclass(frozen=True)
class _FirstTokens:
    """A scorer by which a word is worth what its first token is."""

    scorer: Scorer

    @property
    def count(self) -> Any:
        return self.scorer.count

    def score(self, text: str, question: str = "", progress: Progress | None = None) -> TokenScores:
        scores = self.scorer.score(text, question, progress)
        first = scores.starts.copy()
        first[:1] = True
        word = first.cumsum() - 1
        return replace(scores, scores=scores.scores[first][word])
