"""A larger model as the teacher of a smaller one: its log-odds, token by token."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
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
    """

    def __init__(
        self,
        teacher: PreTrainedModel,
        table: NDArray[np.int64],
        options: Teacher,
        precision: str,
    ) -> None:
        self._teacher, self._table = teacher.requires_grad_(False), table
        self._options, self._precision = options, precision

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
        return total
