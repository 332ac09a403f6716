"""What the goldens ask of both sides: methods, texts by name, arguments."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.conftest import TEXTS
from tests.golden.texts import text
from tests.oracle.structured import parse


@dataclass(frozen=True)
class Case:
    """One call: a method of PromptCompressor, its contexts by name, its other arguments."""

    name: str
    contexts: tuple[str, ...]
    arguments: dict[str, Any] = field(default_factory=dict)
    method: str = "compress_prompt"

    def record(self) -> dict[str, Any]:
        """What a golden file stores of the input."""
        return {"name": self.name, "method": self.method, "contexts": list(self.contexts),
                "arguments": self.arguments}  # fmt: skip

    def call(self) -> dict[str, Any]:
        """The arguments, texts spelled out."""
        texts = [text(name) for name in self.contexts]
        if self.method == "recover":
            original, compressed, response = texts
            return {"original_prompt": original, "compressed_prompt": compressed,
                    "response": response}  # fmt: skip
        if self.method == "compress_json":
            return dict(self.arguments)
        return {"context": texts, **self.arguments}

    def sentence_sources(self) -> list[str]:
        """Texts that the reference will cut into sentences."""
        if not self.arguments.get("use_sentence_level_filter"):
            return []
        texts = [text(name) for name in self.contexts]
        if self.method == "structured_compress_prompt":
            texts = ["".join(part for part, _, _ in parse(whole, 1.0)) for whole in texts]
        return texts


# Ends at which MiniLM's two tokenizers count 508 to 513 tokens: around the 510 of a chunk.
_BERT_EDGES = (2498, 2501, 2504, 2507, 2517, 2521, 5097, 5108, 5111, 5113)
_XLMR_EDGES = (2481, 2484, 2497, 2500, 2503, 2507, 5074, 5077, 5080, 5092)

_SINGLE = (
    *(f"sample:{name}" for name in TEXTS),
    "joined:english+german+french+code+json+log",
    "joined:chinese+japanese+thai+arabic+hindi+emoji+blanks",
    "log:4", "log:20", "log:40",
    "words:300", "words:700",
    "json:3", "json:12",
    "code:1", "code:4",
    "dialogue:1", "dialogue:12",
    "table:1", "table:9",
    "grant:0:60", "grant:0:300", "grant:500:1400", "grant:1000:2800", "grant:3000:6100",
    "grant:4000:9000", "grant:7000:15000", "grant:0:23438",
    "raw:.", "raw:Yes", "raw:a b c d e f g h i j k l m n o p q r s t u v w x y z",
    "raw:12 34.5 6/7 8-9, v1.2.3 (2026)",
)  # fmt: skip
_METHOD = "compress_prompt_llmlingua2"
_RATES = (0.5, 0.33, 0.7, 0.2, 0.9, 0.1, 0.6, 0.4, 0.8)


def llmlingua2(family: str) -> list[Case]:
    """Cases for a family, ``bert`` or ``xlmr``."""
    cases = [
        Case(f"plain-{name}", (name,), {"rate": _RATES[i % len(_RATES)]}, _METHOD)
        for i, name in enumerate(_SINGLE)
    ]
    edges = _BERT_EDGES if family == "bert" else _XLMR_EDGES
    cases += [
        Case(f"edge-{end}", (f"grant:0:{end}",), {"rate": _RATES[i % len(_RATES)]}, _METHOD)
        for i, end in enumerate(edges)
    ]
    forcing: list[dict[str, Any]] = [
        {"force_tokens": ["\n", ".", "?"]},
        {"force_tokens": ["\n", "?", "!", "."], "drop_consecutive": True},
        {"force_tokens": ["the", "government"], "drop_consecutive": True},
        {"force_tokens": ["10:05", "took", "ms"], "force_reserve_digit": True},
        {"force_reserve_digit": True},
        {"token_to_word": "first"},
        {"token_to_word": "first", "force_tokens": ["tribunal", "Geneva", "##s", "s"]},
        {"force_tokens": [",", ".", "awarded", "£"], "chunk_end_tokens": ["\n", ",", "awarded"],
         "return_word_label": True},
        {"return_word_label": True, "word_sep": "|", "label_sep": "/"},
    ]  # fmt: skip
    texts = ("dialogue:6", "grant:2000:5200", "log:12", "code:2", "sample:english", "table:4")
    cases += [
        Case(
            f"forced-{number}-{name}",
            (name,),
            {"rate": _RATES[(number + at) % 5], **arguments},
            _METHOD,
        )
        for number, arguments in enumerate(forcing)
        for at, name in enumerate(texts[number % 2 :: 2])
    ]
    documents = (
        "grant:0:1500", "log:8", "grant:6000:9400", "dialogue:3", "sample:german", "json:3",
    )  # fmt: skip
    many: list[dict[str, Any]] = [
        {"rate": 0.5},
        {"rate": 0.5, "use_context_level_filter": True},
        {"rate": 0.3, "use_context_level_filter": True, "return_word_label": True},
        {"target_token": 300},
        {"target_token": 250, "use_context_level_filter": True, "force_context_ids": [4]},
        {"target_context": 2, "rate": 0.6, "use_context_level_filter": True},
        {"context_level_rate": 0.4, "rate": 0.5, "use_context_level_filter": True,
         "return_word_label": True, "force_tokens": ["\n", "?"], "drop_consecutive": True},
        {"context_level_target_token": 500, "rate": 0.5, "use_context_level_filter": True},
        {"rate": 0.5, "use_context_level_filter": True, "use_token_level_filter": False,
         "return_word_label": True},
        {"rate": 1.0, "return_word_label": True, "force_tokens": ["\n", "10:05"]},
        {"target_token": 400, "use_token_level_filter": False},
        {"target_token": 100000},
    ]  # fmt: skip
    cases += [Case(f"many-{i}", documents, arguments, _METHOD) for i, arguments in enumerate(many)]
    cases += [
        Case("top-level", documents, {"rate": 0.4, "target_token": 350}),
        Case("top-level-one", ("grant:0:4000",), {"rate": 0.4, "question": "?"}),
        Case("structured", ("raw:<llmlingua, compress=False>Keep 1 < 2 this.</llmlingua>"
             "<llmlingua, rate=0.3>The tribunal awarded gold, and nobody objected.</llmlingua>",
             "grant:0:900"), {"rate": 0.5}, "structured_compress_prompt"),
        Case("structured-plain", ("grant:0:900", "dialogue:2"), {"rate": 0.5, "question": "Who?"},
             "structured_compress_prompt"),
        # Where the reference fails, so must we.
        Case("fails-no-word", ("raw:☕",), {}, _METHOD),
        Case("fails-rate-zero", ("sample:english",), {"rate": 0.0}, _METHOD),
        Case("fails-no-tokens", ("raw:",), {"target_token": 10}, _METHOD),
        Case("nothing", ("raw:",), {"rate": 0.5}, _METHOD),
    ]  # fmt: skip
    return cases


_DOCUMENTS = ("grant:0:800", "dialogue:2", "grant:6000:6900", "log:3", "grant:9000:9700")
_QUESTION = "How much did the tribunal at Geneva award to the United States?"
_LONG: dict[str, Any] = {"question": _QUESTION, "rank_method": "longllmlingua"}
_TAGGED = (
    "raw:<llmlingua, compress=False>Speaker 4:</llmlingua><llmlingua, rate=0.4> Thank you. And can "
    "we do the functions for content? Items I believe are 11, three, 14, 16 and 28, I believe."
    "</llmlingua><llmlingua, rate=0.9, compress=True>\nSpeaker 0: Item 11 is a communication from "
    "Council on Price recommendation to increase appropriation in the general fund group.",
    "raw:<llmlingua>This has 1 < 2 in it and so it goes.</llmlingua><llmlingua, rate=0.5>And this "
    "one stays, for it has no such sign, and nobody has told it to go away.</llmlingua>",
    "raw:<llmlingua, rate=0.6>The request was made in November, 1871, and the answer came late. It "
    "was long. Nobody had asked for so much of it, and so it was printed twice."
    "</llmlingua>lost between<llmlingua, compress=False>\nKeep all of this.</llmlingua>",
)
_OBJECT: dict[str, Any] = {
    "id": 987654,
    "name": "John Smith, of the Long and Winding Road",
    "biography": "John Smith is a well known author, who wrote a great many books; his books are "
    "read by millions of people, in many countries, and they are loved by young and old alike.",
    "books": ["The first long book about rivers", "Another book about mountains and snow"],
    "alive": True,
    "ratings": {"critics": "lukewarm at best", "readers": "very enthusiastic indeed"},
}


def _json_config(**rates: float) -> dict[str, dict[str, Any]]:
    kinds = {"id": "int", "name": "str", "biography": "str", "books": "list", "alive": "bool",
             "ratings": "dict"}  # fmt: skip
    return {
        key: {"rate": rates.get(key, 1), "compress": key in rates, "value_type": kind,
              "pair_remove": key in ("alive", "ratings")}
        for key, kind in kinds.items()
    }  # fmt: skip


def llmlingua() -> list[Case]:
    """Cases for LLMLingua and LongLLMLingua; few, the reference takes its time."""
    cases = [
        Case("one", ("grant:0:3000",), {"rate": 0.5}),
        Case("one-quarter", ("grant:8000:10200",), {"rate": 0.25, "instruction": "Summarize.",
             "question": "What is said of the navy?", "iterative_size": 100}),
        Case("short", ("sample:english",), {"rate": 0.3}),
        Case("tail", ("grant:2000:3600",), {"target_token": 120, "iterative_size": 150}),
        Case("languages", ("joined:chinese+german+arabic+emoji+code+blanks+log", "grant:300:900"),
             {"rate": 0.6, "use_context_level_filter": False}),
        Case("many", _DOCUMENTS, {"rate": 0.5, "instruction": "Answer.", "question": _QUESTION}),
        Case("many-sentences", _DOCUMENTS, {"target_token": 200, "context_budget": "*1.5-20",
             "use_sentence_level_filter": True, "reorder_context": "two_stage"}),
        Case("split", ("special:6",), {"rate": 0.4, "keep_split": True, "iterative_size": 60}),
        Case("long", _DOCUMENTS, {**_LONG, "rate": 0.45, "condition_compare": True,
             "condition_in_question": "after_condition", "context_budget": "+150",
             "dynamic_context_compression_ratio": 0.4, "reorder_context": "sort"}),
        Case("long-before", _DOCUMENTS, {**_LONG, "rate": 0.4, "condition_in_question": "before",
             "dynamic_context_compression_ratio": 0.3, "reorder_context": "two_stage",
             "force_context_ids": [1]}),
        Case("long-sentences", _DOCUMENTS, {**_LONG, "target_token": 250,
             "use_sentence_level_filter": True, "keep_first_sentence": 2, "keep_last_sentence": 1,
             "keep_sentence_number": 1, "use_token_level_filter": False}),
        Case("compare-only", ("grant:12000:13700",), {"question": "Who pays?", "rate": 0.5,
             "condition_compare": True, "add_instruction": True, "instruction": "Read.",
             "concate_question": False}),
        Case("bm25", _DOCUMENTS, {"rate": 0.3, "question": _QUESTION, "rank_method": "bm25",
             "force_context_number": 0}),
        Case("gzip", _DOCUMENTS, {"rate": 0.3, "question": _QUESTION, "rank_method": "gzip",
             "use_sentence_level_filter": True}),
        Case("structured", _TAGGED, {"rate": 0.5, "iterative_size": 40},
             "structured_compress_prompt"),
        Case("structured-sentences", _TAGGED[::2], {"rate": 0.5, "iterative_size": 30,
             "use_sentence_level_filter": True, "question": "Who thanked?"},
             "structured_compress_prompt"),
        Case("json", (), {"json_data": _OBJECT, "iterative_size": 20,
             "json_config": _json_config(biography=0.5, name=0.6, books=0.7)}, "compress_json"),
        Case("json-filter", (), {"json_data": _OBJECT, "iterative_size": 30, "rate": 0.3,
             "json_config": _json_config(biography=0.4, ratings=0.5, alive=0.5),
             "use_keyvalue_level_filter": True, "context_budget": "-60"}, "compress_json"),
        Case("one-window", ("grant:0:600",), {"rate": 0.5, "question": _QUESTION,
             "condition_compare": True, "iterative_size": 3000}),
        Case("fails-structured", ("raw:No tags but 1 < 2.", "sample:english"), {},
             "structured_compress_prompt"),
        Case("fails-rate", ("sample:english",), {"rate": 1.5}),
        Case("fails-no-question", ("sample:english",), {"rank_method": "longllmlingua"}),
    ]  # fmt: skip
    original = "grant:0:3000"
    compressed = (
        "raw:To Senate House Representatives: transmitting fourth annual message with thankfulness "
        "Giver good that as nation blessed for past year with peace home, peace abroad, general "
        "prosperity vouchsafed few peoples. exception recent devastating fire which swept from "
        "earth millions accumulated wealth city Boston"
    )
    # A quotation's first token must be in the original as it is: with a blank in front, say.
    responses = (
        "To Senate House Representatives: transmitting fourth annual message",
        " peace home, peace abroad, general prosperity was had, and  recent devastating fire",
        "a recent devastating fire which swept from earth millions in Boston",
        "Nothing of the sort.",
    )
    cases += [
        Case(f"recover-{i}", (original, compressed, f"raw:{response}"), {}, "recover")
        for i, response in enumerate(responses)
    ]
    return cases


def llmlingua_short() -> list[Case]:
    """Cases for a scorer that takes 512 tokens: its cache overflows."""
    return [
        Case("overflow", ("grant:0:4000",), {"rate": 0.9}),
        Case("overflow-compare", ("grant:0:3300",), {"rate": 0.9, "question": "Who pays?",
             "condition_compare": True, "iterative_size": 150}),
        Case("overflow-split", ("special:16",), {"rate": 0.8, "keep_split": True,
             "iterative_size": 120}),
        Case("long-question", ("grant:3000:4100", "grant:9000:9900"), {
             "question": text("grant:15000:17500"), "rate": 0.6, "iterative_size": 100,
             "rank_method": "longllmlingua", "condition_in_question": "after_condition"}),
        Case("long-documents", ("grant:0:2900", "grant:5000:7900", "log:12"),
             {"rate": 0.3, "use_token_level_filter": False}),
        Case("fails-window", ("grant:0:3000",), {"rate": 0.7, "iterative_size": 300}),
    ]  # fmt: skip
