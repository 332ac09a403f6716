"""edgelingua's llmlingua2 as a worker: one line on stdin, one compression, one JSON line back."""

import json
import sys
import time
import warnings
from pathlib import Path

STARTED = time.perf_counter()
FOLDER, TEXT, RATE, VARIANT = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4]

from edgelingua import Budget, ClassifierScorer, ModelBundle, Prompt  # noqa: E402
from edgelingua.compressors.pruning import TokenPruner  # noqa: E402
from edgelingua.measure import peak_rss_mb  # noqa: E402
from edgelingua.ort import RunOptions  # noqa: E402

warnings.simplefilter("ignore")  # the head is untrained; only the time counts here
bundle = ModelBundle.open(FOLDER)
scorer = ClassifierScorer(bundle, variant=VARIANT, options=RunOptions(threads=2))
compressor = TokenPruner(scorer)
text = Path(TEXT).read_text(encoding="utf-8")
for line in sys.stdin:
    begun = time.perf_counter()
    compressor.compress(Prompt.build(text[: int(line)]), Budget(rate=RATE))
    done = time.perf_counter()
    rss = peak_rss_mb()
    print(json.dumps({"s": done - begun, "since_start": done - STARTED, "rss_mb": rss}), flush=True)
