"""Haystack's own pipelines, with a component that compresses."""

from __future__ import annotations

import asyncio
import os
from inspect import signature
from typing import Any

os.environ.setdefault("HAYSTACK_TELEMETRY_ENABLED", "False")

import pytest
from haystack import Document, Pipeline
from haystack.components.builders import PromptBuilder
from haystack.components.retrievers.in_memory import InMemoryBM25Retriever
from haystack.document_stores.in_memory import InMemoryDocumentStore

from edgelingua.errors import BudgetError
from edgelingua.integrations.haystack import EdgeLinguaCompressor

from .conftest import ANSWER, QUESTION

TEMPLATE = "{% for d in documents %}{{ d.content }}\n{% endfor %}{{ question }}"


def test_a_pipeline_asks_with_less(parts: list[str]) -> None:
    store = InMemoryDocumentStore()
    store.write_documents([Document(content=t, meta={"page": n}) for n, t in enumerate(parts)])
    pipeline = Pipeline()
    pipeline.add_component("retriever", InMemoryBM25Retriever(store, top_k=3))
    pipeline.add_component("compressor", EdgeLinguaCompressor(tokens=150, pin=["Geneva"]))
    pipeline.add_component("prompt", PromptBuilder(TEMPLATE))
    pipeline.connect("retriever.documents", "compressor.documents")
    pipeline.connect("compressor.documents", "prompt.documents")
    asking = {
        "retriever": {"query": QUESTION},
        "compressor": {"query": QUESTION},
        "prompt": {"question": QUESTION},
    }
    done = pipeline.run(asking, include_outputs_from={"compressor"})
    asked = done["prompt"]["prompt"]
    assert ANSWER in asked
    assert "Geneva" in asked
    assert done["compressor"]["tokens_out"] <= 150 < done["compressor"]["tokens_in"]
    for document in done["compressor"]["documents"]:
        whole = parts[document.meta["page"]]
        spans = document.meta["edgelingua_spans"]
        assert document.content == "".join(whole[a:b] for a, b in spans)
    ours: Any = pipeline.get_component("compressor")
    given = [Document(content=text) for text in parts]
    assert asyncio.run(ours.run_async(given, QUESTION)) == ours.run(given, QUESTION)

    # Haystack 3 loads what it is told to trust; 2 loads all.
    known = signature(Pipeline.loads).parameters
    trusted = {"allowed_modules": ["edgelingua.integrations.haystack"]}
    more: Any = trusted if "allowed_modules" in known else {}
    written: Any = Pipeline.loads(pipeline.dumps(), **more).get_component("compressor")
    assert (written.tokens, written.rate, written.pin) == (150, None, ["Geneva"])


def test_documents_may_be_odd() -> None:
    odd = [Document(content=None), Document(content=" "), Document(content="\0", id="x")]
    none, blank, failed = EdgeLinguaCompressor().run(odd)["documents"]
    assert (none.content, blank.content, failed.content) == (None, " ", "\0")
    assert "document 3 of 3 (x)" in failed.meta["edgelingua_error"]
    with pytest.raises(BudgetError):
        EdgeLinguaCompressor(rate=2)
