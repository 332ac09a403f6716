"""The compressors that a call's options describe."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from edgelingua.compat.methods.classifier import pruner_of
from edgelingua.compat.methods.documents import extra_of, order_of
from edgelingua.compat.methods.parts import context_rate, ranker_of, solid_numbers
from edgelingua.compat.options import CompressOptions, Engine, Llmlingua2Options
from edgelingua.compressors import CoarseToFine, DocumentFilter, Rules, TokenPruner
from edgelingua.compressors.llmlingua2 import RULES
from edgelingua.errors import InputError
from edgelingua.scorers import ClassifierScorer


def coarse_to_fine(engine: Engine, options: CompressOptions, texts: Sequence[str]) -> CoarseToFine:
    """Return the compressor that the options describe; ``texts``: the contexts to choose from.

    Where there are none to choose from (tags, JSON), nothing moves and nothing goes as a whole.

    Raises
    ------
    InputError
        Tokens are to be judged by a question and there is none, or the engine is none for it.
    """
    scorer = engine.scorer
    if isinstance(scorer, ClassifierScorer):
        raise InputError("this needs a causal LM: PromptCompressor(…, use_llmlingua2=False)")
    if options.contrastive and not options.question.strip():
        raise InputError("condition_compare judges tokens by the question: give one")
    several = len(texts) > 1
    documents = DocumentFilter(extra=math.inf)
    if several:
        filtered = options.use_context_level_filter
        documents = DocumentFilter(
            extra=extra_of(options.context_budget) if filtered else math.inf,
            most=options.force_context_number,
            forced=solid_numbers(texts, options.force_context_ids),
            ranker=ranker_of(options.rank_method),
            order=order_of(options.reorder_context),
        )
    rooms = options.use_sentence_level_filter
    return CoarseToFine(
        scorer,
        by_question=options.rank_method == "longllmlingua" and (several or rooms),
        contrastive=options.contrastive,
        dynamic_rate=options.dynamic_context_compression_ratio if several else 0.0,
        documents=documents,
        sentence_room=options.token_budget_ratio if rooms else None,
        window=options.iterative_size,
        rules=rules_of(engine, options),
    )


def rules_of(engine: Engine, options: CompressOptions) -> Rules:
    """Return what is kept or dropped whole: words, or sentences where only those are filtered."""
    rules = RULES if isinstance(engine.scorer, ClassifierScorer) else Rules()
    return replace(rules, level="word" if options.use_token_level_filter else "sentence")


def token_pruner(engine: Engine, texts: Sequence[str], options: CompressOptions) -> TokenPruner:
    """Return the compressor that the options describe for a classifier; see `coarse_to_fine`."""
    asked = Llmlingua2Options(
        rate=options.rate,
        target_token=options.target_token,
        use_context_level_filter=bool(texts) and options.use_context_level_filter,
        use_token_level_filter=options.filters_text,
    )
    return replace(
        pruner_of(engine, rules_of(engine, options)),
        document_rate=context_rate(len(texts), sum(map(engine.count, texts)), asked),
        forced_documents=solid_numbers(texts, options.force_context_ids),
    )
