"""Messages laid out with a model's own chat template."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import InputError, ReaderError
from edgelingua.llama.hidden import Hidden
from edgelingua.llama.vocabulary import Vocabulary
from edgelingua.system.bounded import Bounds, ForeignError, foreign

_BOUNDS = Bounds(seconds=20, megabytes=256)
_KNOWN = frozenset(
    {"872be49dbb638044ad01b60388f48d469ff2980e5f0dccdc22ec907db54d0788"}
)  # SmolLM2's
"""SHA-256 of templates that are rendered in this process; all others are under `_BOUNDS`."""
_ROLE = re.compile(r"[\w .-]{1,64}")
"""Templates write roles among their own control tokens, so that one must not spell any."""


Said = tuple[tuple[str, str, str], ...]
"""Messages for a template: role, content, and the calls of tools as JSON."""


@dataclass(frozen=True)
class ChatPart:
    """A stretch of a chat prompt: token ids ``(n,)`` int32, and what they come from.

    ``source`` is the index of the message whose content this is, or ``None`` for the template's
    own text.
    """

    tokens: NDArray[np.int32]
    source: int | None


def lay_out(
    vocabulary: Vocabulary,
    template: str,
    messages: Sequence[tuple[str, str]],
    tools: Sequence[Mapping[str, Any]] = (),
    calls: Mapping[int, Sequence[Mapping[str, Any]]] | None = None,
) -> list[ChatPart]:
    """Lay out (role, content) messages, ready for a reply; see `LlamaModel.chat`."""
    hidden = Hidden(vocabulary)
    for role, _ in messages:
        if not _ROLE.fullmatch(role):
            raise InputError(
                f"a role of {len(role)} characters that is no name: expected letters, digits, "
                "hyphens, as in system, user, assistant or tool"
            )
    marks = [f"\x02{index}\x03" for index in range(len(messages))]
    called = {index: hidden.of(list(own)) for index, own in (calls or {}).items() if own}
    # Templates leave out what a message says beside calls, or write a line for it if there is none.
    said = tuple(
        (role, mark if content or index not in called else "", json.dumps(called.get(index)))
        for index, ((role, content), mark) in enumerate(zip(messages, marks, strict=True))
    )
    rendered = _render(vocabulary, template, said, json.dumps(hidden.of(list(tools))))
    parts = []
    begin = vocabulary.begin
    if begin is not None and not rendered.startswith(vocabulary.token_text(begin)):
        parts.append(ChatPart(np.asarray([begin], dtype=np.int32), None))
    for index, (mark, (_, content)) in enumerate(zip(marks, messages, strict=True)):
        before, found, behind = rendered.partition(mark)
        if not found and index in called:
            continue
        if not found:
            raise ReaderError(f"{vocabulary.path}: its chat template drops or reorders messages")
        rendered = behind
        parts.append(ChatPart(hidden.tokenized(before, first=index == 0), None))
        parts.append(ChatPart(vocabulary.tokenize_part(content), index))
    parts.append(ChatPart(hidden.tokenized(rendered), None))
    return parts


def last_message(parts: Sequence[ChatPart]) -> int:
    """Return the index of the part that is the content of the last message."""
    return max(at for at, part in enumerate(parts) if part.source is not None)


def _render(vocabulary: Vocabulary, template: str, said: Said, tools: str) -> str:
    try:
        end, first = (vocabulary.token_text(t) for t in (vocabulary.end, vocabulary.first))
        return _rendered(template, end, first, said, tools, date.today())
    except ForeignError as error:
        hint = ""
        if any(role == "system" for role, *_ in said):
            hint = "; some templates take no system prompt: try an empty one"
        raise ReaderError(f"{vocabulary.path}: its chat template fails: {error}{hint}") from None


@lru_cache(maxsize=64)
def _rendered(template: str, end: str, first: str, said: Said, tools: str, _: date) -> str:
    """Render a template, which may say what day it is.

    Since only marks stand for contents, a chat needs but a few renderings.
    """
    trusted = hashlib.sha256(template.encode()).hexdigest() in _KNOWN
    factory = "edgelingua.llama.template_engine:Engine"
    engine = foreign(factory, template, end, first, bounds=_BOUNDS, trusted=trusted)
    try:
        prompt: str = engine.call("render", said, tools, bounds=_BOUNDS)
    finally:
        engine.close()
    return prompt
