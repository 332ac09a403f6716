"""An answer of a model behind an endpoint."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from threading import Event
from typing import Any

from edgelingua.budget import Count
from edgelingua.compressed import Compressed
from edgelingua.errors import CapError, InputError, ReaderError
from edgelingua.llama.sampling import Sampling
from edgelingua.prompt import SEPARATOR
from edgelingua.readers.doubt import doubt_of
from edgelingua.readers.endpoint import Endpoint
from edgelingua.readers.heard import Heard, whole
from edgelingua.readers.reader import Asked, Written
from edgelingua.readers.troubles import RefusedError
from edgelingua.selection.rest import Further
from edgelingua.stream import refuse_cancelled
from edgelingua.system.measure import Stopwatch

_TEMPLATE = 64
"""Tokens left for what a chat template puts around a system prompt and a message."""
_NAMED = 8


@dataclass(frozen=True)
class RemoteModel:
    """A model of an endpoint.

    Parameters
    ----------
    endpoint, name
        Where it is, and what it is called there.
    others
        What the endpoint's models are called.
    window
        Tokens of its context; ``None``: not known.
    count
        Counts its tokens.
    """

    endpoint: Endpoint
    name: str
    others: tuple[str, ...]
    window: int | None
    count: Count

    def missing(self) -> str:
        """Return what to say where the endpoint does not have it."""
        has = f"; it has {some(self.others)}" if self.others else ""
        return f"{self.endpoint.url}: no model {self.name!r} there{has}"


def some(names: tuple[str, ...]) -> str:
    """Return the first few of some names."""
    shown = [name[:64] for name in names[:_NAMED]]
    return ", ".join(shown + ["…"] * (len(names) > _NAMED))


class RemoteReading:
    """An answer of an endpoint."""

    def __init__(self, model: RemoteModel, asked: Asked) -> None:
        self._model = model
        self._endpoint = model.endpoint
        self._asked = asked
        self._drawn = _drawn(asked.sampling)
        self._said = ""

    def room(self) -> int:
        """Return the tokens that the endpoint's context leaves for text and question."""
        window, beside = self._model.window, self._beside()
        if window is None:
            raise InputError(
                f"{self._endpoint.url}: does not say how long its context is; give a budget: "
                "Budget(tokens=…), --tokens"
            )
        if window <= beside:
            raise CapError(
                f"{self._endpoint.url}: a context of {window:,} tokens is too small: system "
                f"prompt, template and answer take {beside:,}; ask for a shorter answer"
            )
        return window - beside

    def write(
        self, compressed: Compressed, watch: Stopwatch, cancel: Event
    ) -> Generator[str, None, Written]:
        """Send the text; yield the answer as it comes."""
        self._check_fits(compressed)
        self._said = compressed.text
        return (yield from self._answer(watch, cancel))

    def left(self) -> int:
        """Return the tokens that the endpoint's context has for more text and the question."""
        if self._model.window is None:
            return sys.maxsize
        said = self._model.count(self._said.removesuffix(self._asked.question))
        return self._model.window - self._beside() - said

    def write_on(
        self, further: Further, watch: Stopwatch, cancel: Event
    ) -> Generator[str, None, Written]:
        """Send the same again with more text behind it: what an endpoint has cached it may use."""
        question = self._asked.question
        self._said = f"{self._said.removesuffix(question)}{further.text}{SEPARATOR}{question}"
        return (yield from self._answer(watch, cancel))

    def _answer(self, watch: Stopwatch, cancel: Event) -> Generator[str, None, Written]:
        """Send what is to be said; yield the answer as it comes."""
        system = [{"role": "system", "content": self._asked.system}] if self._asked.system else []
        body = {
            "model": self._model.name,
            "messages": [*system, {"role": "user", "content": self._said}],
            "max_tokens": self._asked.max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
            **self._drawn,
        }
        if self._asked.doubting:
            body["logprobs"] = True
        heard = Heard()
        with closing(self._pieces(body, cancel, heard)) as pieces:
            with watch.stage("prefill"):
                text = next(pieces, "")
            with watch.stage("generate"):
                if text:
                    yield text
                for piece in pieces:
                    text += piece
                    yield piece
        if not text:
            refuse_cancelled(cancel)
        read = self._model.count(self._asked.system) + self._model.count(self._said)
        return Written(
            text=text,
            read=whole(heard.usage.get("prompt_tokens")) or read,
            written=whole(heard.usage.get("completion_tokens")) or self._model.count(text),
            complete=heard.ended not in ("", "length"),
            doubt=self._doubt(text, heard) if self._asked.doubting else None,
        )

    def _doubt(self, text: str, heard: Heard) -> float:
        """Return how unsure the model was, by what the endpoint tells of its tokens."""
        if text and not heard.log_probabilities:
            raise ReaderError(
                f"{self._endpoint.url}: does not tell how likely the tokens of an answer are "
                "(logprobs), so that nobody can say when the model is unsure; ask without "
                "escalate, or choose a server that tells it, such as edgelingua serve"
            )
        return doubt_of(text, heard.log_probabilities)

    def _pieces(
        self, body: dict[str, Any], cancel: Event, heard: Heard
    ) -> Generator[str, None, None]:
        """Yield the answer in pieces, and note what else is heard."""
        longest = most = 1000 * (self._asked.max_tokens + 1000)
        try:
            with closing(self._endpoint.events("/chat/completions", body, cancel)) as events:
                for event in events:
                    piece = heard.piece(event)
                    if (most := most - len(piece)) < 0:
                        raise ReaderError(f"{self._endpoint.url}: does not end its answer")
                    if piece:
                        yield piece
        except RefusedError as error:
            if error.status == 404:
                raise ReaderError(self._model.missing()) from None
            raise
        if cancel.is_set():
            return
        if not heard.ended:
            raise self._endpoint.troubles.broken()
        if heard.thought and heard.ended == "length" and most == longest:
            raise ReaderError(
                f"{self._endpoint.url}: spent all {self._asked.max_tokens} tokens on thinking; "
                "allow a longer answer (--max-tokens), or switch its thinking off"
            )

    def _check_fits(self, compressed: Compressed) -> None:
        window, beside = self._model.window, self._beside()
        if window is not None and compressed.tokens_out + beside > window:
            raise CapError(
                f"{self._endpoint.url}: the compressed prompt has {compressed.tokens_out:,} "
                f"tokens; system prompt, template and answer take {beside:,}, and its context is "
                f"{window:,}: lower the budget"
            )

    def _beside(self) -> int:
        """Tokens of all but text and question."""
        return self._model.count(self._asked.system) + _TEMPLATE + self._asked.max_tokens


def _drawn(sampling: Sampling) -> dict[str, Any]:
    """Return how tokens are drawn, as far as OpenAI's interface can say it."""
    usual = Sampling()
    for name in ("top_k", "min_p", "repeat_penalty", "bias"):
        if getattr(sampling, name) != getattr(usual, name):
            raise InputError(
                f"{name}: OpenAI's interface has no such option; leave it out, or set it where "
                "the endpoint is started"
            )
    drawn: dict[str, Any] = {"temperature": sampling.temperature}
    if sampling.temperature:
        drawn |= {"top_p": sampling.top_p, "seed": sampling.seed}
    for name in ("frequency_penalty", "presence_penalty"):
        if getattr(sampling, name):
            drawn[name] = getattr(sampling, name)
    return drawn
