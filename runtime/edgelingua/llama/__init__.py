"""GGUF models through llama.cpp."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgelingua.lazy import attach

if TYPE_CHECKING:
    from edgelingua.llama.model import LlamaModel
    from edgelingua.llama.sampler import LlamaSampler, SamplerState
    from edgelingua.llama.sampling import Sampling
    from edgelingua.llama.template import ChatPart

__all__ = ["ChatPart", "LlamaModel", "LlamaSampler", "SamplerState", "Sampling"]

__getattr__, __dir__ = attach(
    __name__,
    {
        "ChatPart": "template",
        "LlamaModel": "model",
        "LlamaSampler": "sampler",
        "SamplerState": "sampler",
        "Sampling": "sampling",
    },
)
