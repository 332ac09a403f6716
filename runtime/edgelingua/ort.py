"""Sessions on ONNX graphs: the only file that imports ``onnxruntime``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from edgelingua.errors import InferenceError
from edgelingua.measure import available_cpus

onnxruntime.set_default_logger_severity(3)  # errors; warnings about fusion are not the caller's


DOMAINS = frozenset({"", "ai.onnx", "com.microsoft"})
"""Operators that come with onnxruntime; others would need a library, which no bundle may bring."""


class Value(Protocol):
    """A tensor that stays with onnxruntime between two runs."""

    def numpy(self) -> NDArray[Any]:
        """Copy to numpy."""
        ...


@dataclass(frozen=True)
class RunOptions:
    """How a graph runs.

    Parameters
    ----------
    threads
        Threads of one run; 0 takes one per CPU this process may use, at most 8.
    providers
        onnxruntime execution providers, in order of preference.
    spin
        Whether a run's threads wait for each other awake, which ends with the run in any case.
        Without it a run takes a third less processor time: for machines that have other work to do,
        and for batteries.

    Notes
    -----
    ``benchmarks/runtime/run.py`` measures these and what cannot be set. The memory arena and its
    pattern stay on, and so does prepacking of weights: without either the peak of 138 MB is five
    lower at most. Graph nodes run one after the other: the models are chains of layers. How many
    tokens a window has is up to the scorers; a classifier takes one window at a time, for 16 at
    once make the peak two and a half times as high.
    """

    threads: int = 0
    providers: tuple[str, ...] = ("CPUExecutionProvider",)
    spin: bool = True

    @property
    def thread_count(self) -> int:
        """The number of threads that ``threads`` stands for."""
        if self.threads > 0:
            return self.threads
        return available_cpus()


class Graph:
    """One ONNX graph, ready to run.

    Parameters
    ----------
    path
        The ``.onnx`` file.
    options
        Threads and providers.

    Raises
    ------
    InferenceError
        A provider is not available, or onnxruntime cannot load the graph.
    """

    def __init__(self, path: Path, options: RunOptions | None = None) -> None:
        options = options or RunOptions()
        available = onnxruntime.get_available_providers()
        missing = [p for p in options.providers if p not in available]
        if missing:
            raise InferenceError(
                f"onnxruntime has no {', '.join(missing)} here; it has {', '.join(available)}"
            )
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = options.thread_count
        settings.inter_op_num_threads = 1
        # Threads wait awake for each other inside a run, which is short, and sleep between two
        # instead of burning a battery.
        settings.add_session_config_entry(
            "session.intra_op.allow_spinning", "1" if options.spin else "0"
        )
        settings.add_session_config_entry("session.force_spinning_stop", "1")
        try:
            self._session = onnxruntime.InferenceSession(
                str(path),
                settings,
                providers=list(options.providers),
                # Its kernel on CPUs takes five times as long as Add and LayerNormalization do.
                disabled_optimizers=["SkipLayerNormFusion"],
                enable_fallback=0,  # it would try again, and say so on stdout
            )
        except Exception as error:  # onnxruntime's exceptions share no base but Exception
            raise InferenceError(f"{path}: onnxruntime cannot load it: {error}") from None
        self._path = path

    def run(self, feeds: Mapping[str, NDArray[Any] | Value], fetch: Sequence[str]) -> list[Value]:
        """Run the graph.

        Parameters
        ----------
        feeds
            Input name → array, or a value that an earlier run returned.
        fetch
            Names of the outputs wanted.

        Raises
        ------
        InferenceError
            onnxruntime failed; some kernels do so only when they run.
        """
        values = {
            name: onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(feed))
            if isinstance(feed, np.ndarray)
            else feed
            for name, feed in feeds.items()
        }
        try:
            outputs: list[Value] = self._session.run_with_ort_values(list(fetch), values)
        except Exception as error:  # see above
            raise InferenceError(f"{self._path}: onnxruntime cannot run it: {error}") from None
        return outputs
