"""Haystack 2: a component that compresses documents in the light of what was asked.

Needs ``pip install 'edgelingua[haystack]'``.
"""

# No ``from __future__ import annotations``: Haystack 2 connects components by types, not by names.

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from edgelingua.compressors import load_compressor
from edgelingua.errors import MissingExtraError
from edgelingua.integrations.documents import DocumentCompressor, Documents
from edgelingua.integrations.proxy.options import OnFailure

try:
    from haystack import Document, component
except ModuleNotFoundError as error:
    raise MissingExtraError(str(error.name), "haystack") from error


@component
class EdgeLinguaCompressor:
    """Keeps of documents what answers the query; stands behind a retriever or ranker.

    ``meta`` stays, and says in ``edgelingua_spans`` which characters of the text were kept.
    Documents of which nothing is kept are left out, those without a text stay.

    Parameters
    ----------
    method, model
        See `load_compressor`; names, so that a pipeline can be written to YAML.
    rate, tokens, pin, on_failure
        See `DocumentCompressor`.

    Raises
    ------
    InputError, BudgetError, ModelNotFoundError, BundleError
        An option has no such value, or the model cannot be used.
    """

    def __init__(
        self,
        method: str = "llmlingua2",
        model: str | None = None,
        rate: float | None = None,
        tokens: int | None = None,
        pin: Sequence[str] = (),
        on_failure: OnFailure = "open",
    ) -> None:
        self.method = method
        self.model = model
        self.rate = rate
        self.tokens = tokens
        self.pin = list(pin)
        self.on_failure = on_failure
        self._documents = DocumentCompressor(
            load_compressor(method, model),
            rate=rate,
            tokens=tokens,
            pin=self.pin,
            on_failure=on_failure,
        )

    @component.output_types(documents=list[Document], tokens_in=int, tokens_out=int)
    def run(self, documents: list[Document], query: str = "") -> dict[str, Any]:
        """Return what is kept of documents, and the tokens of all before and after."""
        done = self._documents.compress(_texts(documents), query, names=_names(documents))
        return _put(documents, done)

    @component.output_types(documents=list[Document], tokens_in=int, tokens_out=int)
    async def run_async(self, documents: list[Document], query: str = "") -> dict[str, Any]:
        """`run` beside the event loop; it ends when the task is cancelled."""
        done = await self._documents.acompress(_texts(documents), query, names=_names(documents))
        return _put(documents, done)


def _texts(documents: Sequence[Document]) -> list[str | None]:
    return [document.content for document in documents]


def _names(documents: Sequence[Document]) -> list[object]:
    return [document.id for document in documents]


def _put(documents: Sequence[Document], done: Documents) -> dict[str, Any]:
    found = [
        replace(
            documents[kept.index],
            content=kept.text,
            meta={**(documents[kept.index].meta or {}), **kept.metadata},
        )
        for kept in done.kept
    ]
    return {"documents": found, "tokens_in": done.tokens_in, "tokens_out": done.tokens_out}
