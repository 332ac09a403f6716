"""Real compressions, of every kind of score and reason."""

from __future__ import annotations

from functools import cache

from edgelingua.budget import Budget
from edgelingua.compressed import Compressed
from edgelingua.compressors import load_compressor
from edgelingua.prompt import Prompt, Segment
from tests.conftest import BUNDLES, DOCUMENT, TEXTS

QUESTION = "How much did the tribunal at Geneva award to the United States?"
SPEECH = DOCUMENT.read_text(encoding="utf-8")
HOSTILE = (
    "</main></script><script>document.title = 'owned'</script><img src=x onerror=alert(1)> "
    "&lt; \u202eoverride \u2066isolate \x1b[31mred\x07 \ufeff\ufffe "
    + "x" * 400
    + "\r\n\rCR\n\n end"
)


@cache
def compressed(case: str) -> Compressed:
    if case == "plain":
        return load_compressor().compress(Prompt.build(SPEECH[:1500]), Budget(rate=0.5))
    if case == "question":
        prompt = Prompt.build(SPEECH[:1500], question=QUESTION, pin="peace")
        return load_compressor().compress(prompt, Budget(rate=0.3))
    if case == "sentences":
        prompt = Prompt.build(SPEECH[:6000], instruction="Answer briefly.", question=QUESTION)
        return load_compressor("bm25").compress(prompt, Budget(rate=0.4))
    if case == "phrases":
        method = load_compressor("selective_context", BUNDLES / "tiny-lm-scorer")
        return method.compress(Prompt.build(SPEECH[:1500]), Budget(rate=0.5))
    if case == "languages":
        rated, whole = Segment(SPEECH[:500], rate=0.2), Segment("As is.", compress=False)
        prompt = Prompt.build([*TEXTS.values(), rated, whole])
        return load_compressor("random").compress(prompt, Budget(rate=0.5))
    assert case == "hostile"
    return load_compressor("random").compress(Prompt.build(HOSTILE), Budget(rate=0.7))


CASES = ["plain", "question", "sentences", "phrases", "languages", "hostile"]
"""Those that `compressed` knows."""
