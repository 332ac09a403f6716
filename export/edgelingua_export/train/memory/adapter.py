"""A frozen reader with an adapter that works on chosen tokens alone, and learned tokens."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from edgelingua_export.errors import ExportError
from edgelingua_export.train.memory.packing import Packed

PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj")


class _Switch:
    """Where the adapter works: ``(B, L, 1)``, 1 or 0; none: nowhere."""

    where: Tensor | None = None


class LowRank(nn.Module):
    """A frozen linear layer and a low-rank change of it (Hu et al. 2021, arXiv:2106.09685)."""

    def __init__(self, frozen: nn.Linear, rank: int, alpha: float, switch: _Switch) -> None:
        super().__init__()
        self.frozen, self._switch, self._scale = frozen, switch, alpha / rank
        device = frozen.weight.device
        down = torch.randn(rank, frozen.in_features, device=device)
        self.down = nn.Parameter(down / math.sqrt(frozen.in_features))
        self.up = nn.Parameter(torch.zeros(frozen.out_features, rank, device=device))

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer, and its change to the tokens that the switch names."""
        y: Tensor = self.frozen(x)
        where = self._switch.where
        if where is None:
            return y
        change = (x @ self.down.to(x.dtype).T) @ self.up.to(x.dtype).T
        return y + change * (where * self._scale)


class Compressor(nn.Module):
    """A reader that writes memories.

    Parameters
    ----------
    reader
        A causal LM of the Llama kind; its weights do not change.
    rank, alpha
        Of the adapter, on the projections of attention. The last layer's queries and outputs have
        none: no cell depends on them.
    learned
        Number of learned tokens; they begin as tokens that the reader knows, drawn by chance.

    Raises
    ------
    ExportError
        The reader's layers have no such projections.
    """

    def __init__(self, reader: PreTrainedModel, rank: int, alpha: float, learned: int) -> None:
        super().__init__()
        self.reader, self.alpha = reader.requires_grad_(False), alpha
        self._switch = _Switch()
        self._decoder: Callable[..., Any] = reader.get_decoder()
        self.changes: dict[str, LowRank] = {}
        layers = getattr(reader.get_decoder(), "layers", [])
        for number, layer in enumerate(layers):
            for name in PROJECTIONS if number < len(layers) - 1 else PROJECTIONS[1:3]:
                frozen = getattr(getattr(layer, "self_attn", None), name, None)
                if not isinstance(frozen, nn.Linear):
                    raise ExportError(
                        f"a {type(reader).__name__}: expected layers with self_attn.{name}; "
                        "memories can be trained for readers such as Llama and Qwen2"
                    )
                change = LowRank(frozen, rank, alpha, self._switch)
                setattr(layer.self_attn, name, change)
                self.changes[f"{number}.{name}"] = change
        words = reader.get_input_embeddings().weight
        rows = torch.randint(0, len(words), (learned,), device=words.device)
        self.vectors = nn.Parameter(words[rows].detach().float().clone())

    def compile_layers(self) -> None:
        """Let torch compile the reader's layers: for many steps of one shape."""
        self._decoder = torch.compile(self.reader.get_decoder())

    def trained(self) -> dict[str, Tensor]:
        """What is trained, by name: ``LAYER.PROJECTION.down`` and ``.up``, and ``vectors``."""
        found: dict[str, Tensor] = {"vectors": self.vectors} if len(self.vectors) else {}
        for name, change in self.changes.items():
            found |= {f"{name}.down": change.down, f"{name}.up": change.up}
        return found

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take over what `trained` gave.

        Raises
        ------
        ExportError
            Other names or shapes.
        """
        mine = self.trained()
        shapes = {name: tuple(value.shape) for name, value in mine.items()}
        if shapes != {name: tuple(value.shape) for name, value in tensors.items()}:
            raise ExportError("the adapter is of another reader, rank or number of learned tokens")
        with torch.no_grad():
            for name, value in mine.items():
                value.copy_(tensors[name])

    def said(self, rows: Packed, *, whole: bool, adapted: bool = True) -> Tensor:
        """Log-probabilities ``(n, V)`` at the ``n`` targets of the rows, float32.

        ``whole``: of the reader with the documents themselves; else with their memories, which the
        adapter wrote if ``adapted``.
        """
        embed = self.reader.get_input_embeddings()
        x = embed(rows.tokens.clamp(min=0))
        if len(self.vectors):
            number = (-1 - rows.tokens).clamp(min=0)
            x = torch.where(rows.learned[..., None], self.vectors[number].to(x.dtype), x)
        self._switch.where = None
        if adapted and not whole:
            self._switch.where = rows.written[..., None].to(x.dtype)
        seen = rows.sees(whole=whole)[:, None]
        hidden = self._decoder(
            inputs_embeds=x,
            attention_mask=torch.zeros_like(seen, dtype=x.dtype).masked_fill_(
                ~seen, torch.finfo(x.dtype).min
            ),
            position_ids=rows.whole_positions if whole else rows.positions,
            use_cache=False,
        ).last_hidden_state
        wanted = hidden[:, :-1][rows.target[:, 1:] > 0]
        logits: Tensor = self.reader.get_output_embeddings()(wanted)
        return logits.float().log_softmax(-1)
