"""Builds of llama.cpp that are broken for real: copies of the installed one, a few bytes changed.

Of functions that the library exports, the first instructions are overwritten.
"""

from __future__ import annotations

import ctypes
import platform
import re
import shutil
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

_X86 = {
    "illegal instruction": "0f0b",  # ud2
    "segmentation fault": "31c08900",  # xor eax, eax; mov [rax], eax
    "abort": "b8270000000f0589c7be06000000b83e0000000f05",  # kill(getpid(), SIGABRT)
    "return": "c3",
    "return 1": "b801000000c3",
}
_ARM = {
    "illegal instruction": "00000000",  # udf
    "segmentation fault": "000080d2000000b9",  # mov x0, 0; str w0, [x0]
    "abort": "881580d2010000d4c10080d2281080d2010000d4",
    "return": "c0035fd6",
    "return 1": "20008052c0035fd6",
}
_LIBRARY = Path("lib") / "libggml-cpu.so"
CODE: Mapping[str, str] = {"x86_64": _X86, "aarch64": _ARM}.get(platform.machine(), {})

# What multiplies rearranged weights with many tokens at once; one of them is this CPU's.
REARRANGED = tuple(f"ggml_gemm_q4_0_{shape}_q8_0" for shape in ("4x4", "4x8", "8x8"))


def installed() -> Path:
    """Return the folder of the installed package."""
    spec = find_spec("llama_cpp")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0])


def can_be_changed() -> bool:
    """Whether we know the file format, the instructions, and in which library the kernels are."""
    return sys.platform == "linux" and bool(CODE) and (installed() / _LIBRARY).is_file()


def changed(folder: Path, changes: Mapping[str, str]) -> Path:
    """Copy the installed package into a folder to put on Python's path, and change functions.

    ``changes``: name of a function → what it does instead, a key of `CODE`.
    """
    shutil.copytree(installed(), folder / "llama_cpp", ignore=shutil.ignore_patterns("*.a"))
    library = installed() / _LIBRARY
    places = {_place(library, name): bytes.fromhex(CODE[what]) for name, what in changes.items()}
    for copy in (folder / "llama_cpp").glob(f"{_LIBRARY}*"):
        raw = bytearray(copy.read_bytes())
        for at, code in places.items():
            raw[at : at + len(code)] = code
        copy.write_bytes(raw)
    return folder


def _place(library: Path, name: str) -> int:
    """Return where in the file a function begins: it is loaded, and its mapping looked at."""
    function = getattr(ctypes.CDLL(str(library)), name)
    address = ctypes.cast(function, ctypes.c_void_p).value
    assert address is not None
    maps = Path("/proc/self/maps").read_text()
    for start, end, offset in re.findall(
        rf"^([0-9a-f]+)-([0-9a-f]+) \S+ ([0-9a-f]+) .*{re.escape(library.name)}", maps, re.MULTILINE
    ):
        if int(start, 16) <= address < int(end, 16):
            return address - int(start, 16) + int(offset, 16)
    raise LookupError(f"{name} is not in a mapping of {library}")
