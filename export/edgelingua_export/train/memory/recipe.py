"""Recipes of memories: what is read how, and what stays of it, as TOML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from edgelingua_export import recipe_toml
from edgelingua_export.errors import ExportError
from edgelingua_export.train.recipe import DataSet, part


@dataclass(frozen=True)
class Memory:
    """What a memory is made of; the methods of the field are values of these.

    Parameters
    ----------
    shortest, document
        Tokens of a document are drawn between the two.
    segment
        So many tokens are read at once; later segments see the earlier ones' cells alone.
    learned
        Learned tokens behind a segment, at most, whose cells are the memory; 0: it is made of the
        cells of the document's own tokens, those of the words that ``scorer`` scores highest.
    scorer
        A classifier bundle: its folder, or the name of a shipped one. It is asked without a
        question. Empty: every nth token is kept.
    lowest, highest
        Tokens of text for each cell are drawn between them, evenly on a logarithmic scale.
    """

    shortest: int = 256
    document: int = 512
    segment: int = 512
    learned: int = 0
    scorer: str = ""
    lowest: float = 4
    highest: float = 32


@dataclass(frozen=True)
class Adapter:
    """Low-rank changes of attention's projections (Hu et al. 2021, arXiv:2106.09685).

    ``start`` is the folder of a trained memory, beside the recipe, from whose adapter training goes
    on, with the first of its learned tokens; empty: from nothing.
    """

    rank: int = 32
    alpha: float = 64
    start: str = ""


@dataclass(frozen=True)
class Asking:
    """What is asked of the document, and then of its memory.

    Parameters
    ----------
    before, after
        What the reader reads before the document, and between a question and its answer; tokens
        such as ``<|im_start|>`` count as themselves.
    end
        What it says behind an answer, so that it stops there: ``<|im_end|>``. Empty: it is not
        taught to stop.
    room
        Tokens of questions with answers for one document.
    recall
        Share of the room for passages of the document that are begun and gone on with.
    weight, gold, recalled
        Of the reader's change (KL, nats a token of the answer), of its NLL of the answer, and of
        its change where it recalls.
    """

    before: str = (
        "<|im_start|>system\nYou answer questions about the text you are given. Answer with a few "
        "words from the text, nothing else.<|im_end|>\n<|im_start|>user\n"
    )
    after: str = "<|im_end|>\n<|im_start|>assistant\n"
    end: str = ""
    room: int = 256
    recall: float = 0.3
    weight: float = 0.3
    gold: float = 1.0
    recalled: float = 0.3


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    The learning rate rises over ``warmup`` of the steps and falls to 0 as half a cosine; that of
    the learned tokens is ``tokens_rate`` times as high.
    """

    steps: int = 2000
    documents: int = 32
    learning_rate: float = 5e-4
    tokens_rate: float = 3.0
    warmup: float = 0.03
    checkpoint_every: int = 500


@dataclass(frozen=True)
class MemoryRecipe:
    """All that decides what comes out of training, but the data itself."""

    base: str
    data: tuple[DataSet, ...]
    seed: int = 1
    memory: Memory = field(default_factory=Memory)
    adapter: Adapter = field(default_factory=Adapter)
    asking: Asking = field(default_factory=Asking)
    schedule: Schedule = field(default_factory=Schedule)


_PARTS: Mapping[str, Any] = {
    "memory": Memory,
    "adapter": Adapter,
    "asking": Asking,
    "schedule": Schedule,
}


def is_memory(path: Path) -> bool:
    """Whether a recipe is one of a memory.

    Raises
    ------
    ExportError
        It cannot be read.
    """
    return "memory" in recipe_toml.read(path).keys


def load(path: Path) -> MemoryRecipe:
    """Read a recipe.

    Raises
    ------
    ExportError
        There is none, or it has a key or a value that recipes do not have.
    """
    table, data, listed_in = recipe_toml.read(path)
    parts: dict[str, Any] = {
        name: part(kind, table.pop(name, {}), f"{path}: [{name}]") for name, kind in _PARTS.items()
    }
    base, seed = table.pop("base", None), table.pop("seed", 1)
    if table or not isinstance(base, str) or not isinstance(seed, int):
        raise ExportError(
            f'{path}: expected base = "…", seed, [[data]] or data = "RECIPE", '
            f"{', '.join(f'[{name}]' for name in _PARTS)}; got also {', '.join(sorted(table))}"
        )
    sets = tuple(part(DataSet, row, f"{listed_in}: [[data]] {i}") for i, row in enumerate(data, 1))
    adapter: Adapter = parts["adapter"]
    if adapter.start:
        parts["adapter"] = replace(adapter, start=(path.parent / adapter.start).as_posix())
    recipe = MemoryRecipe(base, sets, seed, **parts)
    _check(recipe, path)
    return recipe


def _check(recipe: MemoryRecipe, path: Path) -> None:
    memory, schedule = recipe.memory, recipe.schedule
    for what, good in {
        "[memory] 1 <= shortest <= document": 1 <= memory.shortest <= memory.document,
        "[memory] 1 <= segment": memory.segment >= 1,
        "[memory] learned >= 0": memory.learned >= 0,
        "[memory] 1 <= lowest <= highest": 1 <= memory.lowest <= memory.highest,
        "[memory] a scorer or learned tokens, not both": not (memory.scorer and memory.learned),
        "[adapter] rank >= 1": recipe.adapter.rank >= 1,
        "[asking] room >= 16": recipe.asking.room >= 16,
        "[asking] 0 <= recall < 1": 0 <= recipe.asking.recall < 1,
        "[schedule] steps >= 1 and documents >= 1": min(schedule.steps, schedule.documents) >= 1,
    }.items():
        if not good:
            name = what[1 : what.index("]")]
            values = getattr(recipe, name)
            told = ", ".join(
                f"{f.name} = {getattr(values, f.name)!r}"
                for f in fields(values)
                if f.name not in {"before", "after", "end"}
            )
            raise ExportError(f"{path}: expected {what}; got {told}")
