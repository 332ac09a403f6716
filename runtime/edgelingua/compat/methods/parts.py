"""What the methods share: budgets that give way, ranges to keep, ranking."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from edgelingua.budget import Budget
from edgelingua.compat.methods.classifier import pruner_of
from edgelingua.compat.options import Engine, Llmlingua2Options
from edgelingua.compressed import Compressed
from edgelingua.compressors import Compressor
from edgelingua.compressors.parts.documents import relevance
from edgelingua.compressors.parts.rankers import Bm25Ranker, CompressionRanker, Ranker
from edgelingua.errors import BudgetError, InputError
from edgelingua.prompt import Prompt, Ranges, Segment
from edgelingua.scorers import ClassifierScorer
from edgelingua.system.caller import warn_caller

# Thai, Lao, Myanmar, Khmer, kana and Han: scripts written without spaces, so without word borders.
_UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    r"\U00020000-\U0003ffff"
)
_LETTER = rf"[^\W{_UNSPACED}]"


def within(compressor: Compressor, prompt: Prompt, budget: Budget, *, say: bool = True
           ) -> Compressed:  # fmt: skip
    """Compress; where the protected text alone exceeds the budget, keep that and nothing else.

    ``say``: warn when it does.
    """
    try:
        return compressor.compress(prompt, budget)
    except BudgetError as error:
        if error.needed is None:
            raise
        if say:
            warn_caller(f"{error}; kept all the same")
        return within(
            compressor, prompt, Budget(tokens=error.needed, count=budget.count), say=False
        )


def compressible(segments: Iterable[Segment]) -> bool:
    """Whether there is anything to compress."""
    return any(segment.compressible and segment.text.strip() for segment in segments)


def check_target(target_token: float) -> None:
    """Refuse a target of less than a token; below 0 there is none.

    Raises
    ------
    InputError
        It is.
    """
    if 0 <= target_token < 1:
        raise InputError(
            f"target_token: expected 1 or more, or -1 for none, got {target_token}; rate says "
            "which fraction to keep"
        )


def solid_numbers(context: Sequence[str], ids: Iterable[int]) -> tuple[int, ...]:
    """Turn numbers of contexts into numbers among those that are not blank."""
    wanted = set(ids)
    solid = [index for index, text in enumerate(context) if text.strip()]
    return tuple(number for number, index in enumerate(solid) if index in wanted)


def forced_ranges(text: str, tokens: Iterable[str], *, digits: bool) -> Ranges:
    """Ranges of forced tokens and digits. A token that does not occur has none.

    A token that begins or ends with a letter is not found inside a word, where its script has
    words; each is looked for by itself, so that one may lie inside another.
    """
    found: set[tuple[int, int]] = set()
    for token in filter(None, tokens):
        begins = rf"(?<!{_LETTER})" if re.match(_LETTER, token) else ""
        ends = rf"(?!{_LETTER})" if re.match(_LETTER, token[-1]) else ""
        pattern = begins + re.escape(token) + ends
        found.update(match.span() for match in re.finditer(pattern, text))
    if digits:
        found.update(match.span() for match in re.finditer(r"\d", text))
    return tuple(sorted(found))


def context_rate(contexts: int, tokens: int, options: Llmlingua2Options) -> float:
    """Return the fraction of the contexts to keep at all."""
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


def ranker_of(method: str) -> Ranker | None:
    """Return what ranks documents; ``None``: the causal LM itself."""
    if method == "bm25":
        return Bm25Ranker()
    return CompressionRanker() if method == "gzip" else None


def _scores(engine: Engine, text: str) -> NDArray[np.float32]:
    prompt = Prompt((Segment(text),))
    scored = pruner_of(engine).for_prompt(prompt).scored(prompt, None, second_pass=False)
    return scored[0].scores


def worth(engine: Engine, texts: Sequence[str], method: str, question: str) -> NDArray[np.float64]:
    """How much each text is worth keeping: ``(n,)``, higher = keep; a blank one is worth nothing.

    A classifier: the mean P(keep). A causal LM: see `relevance`, or ``method`` bm25 or gzip.
    """
    result = np.full(len(texts), -math.inf)
    solid = [index for index, text in enumerate(texts) if text.strip()]
    asked = [texts[index] for index in solid]
    if not asked:
        return result
    scorer = engine.scorer
    if isinstance(scorer, ClassifierScorer):
        # What holds no token at all has no mean.
        means = [_scores(engine, text) for text in asked]
        result[solid] = [float(scores.mean()) if len(scores) else -math.inf for scores in means]
    elif ranker := ranker_of(method):
        result[solid] = ranker.rank(asked, question)
    else:
        ids = [scorer.tokenizer.encode(text).ids for text in asked]
        result[solid] = relevance(scorer, ids, question)
    return result
