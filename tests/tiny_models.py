"""The tiny models of the tests: random weights, real tokenizers, every family of them.

``python -m tests.tiny_models`` builds the bundles in ``tests/bundles``. What it built is checked
in, so that tests of the runtime need neither torch nor the export; so are the tokenizers, which
come out otherwise every time they are trained. It trains those that are not there.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers import models as tokenizer_models
from tokenizers import trainers as tokenizer_trainers
from transformers import (
    BertConfig,
    BertForTokenClassification,
    BertModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
    XLMRobertaForTokenClassification,
)

from edgelingua.bundle.manifest import Task
from edgelingua_export.build import BuildOptions, build
from edgelingua_export.quantization.options import SearchOptions
from edgelingua_export.sources import find
from tests.conftest import BUNDLES, DOCUMENT, TEXTS

TOKENIZERS = Path(__file__).resolve().parent / "tokenizers"


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


def tiny_lm(folder: Path) -> Path:
    """A Llama with random weights and a byte-level BPE tokenizer, as a Hugging Face folder."""
    torch.manual_seed(1)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=_trained("byte_level"), bos_token="<|endoftext|>", eos_token="<|im_end|>"
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
    return _save(folder, LlamaForCausalLM(config), tokenizer)


def tiny_bert(folder: Path) -> Path:
    """A BERT token classifier with a WordPiece tokenizer that truncates and pads by itself."""
    return _bert(folder, BertForTokenClassification)


def tiny_sentence(folder: Path) -> Path:
    """A BERT without a head, and the tokenizer of `tiny_bert`."""
    return _bert(folder, BertModel)


def _bert(folder: Path, kind: type[PreTrainedModel]) -> Path:
    torch.manual_seed(2)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=_trained("wordpiece"),
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
    return _save(folder, kind(config), tokenizer)


def tiny_xlmr(folder: Path) -> Path:
    """An XLM-RoBERTa token classifier with a Unigram tokenizer."""
    torch.manual_seed(3)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=_trained("unigram"),
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
    return _save(folder, XLMRobertaForTokenClassification(config), tokenizer)


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


def _trained(name: str) -> Tokenizer:
    return Tokenizer.from_file(str(TOKENIZERS / f"{name}.json"))


def _save(folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> Path:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


TINY: dict[str, tuple[Callable[[Path], Path], Task]] = {
    "tiny-lm": (tiny_lm, "scorer"),
    "tiny-bert": (tiny_bert, "classifier"),
    "tiny-xlmr": (tiny_xlmr, "classifier"),
    "tiny-sentence": (tiny_sentence, "encoder"),
}


def build_bundle(name: str, folder: Path) -> Path:
    """Build one of ``TINY`` inside ``folder``, the model and its bundle beside each other."""
    make, task = TINY[name]
    output = folder / f"{name}-{task}"
    # Heads of the first of two layers: the graph that shows them is cut behind it.
    heads = ((0, 1), (0, 3)) if task == "scorer" else ()
    options = BuildOptions(keep_fp32=True, attention=heads, search=SearchOptions(objective="first"))
    build(find(str(make(folder / name))), task, output, options, lambda _: None)
    return output


def _main() -> None:
    torch.set_num_threads(1)
    corpus = [DOCUMENT.read_text(encoding="utf-8"), *TEXTS.values()]
    TOKENIZERS.mkdir(exist_ok=True)
    for train in (_byte_level, _wordpiece, _unigram):
        path = TOKENIZERS / f"{train.__name__.removeprefix('_')}.json"
        if not path.exists():
            train(corpus).save(str(path), pretty=False)
    for name in TINY:
        with tempfile.TemporaryDirectory() as folder:
            built = build_bundle(name, Path(folder))
            shutil.rmtree(BUNDLES / built.name, ignore_errors=True)
            shutil.copytree(built, BUNDLES / built.name)


if __name__ == "__main__":
    _main()
