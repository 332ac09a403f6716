"""Which documents of a prompt stay, and in which order: an option of the coarse step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from edgelingua.compressors.parts.rankers import Ranker
from edgelingua.errors import InputError

Order = Literal["original", "rank", "two_stage"]


@dataclass(frozen=True)
class DocumentFilter:
    """Which documents stay, and in which order.

    Parameters
    ----------
    extra
        Tokens of documents chosen beyond the budget (``context_budget`` of the papers' code);
        infinite: all documents stay.
    most
        Most documents chosen; nothing of the others stays, even where there is room.
    forced
        Numbers of the documents that stay whatever they are worth. So do those with a rate.
    ranker
        Ranks documents and sentences; default: the causal LM does, see `relevance`.
    order
        Of the output: as they came; by rank, the best first; or ``"two_stage"``, the best at both
        ends, where readers look most (LongLLMLingua, section 4.2). `Compressed.prompt` then is the
        reordered prompt.
    """

    extra: float = 100
    most: int | None = None
    forced: tuple[int, ...] = ()
    ranker: Ranker | None = None
    order: Order = "original"

    def __post_init__(self) -> None:
        if self.order not in get_args(Order):
            raise InputError(f"order {self.order!r}: expected one of {', '.join(get_args(Order))}")
        if self.most is not None and self.most < 1:
            raise InputError(f"at most {self.most} documents: expected 1 or more, or None")
