"""Narrow word embeddings in front of a wide encoder: ELECTRA's way to save parameters."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import ElectraConfig, ElectraForTokenClassification, PreTrainedModel

from edgelingua_export.errors import ExportError

_SAMPLE = 20_000
"""Places at which the new embeddings are fitted to the old ones."""


def factorise(
    model: PreTrainedModel, width: int, counts: NDArray[np.int64], seed: int
) -> ElectraForTokenClassification:
    """Return a BERT classifier with embeddings ``width`` wide and a projection behind them.

    That is the architecture of ELECTRA's small models (Clark et al. 2020, arXiv:2003.10555). The
    new embeddings are the old ones on their main axes; norm and projection behind them are a least
    squares fit to what the encoder got before. The encoder and the head are taken over.

    Parameters
    ----------
    model
        A BERT token classifier.
    width
        Of the new embeddings, less than the hidden state's.
    counts
        How often each piece of the vocabulary occurs ``(V,)``: frequent ones are fitted better.
    seed
        Of the places that are drawn for the fit.

    Raises
    ------
    ExportError
        ``width`` is not smaller than the hidden state.
    """
    old = model.config
    if not 0 < width < old.hidden_size:
        raise ExportError(f"student.embedding = {width}: expected 1 to {old.hidden_size - 1}")
    shared = {n: getattr(old, n) for n in _SHARED}
    config = ElectraConfig(**shared, embedding_size=width)
    config.pruned_heads = dict(old.pruned_heads)
    small = ElectraForTokenClassification(config).eval()
    with torch.no_grad():
        small.load_state_dict(
            {
                name.replace("bert.", "electra.", 1): value
                for name, value in model.state_dict().items()
                if not name.startswith("bert.embeddings.")
            },
            strict=False,
        )
        _fit(model.get_submodule("bert.embeddings"), small.electra, counts, seed)
    return small


_SHARED = (
    "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
    "hidden_act", "hidden_dropout_prob", "attention_probs_dropout_prob", "type_vocab_size",
    "max_position_embeddings", "layer_norm_eps", "pad_token_id", "id2label", "label2id",
)  # fmt: skip


def _fit(old: nn.Module, new: nn.Module, counts: NDArray[np.int64], seed: int) -> None:
    rng = np.random.default_rng(seed)
    # The square root: rare words are few, and they are what a question asks for.
    share = np.sqrt(counts.astype(np.float64) + 1)
    tables = {n: old.get_parameter(f"{n}_embeddings.weight") for n in _TABLES}
    drawn = [rng.choice(len(counts), _SAMPLE, p=share / share.sum())]
    drawn += [rng.integers(len(tables[n]), size=_SAMPLE) for n in _TABLES[1:]]
    rows = [table[torch.from_numpy(i)] for table, i in zip(tables.values(), drawn, strict=True)]
    sums = torch.stack(rows).sum(0)
    axes = main_axes(sums, new.get_parameter("embeddings.word_embeddings.weight").shape[1])
    for name, table in tables.items():
        new.get_parameter(f"embeddings.{name}_embeddings.weight").copy_(table @ axes)
    inputs = new.get_submodule("embeddings.LayerNorm")(sums @ axes)
    wanted = old.get_submodule("LayerNorm")(sums)
    inputs = torch.cat([inputs, torch.ones(len(inputs), 1)], 1)
    fitted = torch.linalg.lstsq(inputs, wanted).solution
    new.get_parameter("embeddings_project.weight").copy_(fitted[:-1].T)
    new.get_parameter("embeddings_project.bias").copy_(fitted[-1])


_TABLES = ("word", "position", "token_type")


def main_axes(rows: Tensor, count: int) -> Tensor:
    """Return the ``count`` directions ``(d, count)`` in which rows ``(n, d)`` are largest."""
    _, _, axes = torch.linalg.svd(rows.T @ rows)
    main: Tensor = axes[:count].T.contiguous()
    return main
