"""Which variant of a bundle runs, and on which device."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from edgelingua.bundle.manifest import Variant
from edgelingua.errors import DeviceFallbackWarning, InferenceError
from edgelingua.ort.devices import DEVICES, Device, DeviceName
from edgelingua.ort.providers import hardware, has_npu
from edgelingua.ort.session import Graph, RunOptions
from edgelingua.system.logs import logger

_log = logger(__name__)

_warned: set[str] = set()


def place(
    folder: Path,
    variants: Mapping[str, Variant],
    options: RunOptions | None = None,
    *,
    side_by_side: bool = False,
) -> tuple[Variant, Graph]:
    """Load the first variant that runs on the device asked for.

    Where none does, the CPU takes over, with one `DeviceFallbackWarning` per process and reason.

    Parameters
    ----------
    folder
        The bundle's folder.
    variants
        Those to choose from, by label, the preferred ones first.
    options
        Threads and device.
    side_by_side
        See `Graph`.

    Raises
    ------
    InferenceError
        The CPU cannot run it either; or, with ``options.strict``, the device cannot.
    """
    options = options or RunOptions()
    device = _choose(variants) if options.device == "auto" else options.device
    if device != "cpu":
        try:
            return _load(folder, variants, replace(options, device=device), side_by_side)
        except InferenceError as error:
            if options.strict:
                raise
            _warn(f"device {device} is not used, the CPU is: {error}")
    return _load(folder, variants, replace(options, device="cpu"), side_by_side)


def device_for(target: str) -> DeviceName:
    """Name of the device that a variant is made for.

    Raises
    ------
    InferenceError
        None that this release knows.
    """
    for name, device in DEVICES.items():
        if target in device.targets:
            return name
    raise InferenceError(f"target {target!r}: this release knows no device for it")


def _choose(variants: Mapping[str, Variant]) -> DeviceName:
    """Return a device other than the CPU only where one is there that variants are made for."""
    for name, device in DEVICES.items():
        if device.made_to_order and _fitting(variants, device) and _is_real(device):
            return name
    return "cpu"


def _is_real(device: Device) -> bool:
    """Whether its hardware is there. A simulator is for tests, and used when asked for by name."""
    try:
        found = hardware(device)
    except InferenceError:
        return False
    return has_npu(found)


def _load(
    folder: Path, variants: Mapping[str, Variant], options: RunOptions, side_by_side: bool
) -> tuple[Variant, Graph]:
    device = DEVICES[options.device]
    fitting = _fitting(variants, device)
    if not fitting and options.device == "cpu":
        fitting = variants  # it has a kernel for everything
    if fitting:
        label, variant = next(iter(fitting.items()))
        graph = Graph(folder / variant.file, options, side_by_side=side_by_side)
        on = (options.device, options.thread_count)
        _log.info("%s: variant %s on device %s, %d threads", folder.name, label, *on)
        return variant, graph
    made_for = ", ".join(f"{label} for {v.target}" for label, v in variants.items())
    raise InferenceError(
        f"{folder}: no variant for {options.device}, it has {made_for}; a classifier gets one "
        f"with: edgelingua-export build SOURCE --task classifier --target {device.targets[0]}"
    )


def _fitting(variants: Mapping[str, Variant], device: Device) -> Mapping[str, Variant]:
    return {label: v for label, v in variants.items() if v.target in device.targets}


def _warn(reason: str) -> None:
    if reason not in _warned:
        _warned.add(reason)
        warnings.warn(reason, DeviceFallbackWarning, stacklevel=5)
