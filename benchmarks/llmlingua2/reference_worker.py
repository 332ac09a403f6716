"""PyPI llmlingua 0.2.2 as a worker: one line on stdin, one compression, one JSON line back.

Runs in the reference's own environment. Offline, so its tiktoken vocabulary is replaced by the
model's tokenizer; it only counts with it.
"""

import json
import re
import sys
import time
import types

STARTED = time.perf_counter()
FOLDER, TEXT, RATE = sys.argv[1], sys.argv[2], float(sys.argv[3])

import tiktoken  # noqa: E402
import torch  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402

torch.set_num_threads(2)
counter = AutoTokenizer.from_pretrained(FOLDER)
tiktoken.encoding_for_model = lambda _: types.SimpleNamespace(
    encode=lambda text: counter(text, add_special_tokens=False).input_ids
)
from llmlingua import PromptCompressor  # noqa: E402

compressor = PromptCompressor(FOLDER, device_map="cpu", use_llmlingua2=True)
text = open(TEXT, encoding="utf-8").read()  # noqa: SIM115, PTH123
for line in sys.stdin:
    begun = time.perf_counter()
    compressor.compress_prompt_llmlingua2([text[: int(line)]], rate=RATE)
    done = time.perf_counter()
    status = open("/proc/self/status").read()  # noqa: SIM115, PTH123
    rss = int(re.search(r"VmHWM:\s*(\d+)", status)[1]) * 1024 / 1e6  # of this process alone
    print(json.dumps({"s": done - begun, "since_start": done - STARTED, "rss_mb": rss}), flush=True)
