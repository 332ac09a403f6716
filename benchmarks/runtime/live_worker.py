"""Load a reader or a compressor, say what that took, and work once for each line on stdin.

Arguments: ``reader`` or ``compressor``; the model; settings as JSON: ``threads``, ``spin``,
``keep_pages`` (those that weights were copied from), ``unmapped`` (read the file, do not map it),
``plain`` (weights as in the file); a name with a dot is an entry of onnxruntime's configuration.
Every answer is a line of JSON.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

KIND, MODEL, SETTINGS = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
DOCUMENT = Path(__file__).parents[2] / "examples" / "data" / "grant-1872.txt"
TEXT = DOCUMENT.read_text(encoding="utf-8")[:4000]
THREADS = SETTINGS.get("threads", 0)

Work = Callable[[], dict[str, Any]]


def memory_mb() -> dict[str, float]:
    """Resident memory of this process: now and at its peak, its own and of files; MB."""
    names = {"VmRSS": "rss", "VmHWM": "peak", "RssAnon": "own", "RssFile": "files"}
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {ours: int(fields[name].split()[0]) * 1024 / 1e6 for name, ours in names.items()}


def reader() -> Work:
    """Read 64 tokens, then write 12, each the likeliest."""
    import numpy as np

    from edgelingua import LlamaModel
    from edgelingua.llama import loading
    from edgelingua.llama.library import llama_cpp

    ours = llama_cpp.llama_model_default_params

    def parameters() -> Any:
        params = ours()
        params.load_mode = 0
        return params

    if SETTINGS.get("unmapped"):
        llama_cpp.llama_model_default_params = parameters
    if SETTINGS.get("keep_pages"):
        loading._Pages.give_back = lambda self: None  # type: ignore[method-assign]
    if SETTINGS.get("plain"):
        loading.may_rearrange = lambda: False  # type: ignore[attr-defined]
    model = LlamaModel(MODEL, threads=THREADS)
    tokens = model.tokenize(TEXT)[:64]

    def work() -> dict[str, Any]:
        session = model.session(512)
        began = time.perf_counter()
        session.feed(tokens)
        read = time.perf_counter()
        for _ in range(12):
            session.feed(np.array([session.logits().argmax()], dtype=np.int32))
        return {"read_s": read - began, "write_s": time.perf_counter() - read}

    return work


def compressor() -> Work:
    """Compress a text of some 900 tokens to half."""
    import onnxruntime

    ours = onnxruntime.InferenceSession

    def session(path: str, options: Any, **arguments: Any) -> Any:
        for name, value in SETTINGS.items():
            if "." in name:
                options.add_session_config_entry(name, value)
        return ours(path, options, **arguments)

    onnxruntime.InferenceSession = session
    from edgelingua import Budget, Prompt, load_compressor
    from edgelingua.ort.session import RunOptions

    options = RunOptions(threads=THREADS, spin=SETTINGS.get("spin", True))
    loaded = load_compressor(model=MODEL, options=options)
    prompt = Prompt.build(TEXT)

    def work() -> dict[str, Any]:
        began = time.perf_counter()
        loaded.compress(prompt, Budget(rate=0.5))
        return {"compress_s": time.perf_counter() - began}

    return work


def say(answer: dict[str, Any]) -> None:
    """Answer."""
    print(json.dumps(answer), flush=True)


started = time.perf_counter()
job = reader() if KIND == "reader" else compressor()
say({"load_s": time.perf_counter() - started, "loaded": memory_mb()})
for _ in sys.stdin:
    cpu = time.process_time()
    result = job()
    say({**result, "cpu_s": time.process_time() - cpu, "memory": memory_mb()})
