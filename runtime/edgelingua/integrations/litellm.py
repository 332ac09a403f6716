"""LiteLLM: a guardrail for its proxy, which compresses the messages that go through it.

It is named in the proxy's ``config.yaml``, see docs/frameworks.md; LiteLLM and edgelingua stand in
one environment (``pip install 'edgelingua[litellm]' 'litellm[proxy]'``). LiteLLM's SDK takes the
messages that `MessageCompressor.compress` returns, and needs none of this.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgelingua.compressors import load_compressor
from edgelingua.errors import MissingExtraError
from edgelingua.integrations.messages import MessageCompressor
from edgelingua.integrations.proxy.options import OnFailure

try:
    from litellm.integrations.custom_guardrail import CustomGuardrail
except ModuleNotFoundError as error:
    raise MissingExtraError(str(error.name), "litellm") from error


class EdgeLinguaGuardrail(CustomGuardrail):  # type: ignore[misc]  # its types need its proxy
    """Compresses tool results, documents and old turns before a call.

    Parameters
    ----------
    rate, keep_up_to, documents, pin, on_failure, state
        See `MessageCompressor`; ``litellm_params`` of ``config.yaml`` name them.
    litellm
        What LiteLLM says of a guardrail: its name, when it runs.
    """

    def __init__(
        self,
        *,
        rate: float = 0.5,
        keep_up_to: int = 256,
        documents: bool = False,
        pin: str | list[str] | None = None,
        on_failure: OnFailure = "open",
        state: str | None = None,
        **litellm: Any,
    ) -> None:
        super().__init__(**litellm)
        self._messages = MessageCompressor(
            load_compressor(),
            rate=rate,
            keep_up_to=keep_up_to,
            documents=documents,
            pin=pin or (),
            on_failure=on_failure,
            state=Path(state) if state else None,
        )

    async def async_pre_call_hook(
        self, user_api_key_dict: Any, cache: Any, data: dict[str, Any], call_type: str
    ) -> dict[str, Any]:
        """Put compressed messages into a request."""
        if isinstance(data.get("messages"), list):
            data["messages"] = await self._messages.acompress(data["messages"])
        return data
