"""LongLLMLingua: documents ranked by the question, tokens by contrastive perplexity."""

from __future__ import annotations

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.compressors.parts.coarse_to_fine import CoarseToFine
from edgelingua.ort.session import RunOptions
from edgelingua.scorers.perplexity import PerplexityScorer


def make(bundle: ModelBundle, options: RunOptions | None = None) -> CoarseToFine:
    """Keep what the question makes less surprising (Jiang et al. 2023, arXiv:2310.06839).

    Give the documents apart (``Prompt.build([...])``): they are what is ranked.
    """
    scorer = PerplexityScorer(bundle, options=options)
    return CoarseToFine(scorer, by_question=True, contrastive=True, dynamic_rate=0.25)
