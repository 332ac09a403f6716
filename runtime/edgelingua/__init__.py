"""edgelingua: prompt compression and capped-memory generation for language models on the device.

Names are imported when first used: ``import edgelingua`` loads no model library.
"""

from __future__ import annotations

import os

from edgelingua.lazy import TYPE_CHECKING, attach

__version__ = "0.2.0"

# onnxruntime from 1.31 on reports its use to Microsoft, and writes a device id, unless
# this is set when it is imported. What is compressed on a device is nobody's business.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from edgelingua.assistant import Assistant, Reply
    from edgelingua.budget import Budget
    from edgelingua.bundle.bundle import ModelBundle
    from edgelingua.chat import Chat, ChatReply
    from edgelingua.compressed import Compressed
    from edgelingua.compressors import METHODS, Compressor, DocumentFilter, Pruner, load_compressor
    from edgelingua.errors import CancelledError, EdgeLinguaError
    from edgelingua.history import History, Turn
    from edgelingua.index import SentenceIndex
    from edgelingua.kv.memory import Memory
    from edgelingua.kv.options import CacheOptions
    from edgelingua.kv.policies import DEFAULT_POLICY, POLICIES, Policy, load_policy
    from edgelingua.kv.session import Session
    from edgelingua.llama.memory_adapter import MemoryAdapter
    from edgelingua.llama.model import LlamaModel
    from edgelingua.llama.sampling import Sampling
    from edgelingua.models.registry import find_bundle, find_reader
    from edgelingua.ort.session import RunOptions
    from edgelingua.prompt import Pin, Prompt, Segment
    from edgelingua.readers.escalation import Escalation
    from edgelingua.readers.reader import Reader
    from edgelingua.readers.remote import RemoteReader
    from edgelingua.recovery import Citation, Recovered
    from edgelingua.recursive import RecursiveMemory
    from edgelingua.remembering import remember
    from edgelingua.scorers.classifier import ClassifierScorer
    from edgelingua.scorers.encoder import SentenceEncoder
    from edgelingua.scorers.perplexity import PerplexityScorer
    from edgelingua.scores import Scorer, TokenScores
    from edgelingua.selection.units import Level, Rules
    from edgelingua.stream import Stream

__all__ = [
    "DEFAULT_POLICY",
    "METHODS",
    "POLICIES",
    "Assistant",
    "Budget",
    "CacheOptions",
    "CancelledError",
    "Chat",
    "ChatReply",
    "Citation",
    "ClassifierScorer",
    "Compressed",
    "Compressor",
    "DocumentFilter",
    "EdgeLinguaError",
    "Escalation",
    "History",
    "Level",
    "LlamaModel",
    "Memory",
    "MemoryAdapter",
    "ModelBundle",
    "PerplexityScorer",
    "Pin",
    "Policy",
    "Prompt",
    "Pruner",
    "Reader",
    "Recovered",
    "RecursiveMemory",
    "RemoteReader",
    "Reply",
    "Rules",
    "RunOptions",
    "Sampling",
    "Scorer",
    "Segment",
    "SentenceEncoder",
    "SentenceIndex",
    "Session",
    "Stream",
    "TokenScores",
    "Turn",
    "find_bundle",
    "find_reader",
    "load_compressor",
    "load_policy",
    "remember",
]

__getattr__, __dir__ = attach(
    __name__,
    {
        "Assistant": "assistant",
        "Budget": "budget",
        "CacheOptions": "kv.options",
        "CancelledError": "errors",
        "Chat": "chat",
        "ChatReply": "chat",
        "Citation": "recovery",
        "ClassifierScorer": "scorers.classifier",
        "Compressed": "compressed",
        "Compressor": "compressors",
        "DEFAULT_POLICY": "kv.policies",
        "DocumentFilter": "compressors",
        "EdgeLinguaError": "errors",
        "Escalation": "readers.escalation",
        "History": "history",
        "Level": "selection.units",
        "LlamaModel": "llama.model",
        "METHODS": "compressors",
        "Memory": "kv.memory",
        "MemoryAdapter": "llama.memory_adapter",
        "ModelBundle": "bundle.bundle",
        "POLICIES": "kv.policies",
        "PerplexityScorer": "scorers.perplexity",
        "Pin": "prompt",
        "Policy": "kv.policies",
        "Prompt": "prompt",
        "Pruner": "compressors",
        "Reader": "readers.reader",
        "Recovered": "recovery",
        "RecursiveMemory": "recursive",
        "RemoteReader": "readers.remote",
        "Reply": "assistant",
        "Rules": "selection.units",
        "RunOptions": "ort.session",
        "Sampling": "llama.sampling",
        "Scorer": "scores",
        "Segment": "prompt",
        "SentenceEncoder": "scorers.encoder",
        "SentenceIndex": "index",
        "Session": "kv.session",
        "Stream": "stream",
        "TokenScores": "scores",
        "Turn": "history",
        "find_bundle": "models.registry",
        "find_reader": "models.registry",
        "load_compressor": "compressors",
        "load_policy": "kv.policies",
        "remember": "remembering",
    },
    renamed={"Conversation": "History"},
)
