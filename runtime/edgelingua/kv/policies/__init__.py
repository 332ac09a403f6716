"""Token-eviction policies: one file each, pure functions of a view of the cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edgelingua.errors import PolicyError
from edgelingua.kv.policies.chunked import Chunked
from edgelingua.kv.policies.compressor import Compressor
from edgelingua.kv.policies.h2o import H2O
from edgelingua.kv.policies.keydiff import KeyDiff
from edgelingua.kv.policies.knorm import KNorm
from edgelingua.kv.policies.lagkv import LagKV
from edgelingua.kv.policies.random import Random
from edgelingua.kv.policies.snapkv import SnapKV
from edgelingua.kv.policies.streaming import Streaming
from edgelingua.kv.policies.tova import Tova
from edgelingua.kv.policy import Policy

__all__ = [
    "H2O",
    "POLICIES",
    "Chunked",
    "Compressor",
    "KNorm",
    "KeyDiff",
    "LagKV",
    "Policy",
    "PolicyInfo",
    "Random",
    "SnapKV",
    "Streaming",
    "Tova",
    "load_policy",
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


def load_policy(name: str) -> Policy:
    """Return a policy by its name, with its default options.

    Raises
    ------
    PolicyError
        There is none of this name.
    """
    if name not in POLICIES:
        raise PolicyError(f"no policy {name!r}; there are {', '.join(POLICIES)}")
    return POLICIES[name].make()
