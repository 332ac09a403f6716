"""GGUF models through llama.cpp: tokens, chat templates, samplers, and sessions on them.

Uses the low-level API: the high-level ``Llama`` derives positions from its own token count and so
goes wrong once tokens are evicted behind its back.
"""

from __future__ import annotations

import ctypes
import math
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from edgelingua import llama_gate, llama_header, llama_loading, llama_selftest
from edgelingua.cores import available_cores
from edgelingua.errors import CapError, PolicyError, ReaderError, StateError
from edgelingua.kv.interrupts import uninterrupted
from edgelingua.kv.options import CacheOptions, check_cap
from edgelingua.kv.policies import (
    DEFAULT_POLICY,
    LagKV,
    Policy,
    Streaming,
    policy_of,
    unwrapped,
)
from edgelingua.kv.session import Session
from edgelingua.kv.state import Signal
from edgelingua.kv.storage import SavedSession
from edgelingua.llama_engine import LlamaEngine, identity_of
from edgelingua.llama_library import buffers, forget, llama_cpp, why
from edgelingua.llama_sampler import LlamaSampler, SamplerState, Sampling
from edgelingua.llama_template import ChatPart, lay_out
from edgelingua.llama_vocabulary import Vocabulary
from edgelingua.measure import mapped_rss
from edgelingua.safe_files import hash_file

__all__ = ["ChatPart", "LlamaModel", "LlamaSampler", "SamplerState", "Sampling"]

_LISTENED: frozenset[Signal] = frozenset({"queries", "attention"})


