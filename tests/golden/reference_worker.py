"""Runs llmlingua 0.2.2 on the cases of a file. For the reference's own environment.

    python reference_worker.py REQUEST.json RESPONSE.json

What the reference would download is replaced: the tokenizer it counts with by the model's own, the
sentence splitter by sentences that come with the request. Nothing of ours is imported.
"""

import json
import sys
import types

import nltk
import tiktoken
import torch
from tokenizers import Tokenizer

torch.set_num_threads(2)
REQUEST, RESPONSE = sys.argv[1:3]
with open(REQUEST, encoding="utf-8") as file:  # noqa: PTH123
    request = json.load(file)

counter = Tokenizer.from_file(request["folder"] + "/tokenizer.json")
counter.encode_special_tokens = True
counter.no_truncation()
counter.no_padding()
tiktoken.encoding_for_model = lambda _: types.SimpleNamespace(
    encode=lambda text: counter.encode(text, add_special_tokens=False).ids
)
nltk.sent_tokenize = lambda text: list(request["sentences"][text])

from llmlingua import PromptCompressor  # noqa: E402

compressor = PromptCompressor(
    request["folder"], device_map="cpu", use_llmlingua2=request["use_llmlingua2"]
)
trace: dict[str, object] = {}


def record(name, method, what):
    """Note what a step of the reference returns."""

    def wrapped(*args, **kwargs):
        result = method(*args, **kwargs)
        trace[name] = what(result)
        return result

    return wrapped


compressor.control_context_budget = record(
    "documents",
    compressor.control_context_budget,
    lambda result: [int(index) for index in result[2]],
)
compressor.control_sentence_budget = record(
    "after_sentence_filter", compressor.control_sentence_budget, lambda result: result[0]
)
compressor.iterative_compress_prompt = record(
    "kept_ids", compressor.iterative_compress_prompt, lambda result: result[0][0].tolist()
)

results = []
for number, case in enumerate(request["cases"]):
    trace.clear()
    try:
        output = getattr(compressor, case["method"])(**case["call"])
        results.append({"output": output, **trace})
    except Exception as error:
        results.append({"error": type(error).__name__})
    print(f"{number + 1}/{len(request['cases'])}", file=sys.stderr, end="\r", flush=True)

with open(RESPONSE, "w", encoding="utf-8") as file:  # noqa: PTH123
    json.dump(results, file)
