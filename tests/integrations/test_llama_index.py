"""LlamaIndex's own retriever and query engine, with nodes compressed in them."""

from __future__ import annotations

import asyncio

import pytest
from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.response_synthesizers import get_response_synthesizer
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import (
    Document,
    ImageNode,
    MetadataMode,
    NodeWithScore,
    QueryBundle,
    TextNode,
)

from edgelingua.compressors import Compressor
from edgelingua.integrations.llama_index import EdgeLinguaPostprocessor

from .conftest import ANSWER, QUESTION


@pytest.fixture
def nodes(parts: list[str]) -> list[NodeWithScore]:
    texts = [TextNode(text=text, metadata={"page": n}) for n, text in enumerate(parts[:3])]
    some = [*texts, Document(text=parts[3], metadata={"page": 3}), ImageNode(image="aGk=")]
    return [NodeWithScore(node=node, score=1 / (n + 1)) for n, node in enumerate(some)]


@pytest.fixture
def ours(compressor: Compressor) -> EdgeLinguaPostprocessor:
    return EdgeLinguaPostprocessor(compressor, rate=0.3)


def test_nodes_keep_what_answers(
    nodes: list[NodeWithScore], parts: list[str], ours: EdgeLinguaPostprocessor
) -> None:
    done = ours.postprocess_nodes(nodes, query_str=QUESTION)
    assert [type(each.node) for each in done][-2:] == [Document, ImageNode]
    assert any(ANSWER in each.node.get_content() for each in done)
    for each in done[:-1]:
        page = each.node.metadata["page"]
        text = each.node.get_content(MetadataMode.NONE)
        spans = each.node.metadata["edgelingua_spans"]
        assert text == "".join(parts[page][a:b] for a, b in spans)
        assert each.score == nodes[page].score
        assert each.node.node_id == nodes[page].node.node_id
        for mode in (MetadataMode.LLM, MetadataMode.EMBED):
            assert each.node.get_content(mode) == f"page: {page}\n\n{text}"
        assert nodes[page].node.get_content(MetadataMode.NONE) == parts[page]
    again = asyncio.run(ours.apostprocess_nodes(nodes, QueryBundle(QUESTION)))
    assert again == done


def test_a_query_engine_asks_with_less(
    nodes: list[NodeWithScore], ours: EdgeLinguaPostprocessor
) -> None:
    class Found(BaseRetriever):
        def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
            return nodes[:4]

    said = get_response_synthesizer(llm=MockLLM())  # says what it is asked
    engine = RetrieverQueryEngine(Found(), said, node_postprocessors=[ours])
    asked = str(engine.query(QUESTION))
    assert ANSWER in asked
    assert "edgelingua" not in asked
    assert len(asked) < sum(len(each.node.get_content()) for each in nodes[:4]) / 2


def test_nodes_may_be_odd(ours: EdgeLinguaPostprocessor) -> None:
    odd = [
        NodeWithScore(node=TextNode(text="", id_="a")),
        NodeWithScore(node=TextNode(text="\0", id_="b")),
    ]
    empty, failed = ours.postprocess_nodes(odd)
    assert empty.node.get_content() == ""
    assert "document 2 of 2 (b)" in failed.node.metadata["edgelingua_error"]
    assert ours.postprocess_nodes([]) == []
