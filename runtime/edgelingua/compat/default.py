"""The reference's interface over our own compressors, its known defects mended.

Budgets hold exactly and count the whole output; forced text is really kept; every part of a prompt
keeps the rate its tag gives, whatever the method; nothing is rebuilt by detokenizing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgelingua.compat import default_llmlingua
from edgelingua.compat.options import CompressOptions, Engine
from edgelingua.compat.tags import Part, parse


def compress(
    engine: Engine, context: Sequence[str], options: CompressOptions, given: frozenset[str]
) -> dict[str, Any]:
    """Compress contexts with a causal LM; ``given``: see `effects.given`."""
    if options.segments is None:
        parts = [[Part(text)] for text in context]
    else:
        parts = [
            [Part(text, rate, keep) for text, rate, keep in segments]
            for segments in options.segments
        ]
    return default_llmlingua.compress(engine, parts, options, given)


def compress_structured(
    engine: Engine, context: Sequence[str], options: CompressOptions, given: frozenset[str]
) -> dict[str, Any]:
    """Compress contexts with tags that say what of them to compress, and how far.

    Raises
    ------
    InputError
        A tag is malformed.
    """
    return default_llmlingua.compress(engine, [parse(text) for text in context], options, given)
