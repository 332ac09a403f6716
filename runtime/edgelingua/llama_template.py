"""Messages laid out with a model's own chat template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import ReaderError
from edgelingua.llama_library import Jinja2ChatFormatter
from edgelingua.llama_vocabulary import Vocabulary


@dataclass(frozen=True)
class ChatPart:
    """A stretch of a chat prompt: token ids ``(n,)`` int32, and what they come from.

    ``source`` is the index of the message whose content this is, or ``None`` for the template's
    own text.
    """

    tokens: NDArray[np.int32]
    source: int | None


def lay_out(
    vocabulary: Vocabulary, template: str, messages: Sequence[tuple[str, str]]
) -> list[ChatPart]:
    """Lay out (role, content) messages, ready for a reply; see `LlamaModel.chat`."""
    marks = [f"\x02{index}\x03" for index in range(len(messages))]
    rendered = _render(
        vocabulary,
        template,
        [{"role": role, "content": mark} for (role, _), mark in zip(messages, marks, strict=True)],
    )
    parts = []
    begin = vocabulary.begin
    if begin is not None and not rendered.startswith(vocabulary.token_text(begin)):
        parts.append(ChatPart(np.asarray([begin], dtype=np.int32), None))
    for index, (mark, (_, content)) in enumerate(zip(marks, messages, strict=True)):
        before, found, rendered = rendered.partition(mark)
        if not found:
            raise ReaderError(f"{vocabulary.path}: its chat template drops or reorders messages")
        own = vocabulary.tokenize_part(before, special=True, first=index == 0)
        parts.append(ChatPart(own, None))
        parts.append(ChatPart(vocabulary.tokenize_part(content), index))
    parts.append(ChatPart(vocabulary.tokenize_part(rendered, special=True), None))
    return parts


@lru_cache(maxsize=4)
def _formatter(template: str, end: str, first: str) -> Any:
    """Compile a template, which takes longer than to fill it in."""
    return Jinja2ChatFormatter(template, eos_token=end, bos_token=first)


def _render(vocabulary: Vocabulary, template: str, messages: list[dict[str, str]]) -> str:
    try:
        end, first = (vocabulary.token_text(t) for t in (vocabulary.end, vocabulary.first))
        prompt: str = _formatter(template, end, first)(messages=messages).prompt
    except Exception as error:  # templates are programs: anything can come out of one
        hint = ""
        if any(message["role"] == "system" for message in messages):
            hint = "; some templates take no system prompt: try an empty one"
        raise ReaderError(f"{vocabulary.path}: its chat template fails: {error}{hint}") from error
    return prompt
