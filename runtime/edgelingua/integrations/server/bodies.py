"""What OpenAI's clients expect in a reply: completions, chunks of them, usage."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import asdict
from typing import Any

from edgelingua.integrations.server.answering import Finish
from edgelingua.integrations.server.laid import Laid
from edgelingua.integrations.server.requests import Request

DONE = b"data: [DONE]\n\n"


class Body:
    """Writes the reply to a request, in one piece or in chunks.

    Parameters
    ----------
    request, laid
        What was asked, and how it was laid out.
    """

    def __init__(self, request: Request, laid: Laid) -> None:
        self._request = request
        self._laid = laid
        prefix = "chatcmpl-" if request.chat else "cmpl-"
        self._id = prefix + secrets.token_hex(12)
        self._created = int(time.time())

    def whole(self, text: str, finish: Finish) -> dict[str, Any]:
        """Return a reply in one piece."""
        choice: dict[str, Any] = {"index": 0, "finish_reason": finish.reason, "logprobs": None}
        if self._request.chat:
            choice["message"] = {"role": "assistant", "content": text, "refusal": None}
        else:
            choice["text"] = text
        kind = "chat.completion" if self._request.chat else "text_completion"
        return self._object(kind, [choice]) | {
            "usage": self._usage(finish),
            "edgelingua": self._compression(finish),
        }

    def opening(self) -> list[bytes]:
        """Return the chunks before the text: a chat's says who speaks."""
        return [self._chunk({"role": "assistant", "content": ""})] if self._request.chat else []

    def piece(self, text: str) -> bytes:
        """Return the chunk of a piece of text."""
        return self._chunk({"content": text} if self._request.chat else text)

    def closing(self, finish: Finish) -> list[bytes]:
        """Return the chunks behind the text: why it ended, and the usage if it was asked for."""
        chunks = [self._chunk({} if self._request.chat else "", finish)]
        if self._request.include_usage:
            usage = self._object(self._chunk_kind, []) | {"usage": self._usage(finish)}
            chunks.append(event(usage))
        return [*chunks, DONE]

    @property
    def _chunk_kind(self) -> str:
        return "chat.completion.chunk" if self._request.chat else "text_completion"

    def _chunk(self, said: dict[str, str] | str, finish: Finish | None = None) -> bytes:
        choice = {
            "index": 0,
            "delta" if self._request.chat else "text": said,
            "logprobs": None,
            "finish_reason": finish.reason if finish else None,
        }
        chunk = self._object(self._chunk_kind, [choice])
        if self._request.include_usage:
            chunk["usage"] = None
        if finish:
            chunk["edgelingua"] = self._compression(finish)
        return event(chunk)

    def _object(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": kind,
            "created": self._created,
            "model": self._request.model,
            "choices": choices,
        }

    def _usage(self, finish: Finish) -> dict[str, Any]:
        read = len(self._laid.tokens)
        return {
            "prompt_tokens": read,
            "completion_tokens": finish.written,
            "total_tokens": read + finish.written,
            "prompt_tokens_details": {"cached_tokens": finish.cached},
        }

    def _compression(self, finish: Finish) -> dict[str, Any]:
        return {
            "tokens_before": self._laid.before,
            "tokens_read": len(self._laid.tokens),
            "compressed": [asdict(change) for change in self._laid.changes],
            "evicted": finish.evicted,
            "seconds_compressing": round(self._laid.seconds, 3),
            "seconds_reading": round(finish.seconds_reading, 3),
        }


def header(laid: Laid) -> dict[str, str]:
    """Return the header that says in short what was compressed."""
    said = f"before={laid.before}, read={len(laid.tokens)}, compressed={len(laid.changes)}"
    return {"x-edgelingua": said}


def event(data: dict[str, Any]) -> bytes:
    """Return a server-sent event."""
    return b"data: " + json.dumps(data, separators=(",", ":")).encode() + b"\n\n"
