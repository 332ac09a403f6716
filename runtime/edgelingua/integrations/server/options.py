"""How a server behaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgelingua.errors import InputError
from edgelingua.system.addresses import is_loopback

if TYPE_CHECKING:
    from edgelingua.llama.model import Sampling


def _warm() -> Sampling:
    from edgelingua.llama.model import Sampling

    return Sampling(temperature=0.7)


@dataclass(frozen=True, kw_only=True)
class Listening:
    """Where a server listens, to whom, and within what limits.

    Parameters
    ----------
    host, port
        Where it listens; port 0 takes a free one.
    api_key
        What clients have to say; ``None``: nothing, and only this machine may ask.
    body_mb
        Largest request in MB (10^6 bytes).
    waiting
        Most requests that wait while one is served; more are told to come back.
    seconds
        Longest time for a request. What has been written by then is the answer.
    drain
        Seconds that requests have to end when the server is told to stop.

    Raises
    ------
    InputError
        Another address than loopback without a key, or an empty one.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    api_key: str | None = None
    body_mb: float = 4.0
    waiting: int = 8
    seconds: float = 600.0
    drain: float = 30.0

    def __post_init__(self) -> None:
        if self.api_key is not None:
            # As from a file that ends with a line break; clients' keys are stripped too.
            object.__setattr__(self, "api_key", self.api_key.strip())
        if self.api_key == "":
            raise InputError("the API key is empty; leave it out to serve this machine only")
        if self.api_key is None and not is_loopback(self.host):
            raise InputError(
                f"others could ask at {self.host}: give an API key, or listen to 127.0.0.1"
            )


@dataclass(frozen=True, kw_only=True)
class ServerOptions(Listening):
    """How a server with a reader of its own behaves.

    Parameters
    ----------
    name
        What the model is called in requests.
    max_tokens
        Longest answer, and how long one may be where a request does not say.
    sampling
        How tokens are drawn where a request does not say.
    """

    name: str
    max_tokens: int = 1024
    sampling: Sampling = field(default_factory=_warm)
