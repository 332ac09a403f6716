"""What a build is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgelingua.bundle.manifest import Task
from edgelingua_export import npu
from edgelingua_export.attention_outputs import Head
from edgelingua_export.errors import ExportError
from edgelingua_export.quantization.options import SearchOptions
from edgelingua_export.sources import Loaded


@dataclass(frozen=True)
class BuildOptions:
    """What to build.

    Parameters
    ----------
    keep_fp32
        Put the fp32 graph into the bundle as a second variant.
    keep_label
        The classifier's label that means "keep".
    reads_question
        The classifier was trained on sentence pairs of a question and a text. So it is, too, if its
        ``config.json`` says ``"reads_question": true``.
    npu
        Add variants for Qualcomm's NPU.
    attention
        Heads of a scorer whose attention the graph is to show.
    replace
        Replace a bundle that is already there.
    search
        How to choose the quantization for the CPU.
    """

    keep_fp32: bool = False
    keep_label: int = 1
    reads_question: bool = False
    npu: bool = False
    attention: tuple[Head, ...] = ()
    replace: bool = False
    search: SearchOptions = field(default_factory=SearchOptions)

    def check(self, loaded: Loaded, task: Task) -> None:
        """Raise `ExportError` where the model cannot be built like this."""
        if self.npu:
            npu.check_possible(task)
        if task == "scorer":
            if self.reads_question or self.keep_label != 1:
                raise ExportError(
                    "--keep-label and --reads-question are for classifiers; this is a scorer"
                )
            return
        if self.attention:
            raise ExportError("attention: only a scorer's graph can show what its heads look at")
        if task == "encoder":
            return
        labels = loaded.model.config.num_labels
        if not 0 <= self.keep_label < labels:
            raise ExportError(
                f"{loaded.source.location}: keep label {self.keep_label}, but the classifier has "
                f"{labels} labels; say which with --keep-label"
            )
