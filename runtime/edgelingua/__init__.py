"""edgelingua: prompt compression and capped-memory generation for language models on the device.

Names are imported when first used: ``import edgelingua`` loads no model library.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# onnxruntime from 1.31 on reports its use to Microsoft, and writes a device id, unless
# this is set when it is imported. What is compressed on a device is nobody's business.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from edgelingua.assistant import Assistant, Reply
    from edgelingua.budget import Budget
    from edgelingua.bundle import ModelBundle
    from edgelingua.chat import Chat
    from edgelingua.compressed import Compressed
    from edgelingua.compressors import load_compressor
    from edgelingua.conversation import Conversation, Turn
    from edgelingua.llama import LlamaModel, Sampling
    from edgelingua.prompt import Prompt, Segment
    from edgelingua.scorers import ClassifierScorer, PerplexityScorer

_HOMES = {
    "Assistant": "assistant",
    "Budget": "budget",
    "Chat": "chat",
    "ClassifierScorer": "scorers",
    "Compressed": "compressed",
    "Conversation": "conversation",
    "LlamaModel": "llama",
    "ModelBundle": "bundle",
    "PerplexityScorer": "scorers",
    "Prompt": "prompt",
    "Reply": "assistant",
    "Sampling": "llama",
    "Segment": "prompt",
    "Turn": "conversation",
    "load_compressor": "compressors",
}

__all__ = [
    "Assistant",
    "Budget",
    "Chat",
    "ClassifierScorer",
    "Compressed",
    "Conversation",
    "LlamaModel",
    "ModelBundle",
    "PerplexityScorer",
    "Prompt",
    "Reply",
    "Sampling",
    "Segment",
    "Turn",
    "load_compressor",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'edgelingua' has no attribute {name!r}")
    return getattr(import_module(f"edgelingua.{_HOMES[name]}"), name)
