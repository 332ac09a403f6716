"""LangChain's own retrievers and chains, with documents compressed in them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_classic.retrievers import ContextualCompressionRetriever
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda, RunnablePassthrough

from edgelingua.compressors import Compressor
from edgelingua.errors import InputError
from edgelingua.integrations.langchain import EdgeLinguaCompressor

from .conftest import ANSWER, QUESTION


class Found(BaseRetriever):
    """Finds the same documents for whatever is asked."""

    documents: list[Document]

    def _get_relevant_documents(self, query: str, **_: Any) -> list[Document]:
        return self.documents


@pytest.fixture
def documents(parts: list[str]) -> list[Document]:
    return [Document(text, metadata={"page": n}, id=f"p{n}") for n, text in enumerate(parts)]


@pytest.fixture
def ours(compressor: Compressor) -> EdgeLinguaCompressor:
    return EdgeLinguaCompressor(compressor, tokens=150)


def test_a_retriever_finds_less(documents: list[Document], ours: EdgeLinguaCompressor) -> None:
    retriever = ContextualCompressionRetriever(
        base_compressor=ours, base_retriever=Found(documents=documents)
    )
    found = retriever.invoke(QUESTION)
    assert any(ANSWER in document.page_content for document in found)
    for document in found:
        whole = documents[document.metadata["page"]]
        assert document.id == whole.id
        spans = document.metadata["edgelingua_spans"]
        assert document.page_content == "".join(whole.page_content[a:b] for a, b in spans)
        assert "edgelingua_spans" not in whole.metadata, "what came is nobody's to change"
    assert asyncio.run(retriever.ainvoke(QUESTION)) == found


def test_a_chain_reads_less(documents: list[Document], ours: EdgeLinguaCompressor) -> None:
    """LCEL: what is compressed is what a model is asked with."""

    def joined(given: dict[str, Any]) -> str:
        kept = ours.compress_documents(given["documents"], given["question"])
        return "\n\n".join(document.page_content for document in kept)

    chain = (
        {"documents": Found(documents=documents), "question": RunnablePassthrough()}
        | RunnablePassthrough.assign(context=RunnableLambda(joined))
        | ChatPromptTemplate.from_template("{context}\n\n{question}")
    )
    asked = chain.invoke(QUESTION).to_string()
    assert ANSWER in asked
    assert asked.endswith(QUESTION)
    assert len(asked) < sum(len(document.page_content) for document in documents) / 3
    assert [prompt.to_string() for prompt in chain.batch([QUESTION] * 2)] == [asked] * 2


class Heard(BaseCallbackHandler):
    def __init__(self) -> None:
        self.said: list[Any] = []

    def on_chain_start(self, serialized: Any, inputs: Any, **more: Any) -> None:
        self.said.append(more["name"])

    def on_custom_event(self, name: str, data: Any, **_: Any) -> None:
        self.said.append((name, data["tokens_out"] <= 150 < data["tokens_in"]))

    def on_chain_end(self, outputs: Any, **_: Any) -> None:
        self.said.append("end")

    def on_chain_error(self, error: BaseException, **_: Any) -> None:
        self.said.append(type(error))


def test_callbacks_see_a_run(documents: list[Document], ours: EdgeLinguaCompressor) -> None:
    run = ["EdgeLinguaCompressor", ("edgelingua", True), "end"]
    heard = Heard()
    ours.compress_documents(documents, QUESTION, callbacks=[heard])
    assert heard.said == run
    heard = Heard()
    asyncio.run(ours.acompress_documents(documents, QUESTION, callbacks=[heard]))
    assert heard.said == run
    heard = Heard()
    closed = EdgeLinguaCompressor(tokens=150, on_failure="closed")
    with pytest.raises(InputError, match=r"document 1 of 1 \(p9\): binary"):
        closed.compress_documents([Document("\0", id="p9")], QUESTION, callbacks=[heard])
    assert heard.said == ["EdgeLinguaCompressor", InputError]


def test_documents_may_be_odd(documents: list[Document], ours: EdgeLinguaCompressor) -> None:
    bare = Document.model_construct(page_content=documents[1].page_content, metadata=None, id=None)
    odd = [Document(""), bare, Document("\0", metadata={"source": "a.bin"})]
    empty, full, failed = ours.compress_documents(odd, QUESTION)
    assert empty.page_content == ""
    assert ANSWER in full.page_content
    assert list(full.metadata) == ["edgelingua_spans"]
    assert failed.page_content == "\0"
    assert "document 3 of 3 (a.bin)" in failed.metadata["edgelingua_error"]
    assert ours.compress_documents([], QUESTION) == []
    assert ours.compress_documents(documents, "")
