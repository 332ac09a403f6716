"""LlamaIndex: nodes that a retriever found, compressed in the light of what was asked.

Needs ``pip install 'edgelingua[llama-index]'``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edgelingua.compressors import Compressor
from edgelingua.errors import MissingExtraError
from edgelingua.integrations.documents import DocumentCompressor, Documents
from edgelingua.integrations.proxy.options import OnFailure
from edgelingua.prompt import Pin

try:
    from llama_index.core.bridge.pydantic import PrivateAttr
    from llama_index.core.postprocessor.types import BaseNodePostprocessor
    from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle
except ModuleNotFoundError as error:
    raise MissingExtraError(str(error.name), "llama-index") from error


class EdgeLinguaPostprocessor(BaseNodePostprocessor):
    """Keeps of nodes what answers the query.

    Metadata stay, and say in ``edgelingua_spans`` which characters of the text were kept; models do
    not read that. Nodes of which nothing is kept are left out; those without a text stay.

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

    @classmethod
    def class_name(cls) -> str:
        """The name under which LlamaIndex knows it."""
        return cls.__name__

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        done = self._documents.compress(_texts(nodes), _asked(query_bundle), names=_names(nodes))
        return _put(nodes, done)

    async def _apostprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        done = await self._documents.acompress(
            _texts(nodes), _asked(query_bundle), names=_names(nodes)
        )
        return _put(nodes, done)


def _asked(query: QueryBundle | None) -> str:
    return query.query_str if query else ""


def _texts(nodes: Sequence[NodeWithScore]) -> list[str]:
    return [each.node.get_content(MetadataMode.NONE) for each in nodes]


def _names(nodes: Sequence[NodeWithScore]) -> list[object]:
    return [each.node.node_id for each in nodes]


def _put(nodes: Sequence[NodeWithScore], done: Documents) -> list[NodeWithScore]:
    found = []
    for kept in done.kept:
        given, ours = nodes[kept.index], kept.metadata
        node = given.node.model_copy()
        if kept.text:  # an image has none
            node.set_content(kept.text)
        node.metadata = {**(node.metadata or {}), **ours}
        node.excluded_llm_metadata_keys = [*node.excluded_llm_metadata_keys, *ours]
        node.excluded_embed_metadata_keys = [*node.excluded_embed_metadata_keys, *ours]
        found.append(given.model_copy(update={"node": node}))
    return found
