"""A smaller model to start from: fewer layers, narrower ones, fewer words in the vocabulary."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import (
    AutoModelForTokenClassification,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from edgelingua_export.errors import ExportError
from edgelingua_export.train.corpus import Corpus
from edgelingua_export.train.factorise import factorise, main_axes
from edgelingua_export.train.recipe import Student


def shrink(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    student: Student,
    corpus: Corpus,
    folder: Path,
) -> None:
    """Write the student's first weights and its tokenizer to ``folder``, as a Hugging Face folder.

    Layers and the feed-forward units with the largest weights are taken over; a narrower hidden
    state is the larger one's projection on the main axes of the word embeddings. Pieces of the
    vocabulary stay that ``corpus`` (tokenized with ``tokenizer``) has most often, special tokens
    and single characters in any case.

    Raises
    ------
    ExportError
        Not a BERT with a WordPiece vocabulary, or a layer that it does not have.
    """
    if model.config.model_type != "bert":
        raise ExportError(f"a student is made from a BERT; got a {model.config.model_type}")
    kept = _vocabulary(tokenizer, student.vocabulary, corpus)
    values = _Shrunk(model, student, kept)
    config = values.config
    small = AutoModelForTokenClassification.from_config(config)
    missing = set(small.state_dict()) - set(values.weights)
    if missing:
        raise ExportError(f"no weights for a student's {', '.join(sorted(missing)[:3])}")
    small.load_state_dict({name: values.weights[name] for name in small.state_dict()})
    if student.embedding:
        counts = np.bincount(corpus.ids, minlength=len(tokenizer))[kept]
        small = factorise(small, student.embedding, counts, seed=0)
    small.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    _write_vocabulary(folder, kept)


class _Shrunk:
    """Configuration and weights of the student."""

    def __init__(self, model: PreTrainedModel, student: Student, kept: Sequence[int]) -> None:
        old = model.config
        layers = student.layers or tuple(range(old.num_hidden_layers))
        if max(layers) >= old.num_hidden_layers:
            raise ExportError(
                f"student.layers = {list(layers)}: has {old.num_hidden_layers} layers"
            )
        hidden, width = (
            student.hidden or old.hidden_size,
            old.hidden_size // old.num_attention_heads,
        )
        full = hidden // width
        self._heads = student.heads or full
        self._inner = student.intermediate or old.intermediate_size
        if self._heads > full:
            raise ExportError(f"student.heads = {self._heads}: {full} fill its hidden state")
        if hidden % width or hidden > old.hidden_size or self._inner > old.intermediate_size:
            raise ExportError(
                f"student: hidden {hidden}, intermediate {self._inner}: expected at most "
                f"{old.hidden_size} and {old.intermediate_size}, hidden a multiple of {width}"
            )
        self.config = type(old).from_dict(old.to_dict())
        self.config.update(
            {
                "num_hidden_layers": len(layers),
                "hidden_size": hidden,
                "num_attention_heads": full,
                "intermediate_size": self._inner,
                "vocab_size": len(kept),
                "max_position_embeddings": student.positions or old.max_position_embeddings,
            }
        )
        if self._heads < full:
            # By number, as Hugging Face has it; the weights are those of the strongest ones.
            gone = list(range(self._heads, full))
            self.config.pruned_heads = dict.fromkeys(range(len(layers)), gone)
        source = {name: value.detach().float() for name, value in model.state_dict().items()}
        words = source["bert.embeddings.word_embeddings.weight"]
        self._axes = _axes_of(words, hidden)
        self._width = width
        self.weights: dict[str, Tensor] = {}
        self._embeddings(source, kept)
        for number, layer in enumerate(layers):
            self._layer(source, f"bert.encoder.layer.{layer}.", f"bert.encoder.layer.{number}.")
        self.weights["classifier.weight"] = source["classifier.weight"] @ self._axes
        self.weights["classifier.bias"] = source["classifier.bias"]

    def _embeddings(self, source: dict[str, Tensor], kept: Sequence[int]) -> None:
        name = "bert.embeddings."
        words = source[name + "word_embeddings.weight"][list(kept)]
        self.weights[name + "word_embeddings.weight"] = words @ self._axes
        places = source[name + "position_embeddings.weight"]
        places = places[: self.config.max_position_embeddings]
        self.weights[name + "position_embeddings.weight"] = places @ self._axes
        kinds = source[name + "token_type_embeddings.weight"]
        self.weights[name + "token_type_embeddings.weight"] = kinds @ self._axes
        self._norm(source, name + "LayerNorm.", name + "LayerNorm.")

    def _norm(self, source: dict[str, Tensor], old: str, new: str) -> None:
        if self._axes.shape[0] == self._axes.shape[1]:
            self.weights[new + "weight"] = source[old + "weight"]
            self.weights[new + "bias"] = source[old + "bias"]
        else:  # a gain belongs to one coordinate, and these are others
            self.weights[new + "weight"] = torch.ones(self._axes.shape[1])
            self.weights[new + "bias"] = source[old + "bias"] @ self._axes

    def _layer(self, source: dict[str, Tensor], old: str, new: str) -> None:
        axes, name = self._axes, "attention.self."
        heads = self._strongest(
            source[old + "attention.output.dense.weight"], self._heads, self._width
        )
        for part in ("query", "key", "value"):
            weight, bias = (source[f"{old}{name}{part}.{kind}"] for kind in ("weight", "bias"))
            self.weights[f"{new}{name}{part}.weight"] = weight[heads] @ axes
            self.weights[f"{new}{name}{part}.bias"] = bias[heads]
        self._into(source, old, new, "attention.output.dense.", heads)
        self._norm(source, old + "attention.output.LayerNorm.", new + "attention.output.LayerNorm.")
        units = self._strongest(source[old + "output.dense.weight"], self._inner, 1)
        first = "intermediate.dense."
        self.weights[new + first + "weight"] = source[old + first + "weight"][units] @ axes
        self.weights[new + first + "bias"] = source[old + first + "bias"][units]
        self._into(source, old, new, "output.dense.", units)
        self._norm(source, old + "output.LayerNorm.", new + "output.LayerNorm.")

    def _into(
        self, source: dict[str, Tensor], old: str, new: str, name: str, columns: Tensor
    ) -> None:
        weight = source[old + name + "weight"][:, columns]
        self.weights[new + name + "weight"] = self._axes.T @ weight
        self.weights[new + name + "bias"] = source[old + name + "bias"] @ self._axes

    def _strongest(self, weight: Tensor, count: int, block: int) -> Tensor:
        """Columns of the ``count`` blocks with the largest weights, in their order."""
        norms = weight.square().sum(0).view(-1, block).sum(1)
        blocks = norms.topk(count).indices.sort().values
        return (blocks[:, None] * block + torch.arange(block)).flatten()


def _axes_of(words: Tensor, hidden: int) -> Tensor:
    if hidden == words.shape[1]:
        return torch.eye(hidden)
    return main_axes(words, hidden)


def _vocabulary(tokenizer: PreTrainedTokenizerFast, size: int, corpus: Corpus) -> list[int]:
    """Ids that stay, ascending."""
    names = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    if not size or size >= len(names):
        return list(range(len(names)))
    counts: NDArray[np.int64] = np.bincount(corpus.ids, minlength=len(names))
    fixed = set(tokenizer.all_special_ids)
    fixed |= {i for i, name in enumerate(names) if len(name.removeprefix("##")) == 1 and counts[i]}
    frequent = [i for i in np.argsort(-counts, kind="stable").tolist() if i not in fixed]
    return sorted(fixed | set(frequent[: max(0, size - len(fixed))]))


def _write_vocabulary(folder: Path, kept: Sequence[int]) -> None:
    path = folder / "tokenizer.json"
    table = json.loads(path.read_text(encoding="utf-8"))
    if table["model"].get("type") != "WordPiece":
        raise ExportError(f"{path}: a student's vocabulary is cut from a WordPiece one")
    numbers = {old: new for new, old in enumerate(kept)}
    vocabulary = {n: numbers[i] for n, i in table["model"]["vocab"].items() if i in numbers}
    table["model"]["vocab"] = vocabulary
    for token in table["added_tokens"]:
        token["id"] = vocabulary[token["content"]]
    for name, ids in (table.get("post_processor") or {}).get("special_tokens", {}).items():
        ids["ids"] = [vocabulary[name]]
    path.write_text(json.dumps(table, ensure_ascii=False), encoding="utf-8")
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    config = folder / "tokenizer_config.json"
    settings = json.loads(config.read_text(encoding="utf-8"))
    settings.pop("added_tokens_decoder", None)
    config.write_text(json.dumps(settings, ensure_ascii=False), encoding="utf-8")
