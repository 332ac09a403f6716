"""llama.cpp's library: loaded once, what it logs kept for us. Imports ``llama_cpp`` for all."""

from __future__ import annotations

import ctypes
import re

from edgelingua.errors import MissingExtraError, ReaderError
from edgelingua.llama import probe, threads
from edgelingua.llama.build import INSTALLING, PACKAGE

_FOUND = probe.check()  # before a library that may end the process is loaded

try:
    with threads.short_wait():
        import llama_cpp
        from llama_cpp._ggml import libggml
except ImportError as error:
    raise MissingExtraError(PACKAGE, "llama", INSTALLING) from error
except (OSError, RuntimeError) as error:  # its libraries, or those that they need, are not there
    raise ReaderError(f"llama-cpp-python cannot be loaded: {error}; install it again") from error

__all__ = [
    "BUILD",
    "buffers",
    "forget",
    "libggml",
    "llama_cpp",
    "may_rearrange",
    "system_info",
    "why",
]

BUILD = f"llama-cpp-python {llama_cpp.__version__}"
"""What states and tensor layouts depend on."""

_MESSAGES: list[str] = []
_BUFFERS: list[tuple[str, str, int]] = []
_LOG_ERROR = 4
_BUFFER_SIZE = re.compile(rb"(\S+)\s+(\w+) buffer size =\s*([\d.]+) MiB")


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _listen(level: int, text: bytes, _: ctypes.c_void_p) -> None:
    if found := _BUFFER_SIZE.search(text):
        name, kind, size = found[1].decode(), found[2].decode(), int(float(found[3]) * 2**20)
        _BUFFERS.append((kind, name, size))
    if level == _LOG_ERROR:
        _MESSAGES.append(text.decode(errors="replace").strip())


llama_cpp.llama_log_set(_listen, ctypes.c_void_p(0))
with threads.short_wait():  # a build may load its kernels only now
    llama_cpp.llama_backend_init()


def may_rearrange() -> bool:
    """Whether models may be loaded with weights rearranged for the CPU, see `llama.probe`."""
    return probe.may_rearrange(_FOUND, system_info())


def system_info() -> str:
    """Return what llama.cpp was built with, in its own words."""
    info: bytes = llama_cpp.llama_print_system_info()
    return info.decode(errors="replace").strip(" |")


def forget() -> None:
    """Forget what llama.cpp logged so far."""
    _MESSAGES.clear()
    _BUFFERS.clear()


def buffers(kind: str) -> dict[str, int]:
    """Return the buffers that llama.cpp logged since `forget`: name → bytes.

    ``kind``: ``model``, ``compute``, ``KV``, ``output``. Its interface does not tell their sizes.
    """
    found: dict[str, int] = {}
    for of, name, size in _BUFFERS:
        if of == kind:
            found[name] = found.get(name, 0) + size
    return found


def why() -> str:
    """Return what llama.cpp logged as errors since `forget`."""
    return "; ".join(_MESSAGES[-2:]) or "it gave no reason"
