"""Small real models, exported by the real export, and texts that break naive code."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers import models as tokenizer_models
from tokenizers import trainers as tokenizer_trainers
from transformers import (
    BertConfig,
    BertForTokenClassification,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
    XLMRobertaForTokenClassification,
)

from edgelingua import models
from edgelingua.bundle import ModelBundle
from edgelingua.llama import LlamaModel
from edgelingua.manifest import Task
from edgelingua_export.build import BuildOptions, build
from edgelingua_export.quantization.options import SearchOptions
from edgelingua_export.sources import find

from . import tiny_gguf

# A shell that starts the tests in the background has them ignore Ctrl-C, and every process that a
# test starts would do the same.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "examples" / "data" / "grant-1872.txt"

TEXTS = {
    "english": "The tribunal awarded $15,500,000 in gold; Mr. O'Neil didn't object (much).",
    "german": "Die Fußgängerübergänge kosteten 1.234,56 € – außerordentlich günstig!",
    "french": "« L'été », dit-elle, « c'est déjà fini… » Où va-t-on ?",
    "chinese": "法庭裁定赔偿一千五百五十万美元。双方都表示满意，没有异议。",
    "japanese": "裁判所は1,550万ドルの賠償を命じた。ニューヨークでは雨が降っています。",
    "arabic": "حكمت المحكمة بتعويض قدره ١٥٬٥٠٠٬٠٠٠ دولار، ولم يعترض أحد.",
    "hindi": "न्यायाधिकरण ने १५,५००,००० डॉलर का मुआवज़ा दिया। किसी ने आपत्ति नहीं की।",
    "thai": "ศาลตัดสินให้ชดใช้ค่าเสียหายสิบห้าล้านดอลลาร์",
    "emoji": "Great 👍🏽 news 👨‍👩‍👧‍👦 from 🇩🇪🇫🇷! e\u0301te\u0301 na\u00efve ☕️ 1️⃣",
    "code": "def f(x: int) -> dict[str, int]:\n\treturn {'a_b': x << 2}  # up\n\n\nprint(f(3))\n",
    "json": '{"id": 17, "tags": ["a", "b"], "text": "He said \\"no\\".", "ratio": -0.25}',
    "log": "2026-11-21T21:13:43Z ERROR [db-1] conn=10.0.0.7:5432 refused (x3)\r\n",
    "blanks": "  two  spaces\n\n\n\ttab\u00a0nbsp \u200bzero \u2028line  ",
    "special": "Ignore <|im_end|> and [SEP] </s> <s> [CLS] here.",
}


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Threads that wait for each other on tiny matrices take most of the time, others' too."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def corpus() -> list[str]:
    return [DOCUMENT.read_text(encoding="utf-8"), *TEXTS.values()]


def _byte_level(corpus: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(tokenizer_models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = tokenizer_trainers.BpeTrainer(
        vocab_size=1200,
        special_tokens=["<|endoftext|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus, trainer)
    return tokenizer


def _wordpiece(corpus: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(tokenizer_models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    trainer = tokenizer_trainers.WordPieceTrainer(
        vocab_size=1200, special_tokens=special, show_progress=False
    )
    tokenizer.train_from_iterator(corpus, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    # As sentence-transformers ships them; the runtime must switch both off.
    tokenizer.enable_truncation(16)
    tokenizer.enable_padding(length=16)
    return tokenizer


def _unigram(corpus: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(tokenizer_models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer = tokenizer_trainers.UnigramTrainer(
        vocab_size=900, special_tokens=special, unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(corpus, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def _save(folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> Path:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_lm(tmp_path_factory: pytest.TempPathFactory, corpus: list[str]) -> Path:
    """A Llama with random weights and a byte-level BPE tokenizer, as a Hugging Face folder."""
    torch.manual_seed(1)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=_byte_level(corpus), bos_token="<|endoftext|>", eos_token="<|im_end|>"
    )
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,  # heads of 16 values: the fused kernel takes no smaller ones
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        initializer_range=0.3,
        bos_token_id=0,
        eos_token_id=1,
    )
    return _save(tmp_path_factory.mktemp("lm") / "tiny-lm", LlamaForCausalLM(config), tokenizer)


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory, corpus: list[str]) -> Path:
    """A BERT token classifier with a WordPiece tokenizer that truncates and pads by itself."""
    torch.manual_seed(2)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=_wordpiece(corpus),
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
    )
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.3,
    )
    folder = tmp_path_factory.mktemp("bert") / "tiny-bert"
    return _save(folder, BertForTokenClassification(config), tokenizer)


@pytest.fixture(scope="session")
def tiny_xlmr(tmp_path_factory: pytest.TempPathFactory, corpus: list[str]) -> Path:
    """An XLM-RoBERTa token classifier with a Unigram tokenizer."""
    torch.manual_seed(3)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=_unigram(corpus),
        unk_token="<unk>",
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
    )
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=66,
        pad_token_id=1,
        initializer_range=0.3,
    )
    folder = tmp_path_factory.mktemp("xlmr") / "tiny-xlmr"
    return _save(folder, XLMRobertaForTokenClassification(config), tokenizer)


def _build(source: Path, task: Task) -> ModelBundle:
    output = source.parent / f"{source.name}-{task}"
    options = BuildOptions(keep_fp32=True, search=SearchOptions(objective="first"))
    build(find(str(source)), task, output, options, lambda _: None)
    return ModelBundle.open(output)


@pytest.fixture(scope="session")
def scorer_bundle(tiny_lm: Path) -> ModelBundle:
    return _build(tiny_lm, "scorer")


@pytest.fixture(scope="session")
def bert_bundle(tiny_bert: Path) -> ModelBundle:
    return _build(tiny_bert, "classifier")


@pytest.fixture(scope="session")
def xlmr_bundle(tiny_xlmr: Path) -> ModelBundle:
    return _build(tiny_xlmr, "classifier")


@pytest.fixture
def copy_of(tmp_path: Path) -> Callable[[ModelBundle], Path]:
    """Copies a bundle, to be damaged."""

    def copy(bundle: ModelBundle) -> Path:
        return Path(shutil.copytree(bundle.folder, tmp_path / bundle.folder.name))

    return copy


@pytest.fixture(scope="session")
def gguf() -> Path:
    """SmolLM2-135M-Instruct, fetched on the first run."""
    return models.fetch("smollm2-135m-instruct")


@pytest.fixture(scope="session")
def reader(gguf: Path) -> LlamaModel:
    return LlamaModel(gguf, threads=1)  # two that wait for each other crawl on a busy machine


@pytest.fixture(scope="session")
def tiny_llama() -> LlamaForCausalLM:
    """A Llama with random weights whose heads are large enough for quantized caches."""
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=300,
        hidden_size=256,  # heads of 64 numbers: llama.cpp rotates them when it quantizes
        intermediate_size=128,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        initializer_range=0.12,  # attention that is not all on one token
        attn_implementation="eager",
    )
    return LlamaForCausalLM(config).eval()


@pytest.fixture(scope="session")
def tiny_reader(
    tiny_llama: LlamaForCausalLM, tmp_path_factory: pytest.TempPathFactory
) -> LlamaModel:
    """The same in llama.cpp, in full precision: what must be equal is equal there."""
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    return LlamaModel(tiny_gguf.write(tiny_llama, path), threads=1)
