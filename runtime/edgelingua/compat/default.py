"""The reference's interface over our own compressors, its known defects mended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgelingua.compat.options import CompressOptions, Engine, Llmlingua2Options


def compress(
    engine: Engine, context: Sequence[str], options: CompressOptions | Llmlingua2Options
) -> dict[str, Any]:
    """Compress contexts."""
    raise NotImplementedError


def compress_structured(
    engine: Engine, context: Sequence[str], options: CompressOptions
) -> dict[str, Any]:
    """Compress contexts with tags that say what of them to compress, and how far."""
    raise NotImplementedError


def compress_json(
    engine: Engine,
    json_data: Mapping[str, Any],
    json_config: Mapping[str, Mapping[str, Any]] | str,
    options: CompressOptions,
) -> dict[str, Any]:
    """Compress the values of an object."""
    raise NotImplementedError
