"""Texts for the frameworks' integrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..conftest import DOCUMENT

if TYPE_CHECKING:
    from edgelingua.compressors import Compressor

QUESTION = "How much did the tribunal award?"
ANSWER = "$15,500,000"


@pytest.fixture(scope="session")
def compressor() -> Compressor:
    from edgelingua.compressors import load_compressor

    return load_compressor()


@pytest.fixture(scope="session")
def parts() -> list[str]:
    """The beginning of a real document, in pieces; the answer to `QUESTION` is in the second."""
    text = DOCUMENT.read_text(encoding="utf-8")
    return [text[at : at + 1400] for at in range(600, 6200, 1400)]
