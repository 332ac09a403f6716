"""What OpenAI's clients expect in a reply: completions, chunks of them, usage."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from edgelingua.integrations.server import logprobs
from edgelingua.integrations.server.events import DONE, event
from edgelingua.integrations.server.laid import Laid
from edgelingua.integrations.server.requests import Request
from edgelingua.integrations.server.written import Finish, Piece


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
        self._offsets = [0] * request.choices  # characters of each answer sent so far
        self._calls = [0] * request.choices  # and calls

    def whole(self, pieces: Sequence[Piece], finishes: Sequence[Finish]) -> dict[str, Any]:
        """Return a reply in one piece."""
        choices = []
        for finish in finishes:
            own = [piece for piece in pieces if piece.choice == finish.choice]
            tokens = tuple(token for piece in own for token in piece.tokens)
            text = "".join(piece.text for piece in own)
            choice = self._choice(Piece(text, finish.choice, tokens), finish)
            if self._request.chat:
                calls = [call.value for piece in own for call in piece.calls]
                said = text or (None if calls else "")
                choice["message"] = {"role": "assistant", "content": said, "refusal": None}
                if calls:
                    choice["message"]["tool_calls"] = calls
            else:
                choice["text"] = text
            choices.append(choice)
        kind = "chat.completion" if self._request.chat else "text_completion"
        return self._object(kind, choices) | {
            "usage": self._usage(finishes),
            "edgelingua": self._compression(finishes),
        }

    def opening(self) -> list[bytes]:
        """Return the chunks before the text: a chat's say who speaks."""
        if not self._request.chat:
            return []
        said = {"role": "assistant", "content": ""}
        return [self._chunk(said, Piece("", choice)) for choice in range(self._request.choices)]

    def piece(self, piece: Piece) -> list[bytes]:
        """Return the chunks of a piece: of its text, if there is any, and of each call."""
        chunks = []
        if piece.text:
            said = {"content": piece.text} if self._request.chat else piece.text
            chunks.append(self._chunk(said, piece))
        for call in piece.calls:
            value = {"index": self._calls[piece.choice], **call.value}
            self._calls[piece.choice] += 1
            chunks.append(self._chunk({"tool_calls": [value]}, Piece("", piece.choice)))
        return chunks

    def ending(self, finish: Finish) -> bytes:
        """Return the chunk that says why an answer ended."""
        return self._chunk({} if self._request.chat else "", Piece("", finish.choice), finish)

    def closing(self, finishes: Sequence[Finish]) -> list[bytes]:
        """Return the chunks behind all answers: the usage, if it was asked for, and the end."""
        if not self._request.include_usage:
            return [DONE]
        return [event(self._object(self._chunk_kind, []) | {"usage": self._usage(finishes)}), DONE]

    @property
    def _chunk_kind(self) -> str:
        return "chat.completion.chunk" if self._request.chat else "text_completion"

    def _choice(self, piece: Piece, finish: Finish | None) -> dict[str, Any]:
        told = None
        if piece.tokens and self._request.chat:
            told = logprobs.of_chat(piece.tokens)
        elif piece.tokens:
            told = logprobs.of_text(piece.tokens, self._offsets[piece.choice])
        self._offsets[piece.choice] += len(piece.text)
        reason = finish.reason if finish else None
        return {"index": piece.choice, "logprobs": told, "finish_reason": reason}

    def _chunk(
        self, said: dict[str, Any] | str, piece: Piece, finish: Finish | None = None
    ) -> bytes:
        choice = self._choice(piece, finish) | {"delta" if self._request.chat else "text": said}
        chunk = self._object(self._chunk_kind, [choice])
        if self._request.include_usage:
            chunk["usage"] = None
        if finish:
            chunk["edgelingua"] = self._compression([finish])
        return event(chunk)

    def _object(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": kind,
            "created": self._created,
            "model": self._request.model,
            "choices": choices,
        }

    def _usage(self, finishes: Sequence[Finish]) -> dict[str, Any]:
        read, written = len(self._laid.tokens), sum(finish.written for finish in finishes)
        return {
            "prompt_tokens": read,
            "completion_tokens": written,
            "total_tokens": read + written,
            "prompt_tokens_details": {"cached_tokens": finishes[0].cached},
        }

    def _compression(self, finishes: Sequence[Finish]) -> dict[str, Any]:
        return {
            "tokens_before": self._laid.before,
            "tokens_read": len(self._laid.tokens),
            "compressed": [asdict(change) for change in self._laid.changes],
            "evicted": sum(finish.evicted for finish in finishes),
            "seconds_compressing": round(self._laid.seconds, 3),
            "seconds_reading": round(sum(f.seconds_reading for f in finishes), 3),
        }


def header(laid: Laid) -> dict[str, str]:
    """Return the header that says in short what was compressed."""
    said = f"before={laid.before}, read={len(laid.tokens)}, compressed={len(laid.changes)}"
    return {"x-edgelingua": said}
