"""edgelingua as a worker: one line on stdin, one compression, one JSON line back.

Arguments: method, bundle, text, rate, variant.
"""

import json
import sys
import time
import warnings
from pathlib import Path

STARTED = time.perf_counter()
METHOD, FOLDER, TEXT, RATE, VARIANT = *sys.argv[1:4], float(sys.argv[4]), sys.argv[5]

from edgelingua import Budget, ClassifierScorer, ModelBundle, PerplexityScorer, Prompt  # noqa: E402
from edgelingua.compressors.coarse_to_fine import CoarseToFine  # noqa: E402
from edgelingua.compressors.pruning import TokenPruner  # noqa: E402
from edgelingua.measure import peak_rss_mb  # noqa: E402
from edgelingua.ort import RunOptions  # noqa: E402

warnings.simplefilter("ignore")  # the classifier's head is untrained; only the time counts here
bundle, options = ModelBundle.open(FOLDER), RunOptions(threads=2)
compressor: TokenPruner | CoarseToFine
if METHOD == "llmlingua2":
    compressor = TokenPruner(ClassifierScorer(bundle, variant=VARIANT, options=options))
else:
    compressor = CoarseToFine(PerplexityScorer(bundle, variant=VARIANT, options=options))
text = Path(TEXT).read_text(encoding="utf-8")
for line in sys.stdin:
    begun = time.perf_counter()
    compressed = compressor.compress(Prompt.build(text[: int(line)]), Budget(rate=RATE))
    done = time.perf_counter()
    print(
        json.dumps(
            {
                "s": done - begun,
                "since_start": done - STARTED,
                "rss_mb": peak_rss_mb(),
                "tokens_in": compressed.tokens_in,
                "tokens_out": compressed.tokens_out,
            }
        ),
        flush=True,
    )
