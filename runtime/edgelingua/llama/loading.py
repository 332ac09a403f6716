"""How llama.cpp loads a model: what of its file is kept in memory, and in which form.

It maps the file, and copies weights that the CPU's kernels want in another order. The pages that it
copied from would stay in memory beside the copies, 1,737 MB for a file of 1,117. On Linux they are
given back while it loads; what is read of them later comes back with the first token, from the
system's cache of the file. Reading the file without mapping it would take no more memory, but none
of it could be shared with other processes, or taken back when memory is short.
``benchmarks/runtime/memory.md`` has the figures.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgelingua.llama.library import buffers, llama_cpp, may_rearrange

_STEP = 0.05
"""Of the weights: after so many more, what they were copied from is given back."""

_DONT_NEED = 4
_MAPS = Path("/proc/self/maps")


def load(path: Path, *, vocabulary_only: bool) -> Any:
    """Load a model; return llama.cpp's pointer to it, or nothing where it cannot."""
    params = llama_cpp.llama_model_default_params()
    params.vocab_only = vocabulary_only
    params.n_gpu_layers = 0
    params.use_extra_bufts = may_rearrange()
    pages = _Pages(path)
    params.progress_callback = pages.progress
    handle = llama_cpp.llama_model_load_from_file(os.fsencode(path), params)
    pages.give_back()
    return handle


def mapped_and_copied(sizes: Mapping[str, int]) -> tuple[int, int]:
    """Split the bytes of a model's `library.buffers`: those of its file, and its own."""
    mapped = sum(size for name, size in sizes.items() if name.endswith("_Mapped"))
    return mapped, sum(sizes.values()) - mapped


def explain(sizes: Mapping[str, int]) -> str:
    """Say in words how a model with these `library.buffers` is kept in memory."""
    mapped, copied = mapped_and_copied(sizes)
    if not mapped:
        return f"{copied / 1e6:.0f} MB in memory, none of them mapped from the file"
    kept = f"{mapped / 1e6:.0f} MB mapped from the file"
    if not copied:
        return f"{kept}, used as they are"
    kept += f", {copied / 1e6:.0f} MB copied, rearranged for this CPU"
    if sys.platform == "linux":
        return f"{kept}; what was copied from is given back"
    return f"{kept}; what was copied from stays in memory until the system needs it"


class _Pages:
    """The pages of a model's file that are in memory while it is loaded."""

    def __init__(self, path: Path) -> None:
        self._name = os.fsencode(os.path.realpath(path))
        self._due = 0.0
        self.progress = llama_cpp.llama_progress_callback(self._progressed)

    def _progressed(self, progress: float, _: ctypes.c_void_p) -> bool:
        if progress >= self._due:
            self._due = progress + _STEP
            self.give_back()
        return True

    def give_back(self) -> None:
        """Give them back, if weights are copied from them."""
        if sys.platform != "linux" or not mapped_and_copied(buffers("model"))[1]:
            return
        advise = ctypes.CDLL(None).madvise
        try:
            lines = _MAPS.read_bytes().splitlines()
        except OSError:
            return  # nothing is lost but memory
        for line in lines:
            # "start-end rights offset device inode name"
            fields = line.split(maxsplit=5)
            if fields[-1] == self._name:
                start, end = (int(address, 16) for address in fields[0].split(b"-"))
                advise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _DONT_NEED)
