"""From options to what the library takes: methods, budgets, pins, counters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from edgelingua.budget import Budget, Count
from edgelingua.cli.console import usage
from edgelingua.cli.output import say
from edgelingua.compressed import Compressed
from edgelingua.compressors import METHODS, Pruner, default_method, find_method
from edgelingua.errors import InputError, MissingExtraError
from edgelingua.llama.counting import count_of
from edgelingua.models import registry
from edgelingua.prompt import Pin as PinOf
from edgelingua.text.counting import ESTIMATE, counted_in, counter

if TYPE_CHECKING:
    from edgelingua.compressors.scope import Rewritten
    from edgelingua.index import SentenceIndex
    from edgelingua.llama.heads import ReaderHeads
    from edgelingua.llama.model import LlamaModel
    from edgelingua.planner.pace import Pace
    from edgelingua.readers.escalation import Escalation


def check_no_others(given: Mapping[str, Any], reason: str) -> None:
    """Refuse options that mean nothing here: those that have a value."""
    for name, value in given.items():
        if value is not None and value is not False:
            raise typer.BadParameter(reason, param_hint=f"'--{name.replace('_', '-')}'")


def with_second_pass(compressor: Pruner, second_pass: bool | None, question: str) -> Pruner:
    """Return the compressor with a second pass, or without, if it is one that can make it.

    ``None``: it chooses.
    """
    if second_pass is None:
        return compressor
    with usage("--second-pass" if second_pass else "--no-second-pass"):
        if not question.strip():
            raise InputError("it needs a --question")
        return compressor.with_options(second_pass=second_pass)


def read_index(path: Path, method: str | None) -> SentenceIndex:
    """Return the index in a file, for the method named or the default."""
    from edgelingua.index import SentenceIndex

    if method not in (None, "cpc"):
        raise typer.BadParameter(
            f"it is for the method cpc, not for {method}", param_hint="--index"
        )
    return SentenceIndex.load(path)


def method_for(name: str | None, model: str | None, *, ranker: str | None, question: str) -> str:
    """Return the method named, or the default, if it can go with the other options."""
    if name is None:
        name = default_method(model, question=bool(question.strip()))
    with usage("--method"):
        method = find_method(name)
    with usage("--ranker"):
        find_method(name, ranker=ranker is not None)
    if method.needs_question and not question.strip():
        raise typer.BadParameter(f"{name} needs a --question")
    return name


def looking_of(
    heads: str | None, method: str, reader: str | None, threads: int
) -> ReaderHeads | None:
    """Return the heads of --heads, of the --reader or the default one; ``None``: none are named."""
    if heads is None:
        return None
    with usage("--heads"):
        if method != "ehpc":
            raise InputError(f"it is for the method ehpc, not for {method}")
        pairs = [re.fullmatch(r"\s*(\d{1,4})\.(\d{1,4})\s*", one) for one in heads.split(",")]
        chosen = [(int(pair[1]), int(pair[2])) for pair in pairs if pair]
        if len(chosen) < len(pairs):
            raise InputError(f"{heads!r}: expected LAYER.HEAD,… counted from 0, such as 15.6,18.2")
    from edgelingua.llama.heads import ReaderHeads
    from edgelingua.llama.model import LlamaModel

    llama = LlamaModel(reader or registry.DEFAULT_READER, threads=threads)
    with usage("--heads"):
        return ReaderHeads(llama, chosen)


def pins_of(texts: Sequence[str] | None, patterns: Sequence[str] | None) -> list[PinOf]:
    """Return what must survive: texts, and what regular expressions match."""
    pins: list[PinOf] = list(texts or ())
    if "" in pins:
        raise typer.BadParameter("it is empty", param_hint="'--pin'")
    if "" in (patterns or ()):
        raise typer.BadParameter("it is empty", param_hint="'--pin-pattern'")
    for number, pattern in enumerate(patterns or (), start=1):
        try:
            pins.append(re.compile(pattern))
        except re.error as error:  # whose message may quote the pattern
            where = "" if error.pos is None else f", see its character {error.pos + 1}"
            raise typer.BadParameter(
                f"number {number} is not a regular expression{where}", param_hint="'--pin-pattern'"
            ) from None
    return pins


def budget_of(
    tokens: int | None, rate: float | Literal["auto"] | None, floor: float | None = None
) -> Budget:
    """Return the budget of --tokens or --rate, and --floor, a percentage."""
    if tokens is not None and rate is not None:
        raise typer.BadParameter("give --tokens or --rate, not both")
    with usage("--rate" if tokens is None else "--tokens"):
        if floor is None:
            return Budget(tokens=tokens, rate=rate)
    with usage("--floor"):
        return Budget(tokens=tokens, rate=rate, floor=floor / 100)


def escalation_of(escalate: bool, doubt: float | None) -> bool | Escalation:
    """Return what --escalate and --doubt ask for."""
    if doubt is None:
        return escalate
    if not escalate:
        raise typer.BadParameter("it is for --escalate", param_hint="'--doubt'")
    from edgelingua.readers.escalation import Escalation

    with usage("--doubt"):
        return Escalation(doubt=doubt)


def pace_of(llama: LlamaModel, method: str, model: str | None, seconds: float | None) -> Pace:
    """Return what --rate auto goes by."""
    from edgelingua.planner.pace import Pace

    bundle = "" if METHODS[method].task is None else Path(model or registry.DEFAULT_CLASSIFIER).name
    return Pace.of(llama.path, bundle, method, seconds=seconds)


def compression_statistics(compressed: Compressed | Rewritten) -> dict[str, Any]:
    """Return how much went in and came out, and the bundle that chose."""
    return {
        "tokens_in": compressed.tokens_in,
        "tokens_out": compressed.tokens_out,
        "limit": compressed.limit,
        "model": compressed.model,
    }


def count_like(reader: str | None, counting: str | None = None) -> tuple[Count, str]:
    """Return what counts tokens, and whose those are.

    Parameters
    ----------
    reader
        Those of a reader; ``None``: of the default one, if it is here, else an estimate.
    counting
        Those of a file, instead.
    """
    if counting is not None:
        if reader is not None:
            raise typer.BadParameter("give --count or --reader, not both")
        with usage("--count"):
            count = counter(counting)
        return count, counted_in(count)
    if reader is None:
        reader = registry.DEFAULT_READER
        if registry.fetched(reader) is None:
            say(
                f"warning: tokens are estimated, rather too high: {reader}, whose tokens count by "
                f"default, has not been fetched (edgelingua models fetch {reader})"
            )
            return ESTIMATE, ESTIMATE.name
    if find_spec("llama_cpp") is None:
        from edgelingua.llama.build import INSTALLING, PACKAGE

        error = MissingExtraError(PACKAGE, "llama", INSTALLING)
        say(f"warning: {error}. Tokens are estimated instead, rather too high")
        return ESTIMATE, ESTIMATE.name
    path = registry.find_reader(reader)
    if reader not in registry.REGISTRY:
        from edgelingua.llama.model import LlamaModel

        return LlamaModel(path, vocabulary_only=True).count, path.name
    return count_of(path), path.name
