"""The tools: compress, recover, count, plan."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from threading import Event
from typing import Annotated, Any, ParamSpec, TypeVar

import anyio
import anyio.to_thread
from mcp.server.mcpserver.exceptions import ResourceNotFoundError, ToolError
from pydantic import Field

from edgelingua.budget import Budget
from edgelingua.compressors import Compressor
from edgelingua.errors import EdgeLinguaError, InputError
from edgelingua.integrations.mcp.results import Compression, Plan, Quotation, Recovery, Tokens
from edgelingua.integrations.mcp.shelf import Shelf
from edgelingua.prompt import Prompt, without_question
from edgelingua.scores import Progress
from edgelingua.stream import heeding
from edgelingua.text.counting import counted_in

URI = "edgelingua://dropped/{id}"
_GAP = "\n[…]\n"

Text = Annotated[str, Field(description="The text.")]
File = Annotated[
    str, Field(description="A UTF-8 text file: its name in the folder that the server may read.")
]
Question = Annotated[
    str,
    Field(description="What will be asked about the text: keeps what answers it. Empty: none."),
]
Most = Annotated[int | None, Field(description="Most tokens to keep; give this or rate, not both.")]
Rate = Annotated[
    float | None, Field(description="Fraction of the tokens to keep, 0 to 1; default 0.5.")
]
Pins = Annotated[
    list[str], Field(description="Passages of the text that must survive as they are.")
]
Id = Annotated[str, Field(description="The id that compress returned.")]
Answer = Annotated[
    str,
    Field(description="An answer that quotes the compressed text. Empty: return the original."),
]
Cap = Annotated[int, Field(description="Tokens of the context that it has to fit in.", ge=1)]
Reserve = Annotated[int, Field(description="Tokens to leave for the answer.", ge=0)]

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def told(
    tool: Callable[Arguments, Coroutine[Any, Any, Result]],
) -> Callable[Arguments, Coroutine[Any, Any, Result]]:
    """Return a tool whose errors the client is told."""

    @functools.wraps(tool)
    async def telling(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            return await tool(*args, **kwargs)
        except EdgeLinguaError as error:
            raise ToolError(str(error)) from None

    return telling


class Tools:
    """What the server can do; one text is compressed at a time.

    Parameters
    ----------
    compressor
        Compresses; its count counts.
    read
        Returns the text of a file by its name; ``None``: no file is ever read.
    """

    def __init__(self, compressor: Compressor, read: Callable[[str], str] | None = None) -> None:
        self._compressor = compressor
        self._count = compressor.count
        self._counted_in = counted_in(compressor.count)
        self._read = read
        self._shelf = Shelf()
        self._one = anyio.CapacityLimiter(1)

    @told
    async def compress(
        self,
        text: Text,
        question: Question = "",
        tokens: Most = None,
        rate: Rate = None,
        pin: Pins = [],  # noqa: B006 - the default in the schema; never changed
    ) -> Compression:
        """Shorten a long text to a budget of tokens, keeping what matters.

        Nothing is rewritten: the result is slices of the text, in their order. Give a question if
        there is one. What was left out can be had back with recover.
        """
        return await self._aside(
            lambda progress: self._compressed(text, question, _budget(tokens, rate), pin, progress)
        )

    @told
    async def compress_file(
        self,
        file: File,
        question: Question = "",
        tokens: Most = None,
        rate: Rate = None,
        pin: Pins = [],  # noqa: B006
    ) -> Compression:
        """Shorten a long text file, as compress does, without reading it into the conversation."""
        read = self._read
        if read is None:
            raise InputError("no folder was opened to this server")
        return await self._aside(
            lambda progress: self._compressed(
                read(file), question, _budget(tokens, rate), pin, progress
            )
        )

    @told
    async def recover(self, id: Id, answer: Answer = "") -> Recovery:  # noqa: A002
        """Return an answer in the words of the original text, with the places that it quotes.

        Without an answer: the original text itself, as it was before it was compressed.
        """
        compressed = self._shelf.get(id)
        if not answer:
            return Recovery(compressed.prompt.segments[0].text, [])
        found = await anyio.to_thread.run_sync(lambda: compressed.recover(answer))
        places = [Quotation(each.text, *each.source) for each in found.citations]
        return Recovery(found.text, places)

    @told
    async def count(self, text: Text) -> Tokens:
        """Count the tokens of a text."""
        return Tokens(await self._counted(text), self._counted_in)

    @told
    async def plan(
        self, text: Text, cap: Cap, question: Question = "", answer: Reserve = 512
    ) -> Plan:
        """Tell whether a text fits a context beside a question and an answer, or how much of it."""
        before, asked = await self._counted(text), await self._counted(question)
        room = cap - asked - answer
        if room < 1:
            raise InputError(
                f"a cap of {cap:,} tokens has no room for a text: the question takes {asked:,}, "
                f"the answer {answer:,}; at least {asked + answer + 1:,} are needed"
            )
        after = Budget(tokens=room).limit(before)
        return Plan(
            fits=before <= room,
            tokens_in=before,
            tokens_out=after,
            rate=round(after / max(1, before), 4),
            question_tokens=asked,
            answer_tokens=answer,
            cap=cap,
            counted_in=self._counted_in,
        )

    async def dropped(self, id: str) -> str:  # noqa: A002 - as in the address
        """What a compression left out: the passages in their order, a mark between two."""
        try:
            compressed = self._shelf.get(id)
        except InputError as error:
            raise ResourceNotFoundError(str(error)) from None
        text, at, passages = compressed.prompt.segments[0].text, 0, []
        for start, end in [*compressed.spans.tolist(), [len(text), len(text)]]:
            passages.append(text[at:start].strip())
            at = end
        return _GAP.join(filter(None, passages))

    def _compressed(
        self, text: str, question: str, budget: Budget, pins: list[str], progress: Progress
    ) -> Compression:
        prompt = Prompt.build(text, question=question, pin=pins, structure="compress")
        before = self._count(text)
        # The budget is the text's: what is counted is without the question.
        own = Budget(tokens=budget.limit(before), count=without_question(self._count, question))
        compressed = self._compressor.compress(prompt, own, progress)
        key, kept = self._shelf.put(compressed), compressed.segment_texts()[0]
        return Compression(
            text=kept,
            tokens_in=before,
            tokens_out=self._count(kept),
            limit=compressed.limit,
            counted_in=self._counted_in,
            id=key,
            dropped=URI.format(id=key),
            model=compressed.model,
        )

    async def _counted(self, text: str) -> int:
        return await anyio.to_thread.run_sync(lambda: self._count(text))

    async def _aside(self, work: Callable[[Progress], Result]) -> Result:
        """Work in a thread, one at a time; what its client has cancelled ends at its next step."""
        cancel = Event()
        try:
            return await anyio.to_thread.run_sync(
                lambda: work(heeding(cancel)), limiter=self._one, abandon_on_cancel=True
            )
        finally:
            cancel.set()


def _budget(tokens: int | None, rate: float | None) -> Budget:
    if tokens is not None and rate is not None:
        raise InputError("give tokens or rate, not both")
    return Budget(tokens=tokens, rate=0.5 if tokens is None and rate is None else rate)
