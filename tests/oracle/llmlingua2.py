"""LLMLingua-2 as llmlingua 0.2.2 computes it, its oddities included.

The method is Pan et al. 2024, arXiv:2403.12968; what differs here from `compressors.llmlingua2` is
what the released library does with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgelingua.budget import Count
from edgelingua.compat.options import Llmlingua2Options
from edgelingua.compat.result import summary, with_list
from edgelingua.errors import InputError
from tests.oracle.chunks import ChunkReader
from tests.oracle.engine import Engine
from tests.oracle.pruning import ChunkPruner, PrunedText, percentile


def compress(engine: Engine, context: Sequence[str], options: Llmlingua2Options) -> dict[str, Any]:
    """Compress contexts with a token classifier, word for word like llmlingua 0.2.2.

    Forced tokens that are not one piece need the added tokens ``[NEW0]`` … in the bundle's
    vocabulary. Those that it lacks are read as the unknown token, where the reference would draw
    an embedding at random: such results cannot be the same.

    Raises
    ------
    InputError
        The reference fails on this input too: more forced tokens than there is room for, a rate
        that keeps nothing, a chunk without a word. Or the model takes less than 512 tokens.
    """
    reader = ChunkReader(engine)
    forcing = reader.forcing(options.force_tokens, options.force_reserve_digit)
    ends = {*options.chunk_end_tokens}
    ends |= {forcing.stand_ins[e] for e in options.chunk_end_tokens if e in forcing.stand_ins}
    chunks = [reader.cut(forcing.protect(text), ends) for text in context]
    tokens_in = sum(engine.count(text) for text in context)
    pruner = ChunkPruner(reader, engine.count, options, forcing)
    chosen = [True] * len(chunks)
    rate = options.rate
    if options.use_context_level_filter and len(context) != 1:
        chosen = _choose(pruner, chunks, tokens_in, options)
        if options.target_token >= 0:
            reserved = [own for own, stays in zip(chunks, chosen, strict=True) if stays]
            size = sum(engine.count(chunk) for own in reserved for chunk in own)
            rate = _share(options.target_token, size)
    elif options.target_token > 0:
        rate = _share(options.target_token, tokens_in)
    if not options.use_token_level_filter:
        rate = 1
    pruned = [pruner.prune(own, rate) if stays else None
              for own, stays in zip(chunks, chosen, strict=True)]  # fmt: skip
    result = _result([one for one in pruned if one], tokens_in, engine.count)
    if options.return_word_label:
        everything = [one or pruner.dropped(own) for own, one in zip(chunks, pruned, strict=True)]
        result["fn_labeled_original_prompt"] = _labels(everything, options)
    return result


def _choose(
    pruner: ChunkPruner, contexts: list[list[str]], tokens_in: int, options: Llmlingua2Options
) -> list[bool]:
    """Drop the contexts whose words are least worth keeping."""
    worth = [pruner.worth(chunks) for chunks in contexts]
    threshold = percentile(worth, int(100 * (1 - _context_rate(options, len(worth), tokens_in))))
    return [
        bool(value >= threshold) or index in options.force_context_ids
        for index, value in enumerate(worth)
    ]


def _context_rate(options: Llmlingua2Options, contexts: int, tokens_in: int) -> float:
    """Return the fraction of contexts to keep: named, or guessed from what words are to lose."""
    rate, target = options.context_level_rate, options.context_level_target_token
    if options.target_context <= 0 and rate >= 1 and target <= 0:
        fine = options.use_token_level_filter
        if options.target_token < 0 and options.rate < 1:
            rate = (options.rate + 1.0) / 2 if fine else options.rate
        if options.target_token >= 0:
            target = options.target_token * 2 if fine else options.target_token
    if options.target_context >= 0:
        rate = _share(options.target_context, contexts)
    if target >= 0:
        rate = _share(target, tokens_in)
    return rate


def _share(part: float, whole: int) -> float:
    """Return the fraction that a target is of what there is, at most 1."""
    if whole == 0:
        raise InputError("a target for a prompt without tokens; in llmlingua 0.2.2 it fails too")
    return min(part / whole, 1.0)


def _result(pruned: list[PrunedText], tokens_in: int, count: Count) -> dict[str, Any]:
    texts = [one.text for one in pruned]
    tokens_out = sum(count(text) for text in texts)
    return with_list(summary("\n\n".join(texts), tokens_in, tokens_out), texts)


def _labels(pruned: list[PrunedText], options: Llmlingua2Options) -> str:
    """Return every word with its label, in the reference's one string."""
    return options.word_sep.join(
        f"{word}{options.label_sep}{label}"
        for one in pruned
        for word, label in zip(one.words, one.labels, strict=True)
    )
