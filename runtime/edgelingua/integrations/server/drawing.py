"""How the tokens of an answer are drawn, and what it may be."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgelingua.errors import EdgeLinguaError
from edgelingua.integrations.server.chat_layout import ChatLayout
from edgelingua.integrations.server.likelihoods import Likelihoods
from edgelingua.integrations.server.problems import ApiError, of_request
from edgelingua.integrations.server.requests import SEEDS, Request
from edgelingua.kv.session import Session, TokenSampler
from edgelingua.llama.grammar import Grammar
from edgelingua.llama.model import LlamaModel


@dataclass(frozen=True)
class Drawing:
    """Draws for a reader.

    Parameters
    ----------
    reader, chats
        What writes, and the form of chats that it knows.
    cap
        Most tokens in its cache.
    """

    reader: LlamaModel
    chats: ChatLayout
    cap: int

    def sampler(self, request: Request, session: Session, choice: int) -> TokenSampler:
        """Return what draws the tokens of an answer, the number of which is ``choice``."""
        sampling = replace(request.sampling, seed=(request.sampling.seed + choice) % SEEDS)
        grammar = self._grammar(request)
        if grammar or request.tools:
            # JSON repeats its quotes and commas, which must not be held against them.
            sampling = replace(sampling, repeat_penalty=1.0)
        sampler = self.reader.sampler(session, sampling, grammar=grammar)
        if request.logprobs is None:
            return sampler
        return Likelihoods(self.reader, session, sampler, request.logprobs)

    def check(self, request: Request) -> None:
        """Raise `ApiError` for what only the model can tell to be wrong."""
        if wrong := [t for t, _ in request.sampling.bias if t >= self.reader.vocabulary_size]:
            raise ApiError(
                f"Invalid 'logit_bias': token {wrong[0]}, where this model has "
                f"{self.reader.vocabulary_size:,}.",
                code="invalid_value",
                param="logit_bias",
            )
        try:
            self._grammar(request)
        except EdgeLinguaError as error:
            wanted = "tools" if request.tools else "response_format"
            raise of_request(error, wanted, self.cap) from error

    def _grammar(self, request: Request) -> Grammar | None:
        """Return what the answer may be, if not anything."""
        tools, form = request.tools, self.chats.form
        if request.grammar:
            return Grammar(self.reader, request.grammar)
        if tools and (tools.wanted or form.tags):
            return Grammar(self.reader, form.grammar(tools), form.trigger(tools))
        return None
