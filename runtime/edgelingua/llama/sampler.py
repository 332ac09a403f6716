"""How the next token is drawn: llama.cpp's samplers, whose state can be saved."""

from __future__ import annotations

import ctypes
import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgelingua.errors import ReaderError
from edgelingua.llama.engine import LlamaEngine
from edgelingua.llama.grammar import Grammar
from edgelingua.llama.library import llama_cpp
from edgelingua.llama.sampling import Sampling


@dataclass(frozen=True)
class SamplerState:
    """What a sampler remembers: how often it drew, and the last tokens it drew."""

    draws: int = 0
    recent: tuple[int, ...] = ()


class LlamaSampler:
    """llama.cpp's own samplers, in its usual order.

    Parameters
    ----------
    engine
        Its logits are drawn from.
    sampling
        How.
    state
        Goes on where a sampler with this `state` stopped.
    grammar
        What may be drawn; a state does not know how far it has come, so not with both.
    """

    def __init__(
        self,
        engine: LlamaEngine,
        sampling: Sampling,
        state: SamplerState | None = None,
        grammar: Grammar | None = None,
    ) -> None:
        if state is not None and grammar is not None:
            raise ReaderError("a sampler with a grammar cannot go on where another stopped")
        self._engine = engine
        self._sampling = sampling
        self._grammar = grammar
        self.state = state or SamplerState()
        params = llama_cpp.llama_sampler_chain_default_params()
        params.no_perf = True
        self._chain = llama_cpp.llama_sampler_chain_init(params)
        weakref.finalize(self, llama_cpp.llama_sampler_free, self._chain)
        size = engine.model.vocabulary_size
        penalty = llama_cpp.llama_sampler_init_penalties(
            size,
            _REMEMBERED,
            sampling.repeat_penalty,
            sampling.frequency_penalty,
            sampling.presence_penalty,
        )
        biases = (llama_cpp.llama_logit_bias * len(sampling.bias))(*sampling.bias)
        steps = [llama_cpp.llama_sampler_init_logit_bias(size, len(biases), biases), penalty]
        if sampling.temperature == 0:
            steps.append(llama_cpp.llama_sampler_init_greedy())
        else:
            steps += [
                llama_cpp.llama_sampler_init_top_k(sampling.top_k),
                llama_cpp.llama_sampler_init_top_p(sampling.top_p, 1),
                llama_cpp.llama_sampler_init_min_p(sampling.min_p, 1),
                llama_cpp.llama_sampler_init_temp(sampling.temperature),
            ]
        for step in steps:
            llama_cpp.llama_sampler_chain_add(self._chain, step)
        for token in self.state.recent:
            llama_cpp.llama_sampler_accept(self._chain, token)
        self._candidates = np.zeros(engine.model.vocabulary_size, dtype=_CANDIDATE)

    def sample(self) -> int:
        """Draw the next token."""
        token = self._drawn(None)
        if self._grammar is not None:
            if not self._grammar.allows(token):  # rarely: to ask of every token takes long
                token = self._drawn(self._grammar)
            self._grammar.accept(token)
        llama_cpp.llama_sampler_accept(self._chain, token)
        recent = (*self.state.recent, token)[-_REMEMBERED:]
        self.state = SamplerState(self.state.draws + 1, recent)
        return token

    def _drawn(self, grammar: Grammar | None) -> int:
        candidates = self._candidates
        candidates["id"] = np.arange(len(candidates))
        candidates["logit"] = self._engine.logits()
        candidates["p"] = 0
        array = llama_cpp.llama_token_data_array(
            data=candidates.ctypes.data_as(_CANDIDATES), size=len(candidates), selected=-1
        )
        if grammar is not None:
            grammar.mask(array)
            if not np.isfinite(candidates["logit"]).any():
                raise ReaderError("the vocabulary has no token for what the grammar wants")
        llama_cpp.llama_sampler_apply(self._chain, ctypes.byref(array))
        if self._sampling.temperature > 0:
            self._draw(array)
        return int(array.data[array.selected].id)

    def _draw(self, array: Any) -> None:
        """Draw with a seed of its own each time, so that a draw depends on its number alone."""
        seed = np.random.SeedSequence((self._sampling.seed, self.state.draws)).generate_state(1)[0]
        dice = llama_cpp.llama_sampler_init_dist(int(seed) % _RANDOM_SEED)
        llama_cpp.llama_sampler_apply(dice, ctypes.byref(array))
        llama_cpp.llama_sampler_free(dice)


_REMEMBERED = 64
"""Tokens that `Sampling.repeat_penalty` looks back at."""

_RANDOM_SEED = 2**32 - 1
"""What llama.cpp takes for "choose one"."""

_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
_CANDIDATES = ctypes.POINTER(llama_cpp.llama_token_data)
