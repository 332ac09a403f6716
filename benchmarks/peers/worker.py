"""Other libraries, in an environment of their own: cases as JSON lines in, what they keep out.

Arguments: peer, folder of weights or ``-``, share of the tokens to keep. Each line of stdin has
``passages``, ``question`` and ``tokens`` (of the passages); a line of stdout ``text`` and ``cpu``,
the seconds of processor time. Offline, so llmlingua's tiktoken is replaced by the tokenizer of its
model, with which it only counts.
"""

import json
import sys
import time
import types
from collections.abc import Callable
from typing import Any

PEER, FOLDER, RATE = sys.argv[1], sys.argv[2], float(sys.argv[3])
Compress = Callable[[dict[str, Any]], str]


def offline() -> dict[str, Any]:
    """Let llmlingua count without a network; return the settings of a causal LM, in one thread."""
    import tiktoken
    import torch
    from transformers import AutoTokenizer

    torch.set_num_threads(1)
    counter = AutoTokenizer.from_pretrained(FOLDER)
    tiktoken.encoding_for_model = lambda _: types.SimpleNamespace(
        encode=lambda text: counter(text, add_special_tokens=False).input_ids
    )
    return {"torch_dtype": torch.float32}


def llmlingua() -> Compress:
    """Return LLMLingua, LongLLMLingua or LLMLingua-2, as its README calls each."""
    config = offline()
    from llmlingua import PromptCompressor

    second = PEER == "llmlingua2"
    library = PromptCompressor(FOLDER, "cpu", {} if second else config, use_llmlingua2=second)
    long = {
        "rank_method": "longllmlingua",
        "condition_in_question": "after_condition",
        "reorder_context": "sort",
        "dynamic_context_compression_ratio": 0.3,
        "condition_compare": True,
        "context_budget": "+100",
    }

    def compress(case: dict[str, Any]) -> str:
        if second:
            done = library.compress_prompt(case["passages"], rate=RATE)
        else:
            asked = {"question": case["question"], "concate_question": False}
            more = long if PEER == "longllmlingua" else {}
            done = library.compress_prompt(case["passages"], rate=RATE, **asked, **more)
        return str(done["compressed_prompt"])

    return compress


def langchain() -> Compress:
    """Return LangChain's wrapper of LongLLMLingua, at its own settings but for the budget."""
    config = offline()
    from langchain_community.document_compressors import LLMLinguaCompressor
    from langchain_core.documents import Document

    settings = {"model_name": FOLDER, "device_map": "cpu", "model_config": config}
    library = LLMLinguaCompressor(**settings)

    def compress(case: dict[str, Any]) -> str:
        library.target_token = round(RATE * case["tokens"])
        documents = [Document(page_content=text) for text in case["passages"]]
        done = library.compress_documents(documents, case["question"])
        return "\n\n".join(document.page_content for document in done)

    return compress


def llamaindex() -> Compress:
    """Return LlamaIndex's wrapper of LongLLMLingua, at its own settings but for the budget."""
    config = offline()
    from llama_index.core.schema import NodeWithScore, TextNode
    from llama_index.postprocessor.longllmlingua import LongLLMLinguaPostprocessor

    library = LongLLMLinguaPostprocessor(FOLDER, device_map="cpu", model_config=config)

    def compress(case: dict[str, Any]) -> str:
        library.target_token = round(RATE * case["tokens"])
        nodes = [NodeWithScore(node=TextNode(text=text)) for text in case["passages"]]
        done = library.postprocess_nodes(nodes, query_str=case["question"])
        return "\n\n".join(node.get_content() for node in done)

    return compress


def selective() -> Compress:
    """Return Selective Context, which loads GPT-2 by name, with another causal LM in its place."""
    import selective_context as library
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(1)

    def model(_: str) -> Any:
        loaded = AutoModelForCausalLM.from_pretrained(FOLDER, torch_dtype=torch.float32)
        loaded.config.n_positions = loaded.config.max_position_embeddings
        return loaded

    library.GPT2LMHeadModel = types.SimpleNamespace(from_pretrained=model)
    library.GPT2Tokenizer = types.SimpleNamespace(
        from_pretrained=lambda _: AutoTokenizer.from_pretrained(FOLDER)
    )
    pruner = library.SelectiveContext(model_type="gpt2", lang="en")

    def compress(case: dict[str, Any]) -> str:
        kept, _ = pruner("\n\n".join(case["passages"]), reduce_ratio=1 - RATE)
        return str(kept)

    return compress


def litellm() -> Compress:
    """Return LiteLLM's ``compress``: every passage a message, the question the last one."""
    import litellm as library

    def compress(case: dict[str, Any]) -> str:
        said = [*case["passages"], case["question"]]
        messages = [{"role": "user", "content": text} for text in said]
        target = round(RATE * case["tokens"])
        done = library.compress(
            messages=messages, model="gpt-4o", compression_trigger=1, compression_target=target
        )
        return "\n\n".join(str(message["content"]) for message in done["messages"][:-1])

    return compress


def distil() -> Compress:
    """Return distil-llm, which digests results of tools: every passage is one. It has no rate."""
    from distil import compress_messages

    def compress(case: dict[str, Any]) -> str:
        messages: list[dict[str, Any]] = [{"role": "user", "content": case["question"]}]
        for number, text in enumerate(case["passages"]):
            call = {"id": f"c{number}", "type": "function",
                    "function": {"name": "read", "arguments": "{}"}}  # fmt: skip
            messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
            messages.append({"role": "tool", "tool_call_id": f"c{number}", "content": text})
        done = compress_messages(messages).messages
        return "\n\n".join(str(m["content"]) for m in done if m["role"] == "tool")

    return compress


MADE = {
    "litellm": litellm,
    "distil": distil,
    "langchain": langchain,
    "llamaindex": llamaindex,
    "selective": selective,
}
compress = MADE.get(PEER, llmlingua)()
for line in sys.stdin:
    begun = time.process_time()
    text = compress(json.loads(line))
    print(json.dumps({"text": text, "cpu": time.process_time() - begun}), flush=True)
