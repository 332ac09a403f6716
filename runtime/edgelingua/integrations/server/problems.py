"""Errors as OpenAI's clients expect them."""

from __future__ import annotations

from typing import Any

from edgelingua.errors import BudgetError, CapError, EdgeLinguaError, InputError

TOO_LONG = "context_length_exceeded"


class ApiError(Exception):
    """An error that the client is told.

    Parameters
    ----------
    message
        What was expected, what came, what to do; nothing of a prompt.
    status
        HTTP's number.
    code, param
        What of OpenAI's codes it is, and which field is meant.
    headers
        Sent with it.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        code: str | None = None,
        param: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        """Return the error object."""
        return {
            "error": {
                "message": str(self),
                "type": "server_error" if self.status >= 500 else "invalid_request_error",
                "param": self.param,
                "code": self.code,
            }
        }


def of_request(error: EdgeLinguaError, param: str, cap: int) -> ApiError:
    """Return what to tell of an error that a request's text brought about, under a cap."""
    if isinstance(error, CapError | BudgetError):
        # Many clients know what is too long by these words only, OpenAI's and Anthropic's.
        words = (
            f"The prompt is too long. This model's maximum context length is {cap} tokens; the "
            "part that cannot be compressed takes more"
        )
        return ApiError(f"{words}: {error}.", code=TOO_LONG, param=param)
    code = "invalid_value" if isinstance(error, InputError) else None
    return ApiError(str(error), code=code, param=param)
