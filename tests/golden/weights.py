"""The same weights for both sides: deterministic Hugging Face folders, made from known models."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForTokenClassification,
    BertModel,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
    XLMRobertaForTokenClassification,
)

from edgelingua.models import registry
from edgelingua_export.sources import find, load

# The reference tells the two families apart by these words in a folder's name.
BERT = "bert-base-multilingual-cased"
XLMR = "xlm-roberta-large"
SCORER = "smollm2-135m-instruct"
SHORT_SCORER = "smollm2-135m-instruct-512"

ADDED = [f"[NEW{i}]" for i in range(100)]
"""What the reference adds for forced tokens; here part of the checkpoint, with fixed rows."""

ENCODER = "all-minilm-l6-v2"
HEAD_SCALE = 0.09
"""Spreads P(keep) as widely as the export's gate for INT8 lets a drawn head."""


def make_bert(folder: Path) -> Path:
    """all-MiniLM-L6-v2 as a BERT token classifier with a drawn head and 100 added tokens."""
    encoder = _encoder()
    config = BertConfig.from_dict(encoder.config.to_dict() | {"num_labels": 2})
    config.vocab_size += len(ADDED)
    state = encoder.state_dict()
    rows = state["embeddings.word_embeddings.weight"]
    state["embeddings.word_embeddings.weight"] = torch.cat([rows, _added_rows(rows)])
    model = BertForTokenClassification(config)
    _fill(model, "bert", state)
    model.save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(registry.fetch(ENCODER), use_fast=True)
    tokenizer.add_special_tokens({"additional_special_tokens": ADDED})
    tokenizer.clean_up_tokenization_spaces = False
    tokenizer.save_pretrained(folder)
    return folder


def make_xlmr(folder: Path) -> Path:
    """The same encoder in XLM-R's clothes: shifted positions, a Unigram tokenizer, other ids."""
    encoder = _encoder()
    pieces, sources = _unigram_vocabulary()
    state = encoder.state_dict()
    rows = state["embeddings.word_embeddings.weight"]
    state["embeddings.word_embeddings.weight"] = torch.cat([rows[sources], _added_rows(rows)])
    positions = state["embeddings.position_embeddings.weight"]
    unused = torch.zeros(2, positions.shape[1])
    state["embeddings.position_embeddings.weight"] = torch.cat([unused, positions])
    types = "embeddings.token_type_embeddings.weight"
    state[types] = state[types][:1]
    config = XLMRobertaConfig(
        vocab_size=len(pieces) + len(ADDED),
        hidden_size=encoder.config.hidden_size,
        num_hidden_layers=encoder.config.num_hidden_layers,
        num_attention_heads=encoder.config.num_attention_heads,
        intermediate_size=encoder.config.intermediate_size,
        layer_norm_eps=encoder.config.layer_norm_eps,
        max_position_embeddings=514,
        type_vocab_size=1,
        num_labels=2,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    )
    model = XLMRobertaForTokenClassification(config)
    _fill(model, "roberta", state)
    model.save_pretrained(folder)
    _unigram_tokenizer(pieces).save_pretrained(folder)
    return folder


def make_scorer(folder: Path) -> Path:
    """SmolLM2-135M-Instruct as a Hugging Face folder, fp32."""
    loaded = load(find(SCORER), "scorer")
    loaded.model.save_pretrained(folder)
    # As SmolLM2's own configuration has it; a GGUF file does not say.
    loaded.tokenizer.clean_up_tokenization_spaces = False
    loaded.tokenizer.save_pretrained(folder)
    return folder


def shorten(scorer: Path, folder: Path, positions: int = 512) -> Path:
    """The same scorer, whose configuration says that it takes only ``positions`` tokens."""
    folder.mkdir()
    for path in scorer.iterdir():
        if path.name != "config.json":
            (folder / path.name).symlink_to(path)
    config = json.loads((scorer / "config.json").read_text(encoding="utf-8"))
    config["max_position_embeddings"] = positions
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def _encoder() -> BertModel:
    encoder: BertModel = BertModel.from_pretrained(
        registry.fetch(ENCODER), local_files_only=True, add_pooling_layer=False
    )
    return encoder


def _added_rows(rows: torch.Tensor) -> torch.Tensor:
    drawn = np.random.RandomState(7).standard_normal((len(ADDED), rows.shape[1]))
    return torch.from_numpy(drawn * float(rows.std())).float()


def _fill(model: torch.nn.Module, prefix: str, state: dict[str, torch.Tensor]) -> None:
    width = state["embeddings.word_embeddings.weight"].shape[1]
    head = np.random.RandomState(2024).standard_normal((2, width))
    full = {f"{prefix}.{name}": value for name, value in state.items()}
    full["classifier.weight"] = torch.from_numpy(head * HEAD_SCALE).float()
    full["classifier.bias"] = torch.zeros(2)
    own = set(model.state_dict())
    model.load_state_dict({name: value for name, value in full.items() if name in own})


def _unigram_vocabulary() -> tuple[list[str], list[int]]:
    """XLM-R's special pieces, then MiniLM's vocabulary; and each piece's row in MiniLM."""
    lines = (registry.fetch(ENCODER) / "vocab.txt").read_text(encoding="utf-8").splitlines()
    row = {piece: at for at, piece in enumerate(lines)}
    found = {
        "<s>": row["[CLS]"],
        "<pad>": row["[PAD]"],
        "</s>": row["[SEP]"],
        "<unk>": row["[UNK]"],
        "▁": row["[unused1]"],
    }
    for at, piece in enumerate(lines):
        if piece.startswith("[") and piece.endswith("]") and len(piece) > 2:
            continue  # special and unused ones
        found[piece[2:] if piece.startswith("##") else f"▁{piece}"] = at
    found["<mask>"] = row["[MASK]"]
    return list(found), list(found.values())


def _unigram_tokenizer(pieces: list[str]) -> PreTrainedTokenizerFast:
    # MiniLM's vocabulary is roughly in order of frequency: Zipf's law gives the probabilities.
    scores = [(piece, -math.log(at + 10)) for at, piece in enumerate(pieces)]
    tokenizer = Tokenizer(Unigram(scores, pieces.index("<unk>")))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Lowercase(), normalizers.Replace(Regex(r"\s+"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        cls_token="<s>",
        unk_token="<unk>",
        pad_token="<pad>",
        mask_token="<mask>",
        additional_special_tokens=ADDED,
        model_max_length=512,
        clean_up_tokenization_spaces=False,
    )
