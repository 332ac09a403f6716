"""JSON objects: their strings are compressed, pairs may go, everything else stays as it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from edgelingua.budget import Budget
from edgelingua.compat import effects
from edgelingua.compat.checks import check_rate
from edgelingua.compat.methods.classifier import pruner_of
from edgelingua.compat.methods.json_config import Entry, checked
from edgelingua.compat.methods.json_plan import Plan, dump, strings
from edgelingua.compat.methods.parts import check_target, within, worth
from edgelingua.compat.methods.pruners import coarse_to_fine, rules_of
from edgelingua.compat.options import CompressOptions, Engine
from edgelingua.compat.result import summary
from edgelingua.compressors import Compressor
from edgelingua.scorers import ClassifierScorer
from edgelingua.system.caller import warn_caller

_TRIES = 4
"""Most runs to meet a target: what JSON adds to the strings is known only once they are chosen."""


def compress(
    engine: Engine,
    json_data: Mapping[str, Any],
    json_config: Mapping[str, Mapping[str, Any]] | str,
    options: CompressOptions,
    given: frozenset[str],
) -> dict[str, Any]:
    """Compress the strings of an object; numbers, keys and the rest stay as they are.

    With the filter of pairs, those that may be removed are ranked, and the best stay, as many as
    fit beside the others; then the strings of those that stay are compressed, each at its rate.
    ``given``: see `effects.given`.
    """
    check_target(options.target_token)
    check_rate("rate", options.rate)
    data, entries = checked(json_data, json_config, options.rate)
    classifier = isinstance(engine.scorer, ClassifierScorer)
    effects.warn("json llmlingua2" if classifier else "json", given, options)
    if not options.filters_text:
        entries = {key: Entry(1.0, False, entry.removable) for key, entry in entries.items()}

    tokens_in = engine.count(dump(data))
    wanted = tokens_in
    if options.target_token > 0:
        wanted = math.floor(options.target_token)
    elif options.use_context_level_filter:
        wanted = math.floor(options.rate * tokens_in)
    left = data
    if options.use_context_level_filter:
        left = _chosen(engine, data, entries, options, wanted)
    plan = Plan(left, entries)
    if plan.places:
        left = _pruned(engine, plan, options, wanted)
    tokens_out = engine.count(dump(left))
    if tokens_out > wanted:
        warn_caller(
            f"{tokens_out} tokens are left of the object, more than the {wanted} wanted: keys, "
            "values that are not compressed and pairs that may not be removed stay"
        )
    return summary("", tokens_in, tokens_out) | {"compressed_prompt": left}


def _chosen(
    engine: Engine,
    data: dict[str, Any],
    entries: Mapping[str, Entry],
    options: CompressOptions,
    wanted: int,
) -> dict[str, Any]:
    """Return the pairs that stay: those that must, and the best of the others that fit."""
    costs = {key: _cost(engine, key, data[key], entries[key]) for key in data}
    staying = {key for key in data if not entries[key].removable}
    room = wanted - engine.count("{}") - sum(costs[key] for key in staying)
    others = [key for key in data if key not in staying]
    if others and room < sum(costs[key] for key in others):
        values = worth(
            engine,
            [dump({key: data[key]})[1:-1] for key in others],
            options.rank_method,
            options.question,
        )
        for index in np.argsort(-values, kind="stable").tolist():
            if costs[others[index]] <= room:
                staying.add(others[index])
                room -= costs[others[index]]
        others = [key for key in others if key not in staying]
        return {key: value for key, value in data.items() if key not in others}
    return data


def _cost(engine: Engine, key: str, value: Any, entry: Entry) -> int:
    """Tokens of a pair once its strings are compressed."""
    tokens = engine.count(dump({key: value})[1:-1] + ", ")
    if entry.compress:
        for _, text in strings(value):
            size = engine.count(text)
            # A string is never emptied.
            tokens -= size - max(1, Budget(rate=entry.rate).limit(size))
    return tokens


def _pruned(engine: Engine, plan: Plan, options: CompressOptions, wanted: int) -> dict[str, Any]:
    """Return the object with its strings compressed, at their rates and within a target."""
    question = options.question if options.contrastive else ""
    compressor: Compressor
    if isinstance(engine.scorer, ClassifierScorer):
        compressor, question = pruner_of(engine, rules_of(engine, options)), ""
    else:
        compressor = coarse_to_fine(engine, options, [])
    prompt = plan.prompt(question)
    fixed = engine.count("".join(s.text for s in prompt.segments if not s.compressible))
    tokens = engine.count(prompt.text)
    if options.target_token > 0:
        tokens += min(0, wanted - engine.count(dump(plan.data)))
    for _ in range(_TRIES):
        tokens = max(fixed, tokens)
        budget = Budget(tokens=tokens, count=engine.count, strict=True)
        # What is too much is said once, of the whole object.
        compressed = within(compressor, prompt, budget, say=False)
        left = plan.result(compressed.segment_texts())
        excess = engine.count(dump(left)) - wanted
        if options.target_token <= 0 or excess <= 0 or tokens == fixed:
            break
        tokens = min(tokens, compressed.tokens_out) - excess
    return left
