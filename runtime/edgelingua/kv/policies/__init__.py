"""Token-eviction policies: one file each, pure functions of a view of the cells."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, fields, replace
from typing import Any

from edgelingua.errors import PolicyError
from edgelingua.kv.policies.blocked import Blocked
from edgelingua.kv.policies.chunked import Chunked
from edgelingua.kv.policies.compressor import Compressor
from edgelingua.kv.policies.h2o import H2O
from edgelingua.kv.policies.keydiff import KeyDiff
from edgelingua.kv.policies.knorm import KNorm
from edgelingua.kv.policies.lagkv import LagKV
from edgelingua.kv.policies.phrased import Phrased
from edgelingua.kv.policies.random import Random
from edgelingua.kv.policies.snapkv import SnapKV
from edgelingua.kv.policies.streaming import Streaming
from edgelingua.kv.policies.tova import Tova
from edgelingua.kv.policies.windowed import Windowed
from edgelingua.kv.policy import Around, Policy
from edgelingua.kv.state import Signal

__all__ = [
    "DEFAULT_POLICY",
    "H2O",
    "POLICIES",
    "WRAPPERS",
    "Blocked",
    "Chunked",
    "Compressor",
    "KNorm",
    "KeyDiff",
    "LagKV",
    "Phrased",
    "Policy",
    "PolicyInfo",
    "Random",
    "SnapKV",
    "Streaming",
    "Tova",
    "Windowed",
    "WrapperInfo",
    "default_policy",
    "load_policy",
    "name_of",
    "names_without",
    "policy_of",
    "unwrapped",
]


@dataclass(frozen=True)
class PolicyInfo:
    """A policy as users choose it: what it keeps, where that was published, what it costs."""

    make: Callable[[], Policy]
    summary: str
    source: str
    cost: str


_KEYS = "reads the cache at each eviction"
_QUERIES = "as keydiff; a hook on the queries before each eviction"

POLICIES: Mapping[str, PolicyInfo] = {
    "streaming": PolicyInfo(
        Streaming, "the first tokens and the most recent ones", "arXiv:2309.17453", "nothing"
    ),
    "keydiff": PolicyInfo(KeyDiff, "keys unlike the others", "arXiv:2504.15364", _KEYS),
    "knorm": PolicyInfo(KNorm, "keys with a small norm", "arXiv:2406.11430", _KEYS),
    "lagkv": PolicyInfo(
        LagKV, "what varies most on the next chunk's scale", "arXiv:2504.04704", _KEYS
    ),
    "tova": PolicyInfo(Tova, "what the last token attends to", "arXiv:2401.06104", _QUERIES),
    "snapkv": PolicyInfo(SnapKV, "what the last window attends to", "arXiv:2404.14469", _QUERIES),
    "h2o": PolicyInfo(
        H2O,
        "what got most attention so far, and recent tokens",
        "arXiv:2306.14048",
        "no flash attention; a hook on all attention weights",
    ),
    "compressor": PolicyInfo(
        Compressor, "what the prompt compressor scored highest", "edgelingua", "nothing"
    ),
    "random": PolicyInfo(Random, "chance: a baseline", "", "nothing"),
}
"""Name → policy, with its default options."""


@dataclass(frozen=True)
class WrapperInfo:
    """What goes around any policy, as `PolicyInfo`; it is made of a policy and a number."""

    make: Callable[[Policy, int], Policy]
    summary: str
    source: str
    cost: str


WRAPPERS: Mapping[str, WrapperInfo] = {
    "smooth": WrapperInfo(
        Chunked, "N neighbours are scored alike", "as arXiv:2502.00299", "nothing"
    ),
    "phrase": WrapperInfo(
        Phrased, "whole stretches of N stay, wherever they begin", "edgelingua", "nothing"
    ),
    "window": WrapperInfo(
        Windowed,
        "N % of the cells go to the most recent tokens",
        "as arXiv:2306.14048",
        "nothing",
    ),
    "block": WrapperInfo(
        Blocked,
        "N go at once, then none until the cache is full again",
        "hysteresis",
        "the policy is asked once in N tokens; up to N cells lie idle",
    ),
}
"""Option → wrapper, the innermost first."""

DEFAULT_POLICY: Policy = Windowed(Phrased(KNorm(recent=0)))
"""The policy of a session for which none was chosen; chosen here and nowhere else.

