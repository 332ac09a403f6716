"""edgelingua as a worker: one line on stdin, one compression, one JSON line back.

Arguments: method, bundle, text, rate, variant. The method ``llmlingua-oracle`` is the reference's
own algorithm on our runtime, see `tests.oracle`. Of `llmlingua2`, ``model_s`` is the time in the
model, ``tokenizer_s`` that in the tokenizer (encoding, counting); the rest is cutting and choosing.
"""

import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

STARTED = time.perf_counter()
METHOD, FOLDER, TEXT, RATE, VARIANT = *sys.argv[1:4], float(sys.argv[4]), sys.argv[5]

from edgelingua import Budget, ClassifierScorer, ModelBundle, PerplexityScorer, Prompt  # noqa: E402
from edgelingua.compressors.parts.coarse_to_fine import CoarseToFine  # noqa: E402
from edgelingua.compressors.parts.token_pruner import TokenPruner  # noqa: E402
from edgelingua.ort.session import RunOptions  # noqa: E402
from edgelingua.system.measure import peak_rss_mb  # noqa: E402

SPENT = {"model_s": 0.0, "tokenizer_s": 0.0}


def timed(what: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Add up the time in a function."""

    def run(*args: Any, **kwargs: Any) -> Any:
        begun = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            SPENT[what] += time.perf_counter() - begun

    return run


warnings.simplefilter("ignore")  # the classifier's head is untrained; only the time counts here
options = RunOptions(threads=2)


def compressor_for(method: str) -> Callable[[str], tuple[int, int]]:
    """Return what compresses a text and tells its tokens before and after."""
    if method == "llmlingua-oracle":
        from tests.oracle.compressor import Oracle

        oracle = Oracle(FOLDER, variant=VARIANT, options=options)

        def as_the_reference(text: str) -> tuple[int, int]:
            result = oracle.compress_prompt([text], rate=RATE)
            return result["origin_tokens"], result["compressed_tokens"]

        return as_the_reference
    bundle = ModelBundle.open(FOLDER)
    compressor: TokenPruner | CoarseToFine
    if method == "llmlingua2":
        scorer = ClassifierScorer(bundle, variant=VARIANT, options=options)
        scorer._score_all = timed("model_s", scorer._score_all)  # type: ignore[method-assign]
        for name in ("encode", "count"):
            slow = timed("tokenizer_s", getattr(scorer.tokenizer, name))
            setattr(scorer.tokenizer, name, slow)
        compressor = TokenPruner(scorer)
    else:
        compressor = CoarseToFine(PerplexityScorer(bundle, variant=VARIANT, options=options))

    def compress(text: str) -> tuple[int, int]:
        compressed = compressor.compress(
            Prompt.build(text), Budget(rate=RATE, count=compressor.scorer.count)
        )
        return compressed.tokens_in, compressed.tokens_out

    return compress


compress = compressor_for(METHOD)
text = Path(TEXT).read_text(encoding="utf-8")
for line in sys.stdin:
    SPENT.update(dict.fromkeys(SPENT, 0.0))
    begun = time.perf_counter()
    tokens_in, tokens_out = compress(text[: int(line)])
    done = time.perf_counter()
    print(
        json.dumps(
            {
                "s": done - begun,
                "since_start": done - STARTED,
                "rss_mb": peak_rss_mb(),
                "tokens_in": tokens_in,
                "tokens_out": tokens_out,
                **SPENT,
            }
        ),
        flush=True,
    )