class LlamaModel(Vocabulary):
    """A GGUF model: its tokenizer, its chat template, and sessions on it.

    Parameters
    ----------
    path
        The ``.gguf`` file.
    threads
        Threads for reading and writing; 0: one per core this process may use, at most 8. In a
        process forked after they were started there is one, whatever this says.
    vocabulary_only
        Load the tokenizer only, to count tokens: fast, a few megabytes, no sessions.

    Raises
    ------
    ReaderError
        Not a GGUF file, damaged, or an architecture whose cache cannot be capped.
    """

    def __init__(
        self, path: str | Path, *, threads: int = 0, vocabulary_only: bool = False
    ) -> None:
        path = Path(path)
        _check_magic(path)
        forget()
        with uninterrupted():  # it logs through Python
            llama_header.check(path)
            self.handle = llama_loading.load(path, vocabulary_only=vocabulary_only)
            if not self.handle:
                raise ReaderError(
                    f"{path}: llama.cpp cannot load it: {why()}; download it again, or see "
                    "whether this llama-cpp-python knows the architecture"
                )
            weakref.finalize(self, llama_cpp.llama_model_free, self.handle)
        self._buffers = buffers("model")
        super().__init__(path, self.handle)
        self.threads = threads or available_cores()
        self._listening_checked = False
        self._caches_tried: set[tuple[str, str]] = set()
        if not vocabulary_only:
            self._refuse_uncappable()

    @property
    def trained_length(self) -> int:
        """Context length the model was trained for, in tokens."""
        return int(llama_cpp.llama_model_n_ctx_train(self.handle))

    @property
    def window(self) -> int:
        """Positions that sliding-window layers look back; 0: there are none."""
        return int(llama_cpp.llama_model_n_swa(self.handle))

    @property
    def kv_heads(self) -> int:
        """Heads that keys and values have in each layer."""
        return int(llama_cpp.llama_model_n_head_kv(self.handle))

    @cached_property
    def plain_keys(self) -> bool:
        """Whether policies can compare keys and values: the same heads, as they are, in all layers.

        Not where heads differ from layer to layer, nor where the cache holds them compressed (MLA,
        arXiv:2405.04434).
        """
        differ = llama_header.lists(self.path, "attention.head_count_kv")
        return not differ and self._metadata("attention.kv_lora_rank") is None

    @property
    def default_policy(self) -> Policy:
        """`policies.DEFAULT_POLICY`; without `plain_keys`, `policies.Streaming`."""
        return DEFAULT_POLICY if self.plain_keys else Streaming()

    @property
    def quantized_keys_move(self) -> bool:
        """Whether quantized keys can be moved to other positions.

        llama.cpp spoils them where rotary embedding leaves a part of each head alone, and crashes
        where the size of a head is no multiple of 64.
        """
        size = self._head_size("key")
        return size % 64 == 0 and self._number("rope.dimension_count") in (None, size)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file."""
        return hash_file(self.path)

    @property
    def weights_mb(self) -> float:
        """Size of the weights in MB (10^6 bytes)."""
        return float(llama_cpp.llama_model_size(self.handle)) / 1e6

    @property
    def weight_bytes(self) -> int:
        """Memory that the weights take now.

        The file is mapped: of it counts what is in memory, and that can be less than all of it.
        """
        mapped, copied = llama_loading.mapped_and_copied(self._buffers)
        resident = mapped_rss(self.path)
        return copied + (mapped if resident is None else min(mapped, resident))

    @property
    def how_loaded(self) -> str:
        """How the weights are kept in memory, in words; see `llama_loading`."""
        return llama_loading.explain(self._buffers)

    def cell_bytes(self, cache: CacheOptions) -> int:
        """Bytes that one cached token takes in all layers, which must be alike."""
        per_layer = sum(
            _bytes_of(self._head_size(name) * self.kv_heads, kind)
            for name, kind in (("key", cache.keys), ("value", cache.values))
        )
        return per_layer * int(llama_cpp.llama_model_n_layer(self.handle))

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

    def chat(self, messages: Sequence[tuple[str, str]]) -> list[ChatPart]:
        """Lay out (role, content) messages with the model's own template, ready for a reply.

        Contents are tokenized apart from the template, and as letters (`llama_markers`), so that
        nothing written in them can act as one of its control tokens. The template writes roles
        itself: only names are taken for one.

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
        return lay_out(self, self.chat_template, messages)

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
                "this policy compares; choose streaming, h2o or compressor"
            )
        hooks = policy.signals & _LISTENED
        if hooks and self.window:
            raise PolicyError(
                f"{self.path}: its sliding-window layers have an attention of their own, which "
                "this policy cannot use; choose one that needs neither queries nor attention"
            )
        if (
            isinstance(unwrapped(policy), LagKV)
            and cache
            and (cache.keys, cache.values) != ("f16", "f16")
        ):
            raise PolicyError(
                "lagkv compares channels one by one, and llama.cpp mixes the channels of quantized "
                "keys and values where it stores them: keep both in f16, or choose another policy"
            )
        return replace(cache or CacheOptions(), hooks=hooks, queries=policy.queries)

    def sampler(
        self, session: Session, sampling: Sampling, state: SamplerState | None = None
    ) -> LlamaSampler:
        """Return a sampler that draws from a session of this model.

        ``state``: that of another sampler, to go on where it stopped.
        """
        engine = session.engine
        if not isinstance(engine, LlamaEngine) or engine.model is not self:
            raise ReaderError("the session is not one of this model")
        return LlamaSampler(engine, sampling, state)

    def _try_quantized(self, cache: CacheOptions) -> None:
        """Warn of a quantized cache that the model does not stand; tried once for each."""
        types = (cache.keys, cache.values)
        if types in self._caches_tried or types == ("f16", "f16") or not self.has_text:
            return
        self._caches_tried.add(types)
        llama_gate.warn_if_rough(self, cache)

    def _check_listening(self) -> None:
        """Run the self-test, once for each model loaded."""
        if not self._listening_checked:
            llama_selftest.check(self)
            self._listening_checked = True

    def _number(self, key: str) -> int | None:
        """Return a number from the file's metadata, below the architecture's name."""
        found = self._metadata(key)
        return int(found) if found is not None and found.isdecimal() else None

    def _metadata(self, key: str) -> str | None:
        """Return an entry of the file's metadata, below the architecture's name."""
        buffer = ctypes.create_string_buffer(64)
        found = llama_cpp.llama_model_meta_val_str(
            self.handle, b"general.architecture", buffer, len(buffer)
        )
        name = buffer.value + f".{key}".encode()
        found = llama_cpp.llama_model_meta_val_str(self.handle, name, buffer, len(buffer))
        return buffer.value.decode(errors="replace") if found > 0 else None

    def _head_size(self, name: str) -> int:
        """Size of a key or a value in one head."""
        width = int(llama_cpp.llama_model_n_embd(self.handle))
        heads = int(llama_cpp.llama_model_n_head(self.handle))
        return self._number(f"attention.{name}_length") or width // heads

    def _refuse_uncappable(self) -> None:
        for refused, what in (
            (llama_cpp.llama_model_is_recurrent(self.handle), "is recurrent"),
            (llama_cpp.llama_model_is_hybrid(self.handle), "is partly recurrent"),
            (llama_cpp.llama_model_has_encoder(self.handle), "has an encoder"),
            (llama_cpp.llama_model_is_diffusion(self.handle), "writes by diffusion"),
            (self._metadata("attention.causal") == "false", "reads in both directions"),
        ):
            if refused:
                raise ReaderError(
                    f"{self.path}: this model {what}; only decoders with a plain KV cache can be "
                    "capped"
                )


def _bytes_of(values: int, kind: str) -> int:
    """Bytes that a row of numbers takes in a cache type."""
    return {"f16": 2 * values, "q8_0": values // 32 * 34, "q4_0": values // 32 * 18}[kind]


def _check_magic(path: Path) -> None:
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise ReaderError(f"{path}: cannot be read ({error.strerror})") from None
    if magic != b"GGUF":
        raise ReaderError(f"{path}: not a GGUF file: it starts with {magic!r}, not b'GGUF'")
