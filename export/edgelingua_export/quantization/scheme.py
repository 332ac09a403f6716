"""What a candidate is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Weights = Literal["s7", "u8", "s8"]
"""How INT8 products keep their weights, all per output column.

``s8`` is signed with the full range; on x86 without VNNI its products with unsigned 8-bit
activations saturate in 16 bits. ``s7`` is signed with half the range and ``u8`` unsigned: neither
can saturate.
"""

Format = Literal["int8", "blocks8", "blocks4", "half"]
"""How one product is computed; see `formats`."""


@dataclass(frozen=True)
class Scheme:
    """One candidate of the search.

    Parameters
    ----------
    weights
        Of INT8 products.
    smoothing
        Strength of SmoothQuant, 0 to 1; 0 is none.
    apart
        Channels of a product's input that are computed apart, in fp32, where that helps.
    protected
        How many products, the most sensitive first, are kept in the format ``protection``.
    blocks4
        How many products, the least sensitive first, have 4-bit weights.
    shared
        Embedding and head use one matrix, if the model ties them.
    """

    weights: Weights = "s7"
    smoothing: float = 0.0
    apart: int = 0
    protected: int = 0
    protection: Format = "blocks8"
    blocks4: int = 0
    shared: bool = False

    @property
    def label(self) -> str:
        """A short name, different for every candidate."""
        parts = [f"int8 ({self.weights})"]
        if self.smoothing:
            parts.append(f"smoothed {self.smoothing:g}")
        if self.apart:
            parts.append(f"{self.apart} apart")
        if self.protected:
            parts.append(f"{self.protected} in {self.protection}")
        if self.blocks4:
            parts.append(f"{self.blocks4} in blocks4")
        if self.shared:
            parts.append("shared embedding")
        return ", ".join(parts)

    def formats(self, sensitive_first: list[str]) -> dict[str, Format]:
        """Return the format of each product, given their names with the most sensitive first."""
        chosen: dict[str, Format] = dict.fromkeys(sensitive_first, "int8")
        if self.blocks4:
            chosen |= dict.fromkeys(sensitive_first[-self.blocks4 :], "blocks4")
        return chosen | dict.fromkeys(sensitive_first[: self.protected], self.protection)

    def record(self) -> dict[str, Any]:
        """Return the scheme for a manifest."""
        return asdict(self)
