"""Sessions on ONNX graphs; with `providers` all that imports ``onnxruntime``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from edgelingua.errors import InferenceError
from edgelingua.ort.devices import DEVICES, Device, DeviceName
from edgelingua.ort.providers import hardware, stdout_for_results
from edgelingua.system.cores import available_cores
from edgelingua.system.forks import Runs
from edgelingua.system.side_by_side import in_order

onnxruntime.set_default_logger_severity(3)  # errors; warnings about fusion are not the caller's

MIN_SHARE = 0.5
"""Least share of a graph's operators that a device other than the CPU must take to be used."""

_AWAKE_US = 200
"""Microseconds for which threads that `spin` wait awake: longer than they mostly have to."""

_CONVERSIONS = ("QuantizeLinear", "DequantizeLinear")


DOMAINS = frozenset({"", "ai.onnx", "com.microsoft"})
"""Operators that come with onnxruntime; others would need a library, which no bundle may bring."""

LOADERS = frozenset({"EPContext"})
"""Operators whose attributes name files that onnxruntime or a provider loads unchecked."""


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
        Threads that work at a time; 0 takes one per core this process may use, at most 8. A causal
        model has them all in each run; classifiers and encoders read a window in each.
    device
        A name from `devices`. ``auto`` is the CPU, unless a provider is installed that drives an
        NPU of this machine and the bundle has a variant made for it.
    strict
        Fail where ``device`` cannot run the bundle, instead of warning and taking the CPU.
    spin
        Whether a run's threads wait for each other awake at first, for 0.2 ms (onnxruntime before
        1.26: as long as it likes), and never longer than the run. Then they sleep, as they do at
        once without it: alone on a machine, a run takes a quarter longer so.

    Raises
    ------
    InferenceError
        There is no device of that name.

    Notes
    -----
    ``benchmarks/runtime/run.py`` measures these and what cannot be set, ``busy.py`` the ways to
    wait, alone and beside other work. After `os.fork` a graph runs in the child too, in one thread.
    The memory arena and its pattern stay on, and so does prepacking of weights: without either the
    peak of 144 MB is five lower at most. Graph nodes run one after the other: the models are chains
    of layers. How many tokens a window has is up to the scorers; a run takes one window, for 16 at
    once make the peak two and a half times as high. Two runs of one thread each beside each other
    take two thirds of the processor time of one after the other in two threads, which wait for each
    other in each of some hundred operators.
    """

    threads: int = 0
    device: DeviceName = "auto"
    strict: bool = False
    spin: bool = True

    def __post_init__(self) -> None:
        if self.device != "auto" and self.device not in DEVICES:
            raise InferenceError(
                f"device {self.device!r}: expected one of auto, {', '.join(DEVICES)}"
            )

    @property
    def thread_count(self) -> int:
        """The number of threads that ``threads`` stands for."""
        if self.threads > 0:
            return self.threads
        return available_cores()


class Graph:
    """One ONNX graph, ready to run.

    Parameters
    ----------
    path
        The ``.onnx`` file.
    options
        Threads and device; ``auto`` is the CPU. What to do when the device cannot is for the caller
        to decide.
    side_by_side
        On the CPU, its runs have one thread each, and `each` does as many at a time as there are
        threads.

    Attributes
    ----------
    operators
        On another device than the CPU: how many operators each provider runs, by its name. Those
        that only convert between integers and floats are not counted.

    Raises
    ------
    InferenceError
        The device's provider is not there, takes less than half of the graph's operators, or
        onnxruntime cannot load the graph.
    """

    def __init__(
        self, path: Path, options: RunOptions | None = None, *, side_by_side: bool = False
    ) -> None:
        options = options or RunOptions()
        device = DEVICES["cpu" if options.device == "auto" else options.device]
        side_by_side = side_by_side and device is DEVICES["cpu"]
        self._at_once = options.thread_count if side_by_side else 1
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = 1 if side_by_side else options.thread_count
        settings.inter_op_num_threads = 1
        for name, value in {
            "session.intra_op.allow_spinning": "1" if options.spin else "0",
            # Awake for longer, they keep others from working, and those whom they wait for.
            "session.intra_op.spin_duration_us": str(_AWAKE_US),
            # Between two runs they sleep, instead of burning a battery.
            "session.force_spinning_stop": "1",
        }.items():
            settings.add_session_config_entry(name, value)
        self._path = path
        self._runs = Runs()
        self._session = self._open(settings, device)
        self.operators: Mapping[str, int] = {}
        if device is not DEVICES["cpu"]:
            self.operators = self._assigned()
            self._check_assignment(device)

    def _open(
        self, settings: onnxruntime.SessionOptions, device: Device
    ) -> onnxruntime.InferenceSession:
        """Open a session; ``settings`` are completed with the device's."""
        devices = hardware(device)
        providers: list[Any] | None = None
        if devices:
            settings.add_provider_for_devices(list(devices), dict(device.options))
        else:
            providers = [(device.provider, dict(device.options))]
        if device is not DEVICES["cpu"]:
            settings.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
        try:
            with stdout_for_results() if devices else nullcontext():
                return onnxruntime.InferenceSession(
                    str(self._path),
                    settings,
                    providers=providers,
                    # Its kernel on CPUs takes five times as long as Add and LayerNormalization do.
                    disabled_optimizers=["SkipLayerNormFusion"],
                    enable_fallback=0,  # it would print, and run on the CPU
                )
        except Exception as error:  # onnxruntime's exceptions share no base but Exception
            raise InferenceError(f"{self._path}: onnxruntime cannot load it: {error}") from None

    def _assigned(self) -> Mapping[str, int]:
        if not hasattr(self._session, "get_provider_graph_assignment_info"):
            raise InferenceError(
                f"onnxruntime {onnxruntime.__version__} does not tell what runs where; devices "
                "other than the CPU need 1.24: pip install -U onnxruntime"
            )
        subgraphs = self._session.get_provider_graph_assignment_info()
        return Counter(
            subgraph.ep_name
            for subgraph in subgraphs
            for node in subgraph.get_nodes()
            if node.op_type not in _CONVERSIONS
        )

    def _check_assignment(self, device: Device) -> None:
        """Refuse a session that has the provider, but leaves most of the graph to the CPU."""
        if device.provider not in self._session.get_providers():
            raise InferenceError(f"{self._path}: onnxruntime did not give it {device.provider}")
        count, total = self.operators.get(device.provider, 0), sum(self.operators.values())
        if not total or count < MIN_SHARE * total:
            raise InferenceError(
                f"{self._path}: {device.provider} runs {count} of its {total} operators, expected "
                "at least half: the graph is not made for this device"
            )

    def run(self, feeds: Mapping[str, NDArray[Any] | Value], fetch: Sequence[str]) -> list[Value]:
        """Run the graph, with values that may stay where they are.

        Parameters
        ----------
        feeds
            Input name → array, or a value that an earlier run returned.
        fetch
            Names of the outputs wanted.

        Raises
        ------
        InferenceError
            onnxruntime failed; some kernels do so only when they run. Or this process was forked
            while another thread ran the graph.
        """
        values = {
            name: onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(feed))
            if isinstance(feed, np.ndarray)
            else feed
            for name, feed in feeds.items()
        }
        with self._failures_named():
            outputs: list[Value] = self._session.run_with_ort_values(list(fetch), values)
        return outputs

    def each(
        self, feeds: Iterable[Mapping[str, NDArray[Any]]], output: str
    ) -> Generator[NDArray[Any]]:
        """Run the graph on each of several inputs, and yield one output of each, in their order.

        Runs that are not yet begun when the iterator is closed are left out.

        Raises
        ------
        InferenceError
            As `run`.
        """
        return in_order(lambda feed: self._array(feed, output), feeds, self._at_once)

    def _array(self, feeds: Mapping[str, NDArray[Any]], output: str) -> NDArray[Any]:
        # Arrays alone: 0.1 ms less than `run`, a twentieth of what a small graph takes.
        with self._failures_named():
            (value,) = self._session.run([output], dict(feeds))
        array: NDArray[Any] = value
        return array

    @contextmanager
    def _failures_named(self) -> Iterator[None]:
        if self._runs.cut:  # it would mostly run, and now and then wait forever
            raise InferenceError(
                f"{self._path}: another thread was running it when this process was forked; load "
                "it again here, or fork when nothing runs"
            )
        try:
            with self._runs.one():
                yield
        except Exception as error:  # onnxruntime's exceptions share no base but Exception
            raise InferenceError(f"{self._path}: onnxruntime cannot run it: {error}") from None
