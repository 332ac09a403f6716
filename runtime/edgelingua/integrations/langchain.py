"""LangChain: documents that a retriever found, compressed in the light of what was asked.

Needs ``pip install 'edgelingua[langchain]'``. The middleware for agents is in `langchain_agents`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edgelingua.compressors import Compressor
from edgelingua.errors import MissingExtraError
from edgelingua.integrations.documents import DocumentCompressor, Documents
from edgelingua.integrations.proxy.options import OnFailure
from edgelingua.prompt import Pin

try:
    from langchain_core.callbacks import Callbacks
    from langchain_core.callbacks.manager import adispatch_custom_event, dispatch_custom_event
    from langchain_core.documents import BaseDocumentCompressor, Document
    from langchain_core.runnables import RunnableConfig, RunnableLambda
    from pydantic import PrivateAttr
except ModuleNotFoundError as error:
    raise MissingExtraError(str(error.name), "langchain") from error

_EVENT = "edgelingua"


class EdgeLinguaCompressor(BaseDocumentCompressor):
    """Keeps of documents what answers the query, for ``ContextualCompressionRetriever`` and chains.

    Metadata stay, and say in ``edgelingua_spans`` which characters of the text were kept. Documents
    of which nothing is kept are left out. Callbacks see a run of this name, and in it an event
    ``edgelingua`` with ``tokens_in`` and ``tokens_out``.

    Parameters
    ----------
    compressor, rate, tokens, pin, on_failure
        See `DocumentCompressor`.
    """

    _documents: DocumentCompressor = PrivateAttr()

    def __init__(
        self,
        compressor: Compressor | None = None,
        *,
        rate: float | None = None,
        tokens: int | None = None,
        pin: Pin | Iterable[Pin] = (),
        on_failure: OnFailure = "open",
    ) -> None:
        super().__init__()
        self._documents = DocumentCompressor(
            compressor, rate=rate, tokens=tokens, pin=pin, on_failure=on_failure
        )

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """Return what is kept of documents; raises as `DocumentCompressor.compress` does."""
        return self._runnable.invoke((documents, query), {"callbacks": callbacks})

    async def acompress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """`compress_documents` beside the event loop; it ends when the task is cancelled."""
        return await self._runnable.ainvoke((documents, query), {"callbacks": callbacks})

    @property
    def _runnable(self) -> RunnableLambda[_Input, list[Document]]:
        return RunnableLambda(self._kept, self._akept, name=type(self).__name__)

    def _kept(self, given: _Input, config: RunnableConfig) -> list[Document]:
        documents, query = given
        done = self._documents.compress(_texts(documents), query, names=_names(documents))
        dispatch_custom_event(_EVENT, _tokens(done), config=config)
        return _put(documents, done)

    async def _akept(self, given: _Input, config: RunnableConfig) -> list[Document]:
        documents, query = given
        done = await self._documents.acompress(_texts(documents), query, names=_names(documents))
        await adispatch_custom_event(_EVENT, _tokens(done), config=config)
        return _put(documents, done)


_Input = tuple[Sequence[Document], str]


def _texts(documents: Sequence[Document]) -> list[str]:
    return [document.page_content for document in documents]


def _names(documents: Sequence[Document]) -> list[object]:
    return [document.id or (document.metadata or {}).get("source") for document in documents]


def _tokens(done: Documents) -> dict[str, int]:
    return {"tokens_in": done.tokens_in, "tokens_out": done.tokens_out}


def _put(documents: Sequence[Document], done: Documents) -> list[Document]:
    found = []
    for kept in done.kept:
        document = documents[kept.index]
        metadata = {**(document.metadata or {}), **kept.metadata}
        found.append(document.model_copy(update={"page_content": kept.text, "metadata": metadata}))
    return found
