"""LLMLingua: budget controller, document filter, iterative token pruning by perplexity."""

from __future__ import annotations

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.compressors.parts.coarse_to_fine import CoarseToFine
from edgelingua.ort.session import RunOptions
from edgelingua.scorers.perplexity import PerplexityScorer


def make(bundle: ModelBundle, options: RunOptions | None = None) -> CoarseToFine:
    """Keep what surprises a causal LM (Jiang et al. 2023, arXiv:2310.05736).

    Unlike the published code, a token is judged by its own surprise and not by the next one's, and
    short prompts and tails are compressed like everything else.
    """
    return CoarseToFine(PerplexityScorer(bundle, options=options))
