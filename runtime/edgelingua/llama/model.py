"""GGUF models through llama.cpp: tokens, chat templates, samplers, and sessions on them.

Uses the low-level API: the high-level ``Llama`` derives positions from its own token count and so
goes wrong once tokens are evicted behind its back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgelingua.errors import CapError, PolicyError, ReaderError, StateError
from edgelingua.kv.options import CacheOptions, check_cap
from edgelingua.kv.policies import Policy, default_policy, names_without, policy_of
from edgelingua.kv.session import Session
from edgelingua.kv.state import Signal
from edgelingua.kv.storage import SavedSession
from edgelingua.llama import cache_check, self_test
from edgelingua.llama.engine import LlamaEngine, identity_of
from edgelingua.llama.grammar import Grammar
from edgelingua.llama.sampler import LlamaSampler, SamplerState
from edgelingua.llama.sampling import Sampling
from edgelingua.llama.template import ChatPart, lay_out
from edgelingua.llama.weights import Weights
from edgelingua.models.registry import find_reader

__all__ = ["ChatPart", "LlamaModel", "LlamaSampler", "SamplerState", "Sampling"]

_LISTENED: frozenset[Signal] = frozenset({"queries", "attention"})


class LlamaModel(Weights):
    """A GGUF model: its tokenizer, its chat template, and sessions on it.

    Parameters
    ----------
    path
        The ``.gguf`` file. A text that names none is looked up as `find_reader` does: a known
        model, which is fetched if need be, or ``hub:OWNER/NAME/FILE.gguf``.
    threads
        Threads for reading and writing; 0: one per core this process may use, at most 8. In a
        process forked after they were started there is one, whatever this says.
    vocabulary_only
        Load the tokenizer only, to count tokens: fast, a few megabytes, no sessions.

    Raises
    ------
    ReaderError
        Not a GGUF file, damaged, or an architecture whose cache cannot be capped.
    ModelNotFoundError, FetchError
        Neither a file nor a model that is known, or it could not be fetched.
    """

    def __init__(
        self, path: str | Path, *, threads: int = 0, vocabulary_only: bool = False
    ) -> None:
        if isinstance(path, str) and not Path(path).is_file():
            path = find_reader(path)
        super().__init__(path, threads=threads, vocabulary_only=vocabulary_only)
        self._listening_checked = False
        self._caches_tried: set[tuple[str, str]] = set()

    @property
    def default_policy(self) -> Policy:
        """`policies.default_policy`, which depends on `plain_keys`."""
        return default_policy(compares_keys=self.plain_keys)

    def cap_of(self, megabytes: float, cache: CacheOptions | None = None) -> int:
        """Return the most cells whose cache takes at most so many MB (10^6 bytes).

        llama.cpp allocates cells by the 256.

        Raises
        ------
        CapError
            Not even the smallest cache fits.
        """
        size = 256 * self.cell_bytes(cache or CacheOptions())
        if not size <= megabytes * 1e6 < math.inf:
            raise CapError(
                f"a cache of {megabytes} MB: expected at least {size / 1e6:.1f}, which is 256 "
                "cells of this model"
            )
        return min(self.trained_length, int(megabytes * 1e6 / size) * 256)

    def chat(
        self,
        messages: Sequence[tuple[str, str]],
        tools: Sequence[Mapping[str, Any]] = (),
        calls: Mapping[int, Sequence[Mapping[str, Any]]] | None = None,
    ) -> list[ChatPart]:
        """Lay out (role, content) messages with the model's own template, ready for a reply.

        Contents are tokenized apart from the template, and as letters (`llama.markers`), so that
        nothing written in them can act as one of its control tokens. The template writes roles
        itself: only names are taken for one.

        Parameters
        ----------
        messages
            What was said.
        tools
            Definitions of tools, for templates that write them; they cannot forge control tokens.
        calls
            The calls of tools in a message, by its index.

        Raises
        ------
        InputError
            A role is no name: ``system``, ``user``, ``assistant``, ``tool``, …
        ReaderError
            The model has no template, or it does not accept these messages.
        """
        if not self.chat_template:
            raise ReaderError(
                f"{self.path}: has no chat template; use a model tuned for instructions or chat"
            )
        return lay_out(self, self.chat_template, messages, tools, calls)

    def session(
        self,
        cap: int,
        policy: Policy | None = None,
        *,
        cache: CacheOptions | None = None,
        block: int | None = None,
    ) -> Session:
        """Open a session whose cache holds at most ``cap`` tokens.

        Parameters
        ----------
        cap
            Most cells in use.
        policy
            Decides which tokens go; ``None``: `default_policy`.
        cache
            How the cache is kept.
        block
            Tokens evicted at a time, see `Session`; also `policies.Blocked`.

        Raises
        ------
        CapError
            The cap is below 2 or above `trained_length`.
        PolicyError
            The policy needs what this cache or model cannot give.
        ReaderError
            llama.cpp cannot allocate the cache, or what it lets be overheard is not as expected.

        Warns with `RoughCacheWarning` where the model does not stand a quantized cache.
        """
        check_cap(cap, self.trained_length)
        self._try_quantized(cache or CacheOptions())
        policy = policy or self.default_policy
        return Session(self.engine(cap, policy, cache), cap, policy, block=block)

    def restore(
        self, path: str | Path, policy: Policy | None = None
    ) -> tuple[Session, Mapping[str, Any]]:
        """Open a session where one was saved; return it with its notes.

        Parameters
        ----------
        path
            A file that `Session.save` wrote with this model.
        policy
            The policy of then; ``None`` finds it, options and all, if it is one of `policies`.

        Raises
        ------
        StateError
            The file is damaged, or belongs to another model, library or policy.
        """
        saved = SavedSession.read(Path(path))
        try:
            policy = policy or policy_of(saved.policy)
            if policy is None:
                raise StateError(
                    f"saved with {saved.policy}, which is none of edgelingua's policies; take it "
                    "up in Python, and give that policy"
                )
            if not isinstance(saved.identity["flash_attention"], bool):
                raise StateError("it does not say whether flash attention was on")
            cache = CacheOptions(
                keys=saved.identity["keys"],
                values=saved.identity["values"],
                flash_attention=saved.identity["flash_attention"],
                # A step never takes more than the cap, nor the cap more than the trained length.
                chunk=min(saved.counts["chunk"], self.trained_length),
            )
            # Before the engine, which sets aside memory for as many cells as the file says.
            saved.check(identity_of(self, cache), policy, self.trained_length)
            session = Session.restored(
                saved, self.engine(saved.counts["cap"], policy, cache), policy
            )
        except KeyError as error:
            raise StateError(f"{path}: it does not say its {error}; save it again") from None
        except (CapError, PolicyError, ReaderError, StateError) as error:
            raise StateError(f"{path}: {error}") from None
        return session, saved.notes

    def engine(
        self, cap: int, policy: Policy | None = None, cache: CacheOptions | None = None
    ) -> LlamaEngine:
        """Return an engine that can give what a policy needs; see `session`."""
        options = self.cache_options(policy, cache)
        if options.hooks:
            self._check_listening()
        return LlamaEngine(self, cap, options)

    def cache_options(
        self, policy: Policy | None = None, cache: CacheOptions | None = None
    ) -> CacheOptions:
        """Return how the cache is kept for a policy; ``None``: `default_policy`.

        Raises
        ------
        PolicyError
            The policy needs what this cache or model cannot give.
        """
        policy = policy or self.default_policy
        if policy.signals & {"keys", "values"} and not self.plain_keys:
            raise PolicyError(
                f"{self.path}: its layers do not all keep keys and values of the same heads, which "
                "this policy compares; choose one of "
                + ", ".join(names_without({"keys", "values"}))
            )
        hooks = policy.signals & _LISTENED
        if hooks and self.window:
            raise PolicyError(
                f"{self.path}: its sliding-window layers have an attention of their own, which "
                "this policy cannot use; choose one that needs neither queries nor attention"
            )
        cache = cache or CacheOptions()
        if not {cache.keys, cache.values} <= policy.cache_types:
            raise PolicyError(
                f"this policy cannot work on a cache in {cache.keys}/{cache.values}; keep keys and "
                f"values in {' or '.join(sorted(policy.cache_types))}, or choose another policy"
            )
        return replace(cache, hooks=hooks, queries=policy.queries)

    def sampler(
        self,
        session: Session,
        sampling: Sampling,
        state: SamplerState | None = None,
        grammar: Grammar | None = None,
    ) -> LlamaSampler:
        """Return a sampler that draws from a session of this model.

        ``state``: that of another sampler, to go on where it stopped. ``grammar``: what may be
        drawn.
        """
        engine = session.engine
        if not isinstance(engine, LlamaEngine) or engine.model is not self:
            raise ReaderError("the session is not one of this model")
        return LlamaSampler(engine, sampling, state, grammar)

    def write(self, messages: Sequence[tuple[str, str]], limit: int, rules: str = "") -> str:
        """Reply to (role, content) messages, the likeliest tokens, in a session of its own.

        Parameters
        ----------
        messages
            As for `chat`.
        limit
            Most tokens of the reply.
        rules
            A grammar (GBNF) that it is held to; nothing: it is free.

        Raises
        ------
        CapError
            Messages and reply are longer than the model was trained for.
        ReaderError
            As `chat`; or llama.cpp does not take the grammar.
        """
        tokens = np.concatenate([part.tokens for part in self.chat(messages)])
        session = self.session(len(tokens) + limit)
        session.feed(tokens)
        grammar = Grammar(self, rules) if rules else None
        sampler = self.sampler(session, Sampling(repeat_penalty=1.0), grammar=grammar)
        return "".join(self.stream_text(session.generate(sampler, limit, self.stop_tokens)))

    def _try_quantized(self, cache: CacheOptions) -> None:
        """Warn of a quantized cache that the model does not stand; tried once for each."""
        types = (cache.keys, cache.values)
        if types in self._caches_tried or types == ("f16", "f16") or not self.has_text:
            return
        self._caches_tried.add(types)
        cache_check.warn_if_rough(self, cache)

    def _check_listening(self) -> None:
        """Run the self-test, once for each model loaded."""
        if not self._listening_checked:
            self_test.check(self)
            self._listening_checked = True
