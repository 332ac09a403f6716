"""How a proxy behaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from edgelingua.budget import Budget
from edgelingua.errors import InputError
from edgelingua.integrations.server.options import Listening
from edgelingua.system.addresses import check_url

OnFailure = Literal["open", "closed"]
"""What becomes of a request that the compressor fails on: passed on as it came, or refused."""


@dataclass(frozen=True, kw_only=True)
class ProxyOptions(Listening):
    """How a proxy behaves.

    Parameters
    ----------
    upstream
        The server behind it: ``http://127.0.0.1:11434``, ``https://api.openai.com/v1``.
    rate
        The fraction of tokens that a text may keep where a request does not say; 1 compresses what
        requests ask for only.
    keep_up_to
        Texts of at most this many tokens are passed on as they are.
    documents
        Whether a long last turn of the user is compressed too, but for its first line and its end.
    on_failure
        See `OnFailure`.
    recover_tool
        Whether models get a tool that asks back what was left out.
    compress_seconds
        Longest time for the compression of a request.
    clients
        Most requests at a time; more are told to come back. Of compressions, ``waiting`` wait.
    seconds
        Longest silence of the server behind it.

    Raises
    ------
    InputError
        As `Listening`, or an upstream that is no URL or brings a password, or a rate out of range.
    """

    upstream: str
    rate: float = 0.5
    keep_up_to: int = 256
    documents: bool = False
    on_failure: OnFailure = "open"
    recover_tool: bool = False
    compress_seconds: float = 60.0
    clients: int = 256
    body_mb: float = 32.0
    waiting: int = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        check_url(self.upstream, "the upstream")
        Budget(rate=self.rate)
        if self.on_failure not in get_args(OnFailure):
            raise InputError(f"on failure: expected open or closed, got {self.on_failure!r}")