Of what ``benchmarks/kv/summary.md`` compares, it finds more facts than `Streaming` and truncation
do, and reads on about as well. It needs no hook; it reads the cache at each eviction.
"""


def default_policy(*, compares_keys: bool) -> Policy:
    """Return `DEFAULT_POLICY`, or `Streaming` for a model whose keys cannot be compared."""
    return DEFAULT_POLICY if compares_keys else Streaming()


def names_without(signals: Set[Signal]) -> list[str]:
    """Return the names of the policies that need none of ``signals``, baselines aside."""
    made = {name: info.make() for name, info in POLICIES.items() if info.source}
    return [name for name, policy in made.items() if not policy.signals & signals]


def load_policy(
    name: str,
    *,
    recent: int | None = None,
    smooth: int | None = None,
    phrase: int | None = None,
    window: int | None = None,
    block: int | None = None,
) -> Policy:
    """Return a policy by its name, with its default options, in the wrappers asked for.

    Parameters
    ----------
    name
        One of `POLICIES`.
    recent
        How many of the last tokens stay in any case; ``None``: as many as by default.
    smooth
        Neighbours that are scored alike, see `Chunked`.
    phrase
        Positions in a stretch that stays whole, see `Phrased`.
    window
        Percent of the cells for the most recent tokens, see `Windowed`.
    block
        Tokens that go at once, see `Blocked`.

    Raises
    ------
    PolicyError
        There is none of this name, or a number out of range.
    """
    if name not in POLICIES:
        raise PolicyError(f"no policy {name!r}; there are {', '.join(POLICIES)}")
    made: Any = POLICIES[name].make()  # all of them have recent tokens
    policy: Policy = made if recent is None else replace(made, recent=recent)
    sizes = {"smooth": smooth, "phrase": phrase, "window": window, "block": block}
    for option, wrapper in WRAPPERS.items():
        size = sizes[option]
        if size is not None:
            policy = wrapper.make(policy, size)
    return policy


def unwrapped(policy: Policy) -> Policy:
    """Return the policy inside all wrappers."""
    while isinstance(policy, Around):
        policy = policy.policy
    return policy


def name_of(policy: Policy) -> str:
    """Return what a policy is called, with the options that choose it: ``knorm, phrase 12``.

    One that is none of ours is called by its ``repr``.
    """
    names: dict[type, str] = {type(info.make()): name for name, info in POLICIES.items()}
    options: Mapping[Any, str] = {info.make: option for option, info in WRAPPERS.items()}
    inner: Any = unwrapped(policy)
    if type(inner) not in names:
        return repr(policy)
    parts = [names[type(inner)]]
    parts += [
        f"{field.name} {getattr(inner, field.name)}"
        for field in fields(inner)
        if getattr(inner, field.name) != field.default
    ]
    around: list[str] = []
    while isinstance(policy, Around):
        if type(policy) not in options:
            return repr(policy)
        (size,) = (
            getattr(policy, field.name) for field in fields(policy) if field.name != "policy"
        )
        around.insert(0, f"{options[type(policy)]} {size}")
        policy = policy.policy
    return ", ".join(parts + around)


def policy_of(description: str) -> Policy | None:
    """Return the policy whose ``repr`` this is, with its options; ``None`` if it is none of ours.

    Raises
    ------
    PolicyError
        It is one of ours, with options out of range.
    """
    if len(description) > 500:
        return None
    try:
        policy = _made(ast.parse(description, mode="eval").body)
    except (SyntaxError, TypeError, ValueError, MemoryError, RecursionError):
        return None
    return policy if repr(policy) == description else None


def _made(node: ast.expr) -> Policy:
    """Call one of our classes with numbers, and nothing else that an expression can say."""
    makes: list[Any] = [info.make for info in POLICIES.values()]
    makes += [info.make for info in WRAPPERS.values()]
    known = {make.__name__: make for make in makes}
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        raise ValueError("not the name of a class, called")
    if node.func.id not in known:
        raise ValueError(f"no policy {node.func.id}")
    make = known[node.func.id]
    defaults = {field.name: field.default for field in fields(make)}
    options: dict[str, Any] = {}
    for keyword in node.keywords:
        name, value = keyword.arg or "", keyword.value
        if name == "policy":
            options[name] = _made(value)
        elif isinstance(value, ast.Constant) and type(value.value) is type(defaults.get(name)):
            options[name] = value.value
    if any(number >= 2**31 for name, number in options.items() if name != "policy"):
        raise ValueError("more than any cache has cells")
    made: Policy = make(**options)
    return made
