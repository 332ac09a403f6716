"""Corpora: every text of a file or a folder compressed once, in several processes or machines."""

from edgelingua.corpus.formats import Corpus, open_corpus
from edgelingua.corpus.recipe import Recipe, RowCompressor
from edgelingua.corpus.rows import Columns, Result
from edgelingua.corpus.run import Summary, compress_corpus

__all__ = [
    "Columns",
    "Corpus",
    "Recipe",
    "Result",
    "RowCompressor",
    "Summary",
    "compress_corpus",
    "open_corpus",
]
