"""Small checkpoints with random weights, one per family of models, as users' folders look.

The tokenizers are trained here and saved as the family's own class, so that loading them takes the
way that a published checkpoint's takes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
import transformers
from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers import models as tokenizer_models
from tokenizers import trainers as tokenizer_trainers
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from edgelingua.bundle.manifest import Task
from edgelingua.text import WordBoundary

VOCABULARY = 1000
POSITIONS = 512

Train = Callable[[Sequence[str]], Tokenizer]


@dataclass(frozen=True)
class Family:
    """How a family's models and tokenizers are made, and what its bundle's manifest must say.

    ``sizes`` go into the configuration, ``options`` into the tokenizer; ``prefix`` and ``suffix``
    are the special tokens around a text, by name. ``fused`` is how the report on fusing begins.
    """

    task: Task
    model: str
    tokenizer: str
    train: Train
    sizes: Mapping[str, object]
    prefix: tuple[str, ...]
    suffix: tuple[str, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)
    word_boundary: WordBoundary = "space"
    max_length: int = POSITIONS
    fused: str = "nothing"


def save(family: Family, texts: Sequence[str], folder: Path) -> PreTrainedModel:
    """Write a checkpoint with its tokenizer into ``folder``; return the model."""
    kind: type[PreTrainedTokenizerFast] = getattr(transformers, family.tokenizer)
    tokenizer = kind(tokenizer_object=family.train(texts), **family.options)
    tokenizer.save_pretrained(folder)
    ids = {f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in
           ("bos", "eos", "pad", "cls", "sep")}  # fmt: skip
    ids = {name: number for name, number in ids.items() if number is not None}
    architecture: type[PreTrainedModel] = getattr(transformers, family.model)
    config = architecture.config_class(vocab_size=len(tokenizer), **{**ids, **family.sizes})
    torch.manual_seed(1)
    model = architecture(config).eval()
    if family.task == "scorer":
        model.set_attn_implementation("eager")  # what the others are measured by
    model.save_pretrained(folder)
    return model


def wordpiece(*, lowercase: bool) -> Train:
    """BERT's; multilingual BERT's with ``lowercase`` off."""

    def train(texts: Sequence[str]) -> Tokenizer:
        tokenizer = Tokenizer(tokenizer_models.WordPiece(unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.decoder = decoders.WordPiece()
        special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        trainer = tokenizer_trainers.WordPieceTrainer(
            vocab_size=VOCABULARY, special_tokens=special, show_progress=False
        )
        tokenizer.train_from_iterator(texts, trainer)
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]",
            pair="[CLS] $A [SEP] $B:1 [SEP]:1",
            special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
        )
        return tokenizer

    return train


def unigram(texts: Sequence[str]) -> Tokenizer:
    """XLM-RoBERTa's: blanks are part of the pieces."""
    tokenizer = Tokenizer(tokenizer_models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = tokenizer_trainers.UnigramTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        unk_token="<unk>",
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    return tokenizer


def byte_level(
    *special: str, template: str = "$A", normalizer: normalizers.Normalizer | None = None
) -> Train:
    """GPT-2's, and its like: byte-level BPE with other special tokens."""

    def train(texts: Sequence[str]) -> Tokenizer:
        tokenizer = Tokenizer(tokenizer_models.BPE())
        if normalizer is not None:
            tokenizer.normalizer = normalizer
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        trainer = tokenizer_trainers.BpeTrainer(
            vocab_size=VOCABULARY,
            special_tokens=list(special),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        tokenizer.train_from_iterator(texts, trainer)
        around = [(t, tokenizer.token_to_id(t)) for t in special if t in template.split()]
        tokenizer.post_processor = processors.TemplateProcessing(
            single=template, special_tokens=around
        )
        return tokenizer

    return train


def sentencepiece(*special: str, begin: bool) -> Train:
    """Llama 2's and Gemma's: BPE with blanks in the pieces and bytes for what it does not know.

    ``begin``: a text begins with a blank (Llama).
    """

    def train(texts: Sequence[str]) -> Tokenizer:
        tokenizer = Tokenizer(
            tokenizer_models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True)
        )
        marks = normalizers.Replace(" ", "▁")
        tokenizer.normalizer = (
            normalizers.Sequence([normalizers.Prepend("▁"), marks]) if begin else marks
        )
        # No piece of several words is learnt; in use nothing splits.
        tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("▁*[^▁]+|▁+"), "isolated")
        numbers = [f"<0x{byte:02X}>" for byte in range(256)]
        trainer = tokenizer_trainers.BpeTrainer(
            vocab_size=VOCABULARY, special_tokens=[*special, *numbers], show_progress=False
        )
        tokenizer.train_from_iterator(texts, trainer)
        made = json.loads(tokenizer.to_str())
        made["pre_tokenizer"] = None
        made["added_tokens"] = [t for t in made["added_tokens"] if t["content"] in special]
        return Tokenizer.from_str(json.dumps(made))

    return train


_SIZES: dict[str, object] = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "max_position_embeddings": POSITIONS,
    "initializer_range": 0.1,
}
_GROUPED = {**_SIZES, "num_key_value_heads": 2, "initializer_range": 0.3}
_WIDE = {**_GROUPED, "head_dim": 32}
_QWEN_TEXT = byte_level("<|endoftext|>", "<|im_start|>", "<|im_end|>", normalizer=normalizers.NFC())
_QWEN = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "unk_token": None}
_GEMMA_TEXT = sentencepiece("<pad>", "<eos>", "<bos>", "<unk>", begin=False)
_ROBERTA_TEXT = byte_level("<s>", "<pad>", "</s>", "<unk>", "<mask>", template="<s> $A </s>")
_CLS, _SEP, _S, _END = ("[CLS]",), ("[SEP]",), ("<s>",), ("</s>",)

