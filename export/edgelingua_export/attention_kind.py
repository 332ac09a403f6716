"""What a configuration says of a causal LM's attention, in a fused kernel's terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from transformers import PretrainedConfig


@dataclass(frozen=True)
class AttentionKind:
    """What the kernel must be told of a model's attention.

    ``windows`` are the tokens that each layer looks back at, itself included; 0 stands for all.
    ``scale`` and ``cap`` act on the products of queries and keys; 0 stands for one over the square
    root of a head's size, and for no cap.
    """

    heads: int
    kv_heads: int
    windows: tuple[int, ...]
    scale: float = 0.0
    cap: float = 0.0

    @classmethod
    def of(cls, config: PretrainedConfig) -> Self:
        """Read it off a configuration."""
        heads, layers = config.num_attention_heads, config.num_hidden_layers
        window = getattr(config, "sliding_window", None) or 0
        kinds = getattr(config, "layer_types", None) or ["sliding_attention"] * layers
        scalar = getattr(config, "query_pre_attn_scalar", None)
        return cls(
            heads,
            getattr(config, "num_key_value_heads", heads),
            tuple(window if kind == "sliding_attention" else 0 for kind in kinds),
            scalar**-0.5 if scalar else 0.0,
            getattr(config, "attn_logit_softcapping", None) or 0.0,
        )

    def attributes(self, layer: int) -> dict[str, int | float]:
        """The kernel's attributes for a layer."""
        attributes: dict[str, int | float] = {
            "num_heads": self.heads, "kv_num_heads": self.kv_heads
        }  # fmt: skip
        if self.windows[layer]:
            attributes["local_window_size"] = self.windows[layer]
        if self.scale:
            attributes["scale"] = self.scale
        if self.cap:
            attributes["softcap"] = self.cap
        return attributes
