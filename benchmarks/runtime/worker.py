"""One measurement in a process of its own: compress a text, tell time and memory, one JSON line.

Arguments: bundle, text, how many characters of it, settings as JSON, and the monotonic clock when
the process was started. ``window``, ``threads`` and ``spin`` are options of ours; without
``side_by_side`` one window is read after the other, in all threads. With ``batch`` that many
windows are scored in a run, one run after the other, and nothing else is done. Every other setting
is an attribute of onnxruntime's ``SessionOptions``, or, if it has a dot, an entry of its
configuration.
"""

import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

FOLDER, TEXT, SIZE, SETTINGS = sys.argv[1], sys.argv[2], int(sys.argv[3]), json.loads(sys.argv[4])
STARTED = float(sys.argv[5])

import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402

import edgelingua.cli.app  # noqa: E402, F401 - as the command does
from edgelingua import Budget, ClassifierScorer, ModelBundle, Prompt  # noqa: E402
from edgelingua.bundle import bundle as bundles  # noqa: E402
from edgelingua.bundle.placement import place  # noqa: E402
from edgelingua.compressors import TokenPruner  # noqa: E402
from edgelingua.ort.session import RunOptions  # noqa: E402
from edgelingua.system.measure import peak_rss_mb  # noqa: E402

FIRST_CHARACTERS = 1000  # some 200 tokens

warnings.simplefilter("ignore")  # the classifier's head is untrained; only the cost counts here
steps: dict[str, Any] = {}


def step(name: str) -> None:
    """Note the time since the start, and the peak memory so far."""
    steps[name] = {"s": time.monotonic() - STARTED, "peak_rss_mb": peak_rss_mb()}


WINDOW, THREADS, BATCH, SPIN = (
    SETTINGS.pop(*x) for x in (("window", 256), ("threads", 0), ("batch", 0), ("spin", True))
)
if not SETTINGS.pop("side_by_side", not BATCH):
    bundles.place = lambda *given, **_: place(*given)  # type: ignore[assignment]
ours = onnxruntime.InferenceSession


def session(path: str, options: Any, **arguments: Any) -> Any:
    """Open a session with the settings on top of the library's own."""
    for name, value in SETTINGS.items():
        if "." in name:
            options.add_session_config_entry(name, value)
        else:
            setattr(options, name, value)
    return ours(path, options, **arguments)


onnxruntime.InferenceSession = session
step("import")
bundle = ModelBundle.open(FOLDER)
step("check")


def batches(text: str) -> int:
    """Score a text in windows that do not overlap, ``BATCH`` of them at once; return its tokens."""
    tokens, variant = bundle.manifest.tokens, bundle.variant()
    room = WINDOW - len(tokens.prefix) - len(tokens.suffix)
    ids = bundle.tokenizer().encode(text).ids
    windows = ids[: len(ids) // room * room].reshape(-1, room)
    # Which token is special does not change what it costs.
    sequences = np.pad(windows, ((0, 0), (len(tokens.prefix), len(tokens.suffix))))
    for start in range(0, len(sequences), BATCH):
        ids = sequences[start : start + BATCH]
        feeds = {name: np.ones_like(ids) for name in variant.inputs} | {variant.ids: ids}
        graph.run(feeds, sorted(variant.outputs))
    return windows.size


def compress(text: str) -> int:
    """Do the whole job; return the tokens read."""
    return compressor.compress(Prompt.build(text), Budget(rate=0.5)).tokens_in


options = RunOptions(threads=THREADS, spin=SPIN)
if BATCH:
    _, graph = bundle.load(options=options)
    work = batches
else:
    compressor = TokenPruner(ClassifierScorer(bundle, options=options, window=WINDOW))
    work = compress
step("load")
text = Path(TEXT).read_text(encoding="utf-8")
work(text[:FIRST_CHARACTERS])
step("first")
text *= -(-SIZE // len(text))
begun = time.perf_counter()
tokens = work(text[:SIZE])
seconds = time.perf_counter() - begun
step("compress")
rate = tokens / seconds
print(json.dumps({"tokens": tokens, "tokens_per_s": rate, "cpu_s": time.process_time(), **steps}))
