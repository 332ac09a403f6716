"""A larger model as the teacher of a smaller one: its log-odds, token by token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import Module, ModuleList
from torch.nn.functional import smooth_l1_loss
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from edgelingua_export.errors import ExportError
from edgelingua_export.train.batches import NO_TEXT, Batch
from edgelingua_export.train.loop import scores
from edgelingua_export.train.objective import order_distance
from edgelingua_export.train.recipe import Teacher


def same_pieces(
    teacher: PreTrainedTokenizerFast, student: PreTrainedTokenizerFast
) -> NDArray[np.int64]:
    """Teacher's id of each of the student's pieces ``(V,)``.

    Raises
    ------
    ExportError
        The student has a piece that the teacher does not know.
    """
    known = teacher.get_vocab()
    names = student.convert_ids_to_tokens(list(range(len(student))))
    strange = [name for name in names if name not in known]
    if strange:
        raise ExportError(
            f"teacher: knows no {strange[0]!r} ({len(strange)} pieces of {len(names)}); "
            "expected a student whose vocabulary is cut from its teacher's"
        )
    return np.asarray([known[name] for name in names], dtype=np.int64)


class Distillation:
    """The part of the loss that pulls a student's log-odds to its teacher's.

    The teacher reads the student's windows, piece by piece: a table gives its ids of them.

    Parameters
    ----------
    teacher
        In evaluation mode, on the device of the student.
    table
        See `same_pieces`.
    options
        Weight and scale.
    precision
        As in the recipe's schedule.
    hidden
        Hidden states to compare; see `HiddenStates`. ``None``: none are.
    """

    def __init__(
        self,
        teacher: PreTrainedModel,
        table: NDArray[np.int64],
        options: Teacher,
        precision: str,
        hidden: HiddenStates | None = None,
    ) -> None:
        self._teacher, self._table = teacher.requires_grad_(False), table
        self._options, self._precision, self._hidden = options, precision, hidden

    def __call__(self, batch: Batch, values: Tensor, step: int) -> Tensor:
        """Weighted distance of the log-odds ``values`` ``(n, T)`` from the teacher's, and of order.

        It grows with the square up to 1 and linearly from there: what is certainly not kept may
        be so by any margin.
        """
        theirs = Batch(self._table[batch.ids], batch.types, batch.mask, batch.targets, batch.groups)
        with torch.no_grad():
            wanted = scores(self._teacher, theirs, self._precision) * self._options.scale
        text = torch.from_numpy(batch.targets != NO_TEXT).to(values.device)
        total = self._options.weight * smooth_l1_loss(values[text], wanted[text])
        if self._options.order:
            groups = torch.from_numpy(batch.groups).to(values.device)[:, None].expand(text.shape)
            distance = order_distance(values[text], wanted[text], groups[text])
            total = total + self._options.order * distance
        if self._hidden:
            mask = torch.from_numpy(batch.mask).to(values.device)
            total = total + self._options.hidden * self._hidden.distance(mask)
        return total


class HiddenStates:
    """What the layers of a student give, beside the teacher's that they come from.

    As TinyBERT (Jiao et al. 2020, arXiv:1909.10351), for all tokens, but relative to the length of
    the teacher's state: it says much more of a token than one log-odds does.

    Parameters
    ----------
    student, teacher
        BERT-like encoders of one width.
    layers
        The teacher's layer of each of the student's; none: the layer of the same number.

    Raises
    ------
    ExportError
        One is no such encoder, the widths differ, or ``layers`` do not fit.
    """

    def __init__(
        self, student: PreTrainedModel, teacher: PreTrainedModel, layers: Sequence[int]
    ) -> None:
        ours, theirs = _layers(student), _layers(teacher)
        layers = layers or range(len(ours))
        widths = student.config.hidden_size, teacher.config.hidden_size
        if widths[0] != widths[1] or len(layers) != len(ours) or max(layers) >= len(theirs):
            raise ExportError(
                f"[teacher] hidden: a student of {len(ours)} layers, {widths[0]} wide, cannot "
                f"learn layers {', '.join(map(str, layers))} of a teacher of {len(theirs)}, "
                f"{widths[1]} wide; expected equal widths, and [student] layers that name one of "
                "the teacher's for each of its own"
            )
        self._seen: dict[tuple[str, int], Tensor] = {}
        for number, layer in enumerate(layers):
            ours[number].register_forward_hook(self._keeping("student", number))
            theirs[layer].register_forward_hook(self._keeping("teacher", number))

    def _keeping(self, whose: str, number: int) -> Callable[..., None]:
        def keep(module: Module, given: Any, output: Any) -> None:
            self._seen[whose, number] = output[0] if isinstance(output, tuple) else output

        return keep

    def distance(self, mask: Tensor) -> Tensor:
        """Mean over layers of how far, of its length, each token's state is from the teacher's."""
        total = torch.zeros((), device=mask.device)
        for number in range(len(self._seen) // 2):
            wanted = self._seen["teacher", number][mask].float()
            apart = (self._seen["student", number][mask].float() - wanted).square().sum(-1)
            total = total + (apart / wanted.square().sum(-1)).mean()
        count = len(self._seen) // 2
        self._seen.clear()
        return total / count


def _layers(model: PreTrainedModel) -> ModuleList:
    found = getattr(getattr(model.base_model, "encoder", None), "layer", None)
    if not isinstance(found, ModuleList):
        raise ExportError(
            f"[teacher] hidden: {type(model).__name__} has no encoder with layers as BERT's; leave "
            "hidden out"
        )
    return found
