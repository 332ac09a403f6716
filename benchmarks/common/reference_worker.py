"""PyPI llmlingua 0.2.2 as a worker: one line on stdin, one compression, one JSON line back.

Arguments: method, model folder, text, rate. Runs in the reference's own environment. Offline, so
its tiktoken vocabulary is replaced by the model's tokenizer; it only counts with it.
"""

import json
import re
import sys
import time
import types

STARTED = time.perf_counter()
METHOD, FOLDER, TEXT, RATE = *sys.argv[1:4], float(sys.argv[4])

import tiktoken  # noqa: E402
import torch  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402

torch.set_num_threads(2)
counter = AutoTokenizer.from_pretrained(FOLDER)
tiktoken.encoding_for_model = lambda _: types.SimpleNamespace(
    encode=lambda text: counter(text, add_special_tokens=False).input_ids
)
from llmlingua import PromptCompressor  # noqa: E402

second = METHOD == "llmlingua2"
model_config = {} if second else {"torch_dtype": torch.float32}
compressor = PromptCompressor(
    FOLDER, device_map="cpu", model_config=model_config, use_llmlingua2=second
)
text = open(TEXT, encoding="utf-8").read()  # noqa: SIM115, PTH123
for line in sys.stdin:
    begun = time.perf_counter()
    if second:
        result = compressor.compress_prompt_llmlingua2([text[: int(line)]], rate=RATE)
    else:
        result = compressor.compress_prompt([text[: int(line)]], rate=RATE)
    done = time.perf_counter()
    status = open("/proc/self/status").read()  # noqa: SIM115, PTH123
    rss = int(re.search(r"VmHWM:\s*(\d+)", status)[1]) * 1024 / 1e6  # of this process alone
    print(
        json.dumps(
            {
                "s": done - begun,
                "since_start": done - STARTED,
                "rss_mb": rss,
                "tokens_in": result["origin_tokens"],
                "tokens_out": result["compressed_tokens"],
            }
        ),
        flush=True,
    )