FAMILIES = {
    "bert": Family(
        "classifier", "BertForTokenClassification", "BertTokenizerFast",
        wordpiece(lowercase=True), _SIZES, _CLS, _SEP, {"do_lower_case": True}, "wordpiece",
        fused="Attention in 2 layers",
    ),
    "bert-multilingual-cased": Family(
        "classifier", "BertForTokenClassification", "BertTokenizerFast",
        wordpiece(lowercase=False), _SIZES, _CLS, _SEP, {"do_lower_case": False}, "wordpiece",
        fused="Attention in 2 layers",
    ),
    "distilbert": Family(
        "classifier", "DistilBertForTokenClassification", "DistilBertTokenizerFast",
        wordpiece(lowercase=True),
        {"dim": 64, "n_layers": 2, "n_heads": 4, "hidden_dim": 128, "initializer_range": 0.1,
         "max_position_embeddings": POSITIONS},
        _CLS, _SEP, {"do_lower_case": True}, "wordpiece", fused="Attention in 2 layers",
    ),
    "mobilebert": Family(
        "classifier", "MobileBertForTokenClassification", "MobileBertTokenizerFast",
        wordpiece(lowercase=True),
        {**_SIZES, "embedding_size": 32, "intra_bottleneck_size": 32, "true_hidden_size": 32},
        _CLS, _SEP, {"do_lower_case": True}, "wordpiece",
    ),
    "modernbert": Family(
        "classifier", "ModernBertForTokenClassification", "PreTrainedTokenizerFast",
        byte_level("[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]", template="[CLS] $A [SEP]"),
        {**_SIZES, "num_hidden_layers": 4, "local_attention": 32},
        _CLS, _SEP,
        {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]",
         "mask_token": "[MASK]"},
    ),
    "xlm-roberta": Family(
        "classifier", "XLMRobertaForTokenClassification", "XLMRobertaTokenizerFast",
        unigram, {**_SIZES, "max_position_embeddings": POSITIONS + 2}, _S, _END,
        fused="Attention in 2 layers",
    ),
    "roberta": Family(
        "classifier", "RobertaForTokenClassification", "RobertaTokenizerFast",
        _ROBERTA_TEXT, {**_SIZES, "max_position_embeddings": POSITIONS + 2}, _S, _END,
        fused="Attention in 2 layers",
    ),
    "llama": Family(
        "scorer", "LlamaForCausalLM", "LlamaTokenizerFast",
        sentencepiece("<unk>", "<s>", "</s>", begin=True), _GROUPED, _S,
        fused="GroupQueryAttention in 2 layers",
    ),
    "llama-tied": Family(
        "scorer", "LlamaForCausalLM", "PreTrainedTokenizerFast",
        byte_level("<|begin|>", "<|end|>", template="<|begin|> $A"),
        {**_GROUPED, "tie_word_embeddings": True}, ("<|begin|>",), (),
        {"bos_token": "<|begin|>", "eos_token": "<|end|>"},
        fused="GroupQueryAttention in 2 layers",
    ),
    "mistral": Family(
        "scorer", "MistralForCausalLM", "LlamaTokenizerFast",
        sentencepiece("<unk>", "<s>", "</s>", begin=True), {**_GROUPED, "sliding_window": 48}, _S,
        fused="GroupQueryAttention in 2 layers",
    ),
    "qwen2": Family(
        "scorer", "Qwen2ForCausalLM", "Qwen2TokenizerFast",
        _QWEN_TEXT, _GROUPED, ("<|im_end|>",), (), _QWEN, fused="GroupQueryAttention in 2 layers",
    ),
    "qwen3": Family(
        "scorer", "Qwen3ForCausalLM", "Qwen2TokenizerFast",
        _QWEN_TEXT, {**_WIDE, "tie_word_embeddings": True}, ("<|im_end|>",), (), _QWEN,
        fused="GroupQueryAttention in 2 layers",
    ),
    "gpt2": Family(
        "scorer", "GPT2LMHeadModel", "GPT2TokenizerFast",
        byte_level("<|endoftext|>"),
        {"n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": POSITIONS,
         "initializer_range": 0.3},
        ("<|endoftext|>",), fused="GroupQueryAttention in 2 layers",
    ),
    "gemma": Family(
        "scorer", "GemmaForCausalLM", "GemmaTokenizerFast", _GEMMA_TEXT,
        {**_WIDE, "num_key_value_heads": 1}, ("<bos>",), fused="GroupQueryAttention in 2 layers",
    ),
    "gemma2": Family(
        "scorer", "Gemma2ForCausalLM", "GemmaTokenizerFast", _GEMMA_TEXT,
        {**_WIDE, "sliding_window": 48, "query_pre_attn_scalar": 24,
         "final_logit_softcapping": 5.0, "attn_logit_softcapping": 3.0},
        ("<bos>",), fused="GroupQueryAttention in 2 layers",
    ),
    "gemma3": Family(
        "scorer", "Gemma3ForCausalLM", "GemmaTokenizerFast", _GEMMA_TEXT,
        {**_WIDE, "sliding_window": 48, "query_pre_attn_scalar": 24,
         "layer_types": ["sliding_attention", "full_attention"]},
        ("<bos>",), fused="GroupQueryAttention in 2 layers",
    ),
}  # fmt: skip
"""By the name that ``config.json`` calls the model type, or a variant of it."""
