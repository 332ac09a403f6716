"""From options to a cap and a policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from edgelingua.cli.console import usage
from edgelingua.kv.options import CacheOptions, check_cap
from edgelingua.models import registry

if TYPE_CHECKING:
    # Imported by the commands that need them: llama.cpp takes a while.
    from edgelingua.kv.memory import Memory
    from edgelingua.kv.policies import Policy
    from edgelingua.llama.model import LlamaModel
    from edgelingua.readers.capped import CappedReader


def policy_of(
    name: str | None,
    *,
    recent: int | None,
    smooth: int | None,
    phrase: int | None,
    window: int | None,
    block: int | None,
) -> Policy | None:
    """The policy named; ``None``: the session's own choice, which has options of its own."""
    options = {
        "recent": recent,
        "smooth": smooth,
        "phrase": phrase,
        "window": window,
        "block": block,
    }
    if name is not None:
        with usage():
            from edgelingua.kv.policies import load_policy

            return load_policy(name, **options)
    for option, value in options.items():
        if value is not None:
            raise typer.BadParameter(f"--{option} without --policy: name the policy it is for")
    return None


def cap_of_cache(
    llama: LlamaModel, cap: int | None, megabytes: float | None, cache: CacheOptions
) -> int:
    """Return the most cells, of --cap or --cap-mb; 1024 by default."""
    if cap is not None and megabytes is not None:
        raise typer.BadParameter("give --cap or --cap-mb, not both")
    if megabytes is not None:
        with usage("--cap-mb"):
            return llama.cap_of(megabytes, cache)
    if cap is None:
        return min(1024, llama.trained_length)
    with usage("--cap"):
        check_cap(cap, llama.trained_length)
    return cap


def capped_reader(
    name: str,
    *,
    cap: int | None,
    megabytes: float | None,
    policy: Policy | None,
    cache: CacheOptions,
    threads: int,
    memories: Sequence[Memory] = (),
) -> CappedReader:
    """Load a reader that answers under a cap."""
    # llama_cpp takes a while to import, and an endpoint's reader can do without.
    from edgelingua.llama.model import LlamaModel
    from edgelingua.readers.capped import CappedReader

    llama = LlamaModel(registry.find_reader(name), threads=threads)
    cells = cap_of_cache(llama, cap, megabytes, cache)
    with usage():
        llama.cache_options(policy, cache)
    return CappedReader(llama, cap=cells, policy=policy, cache=cache, memories=memories)
