"""The machine, the packages, and the cache folder."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions, version
from pathlib import Path

from edgelingua import __file__ as init_file
from edgelingua import __version__
from edgelingua.cli.doctor.findings import Finding, State
from edgelingua.errors import FetchError, InputError, MissingExtraError
from edgelingua.files.writable import refuse_unwritable_folder
from edgelingua.models import registry
from edgelingua.system.cores import available_cores
from edgelingua.system.machine import cpu, memory_mb

_NEEDED = ("numpy", "onnxruntime", "tokenizers")
_OPTIONAL = {
    "filelock": "models",
    "huggingface_hub": "models",
    "platformdirs": "models",
    "rank_bm25": "bm25",
    "rich": "cli",
    "typer": "cli",
    "prompt_toolkit": "chat",
}
_SETTINGS = ("EDGELINGUA_", "OMP_", "GOMP_", "LLAMA_CPP_", "GGML_")
# Of the many that Linux names, those that kernels for models are written for.
_FEATURES = (
    *("sse4_2", "avx", "f16c", "fma", "avx2", "avx_vnni"),
    *("avx512f", "avx512_vnni", "avx512_bf16", "amx_int8"),
    *("asimd", "asimddp", "fphp", "i8mm", "bf16", "sve", "sve2"),
)


def machine() -> Iterator[Finding]:
    """Python, system, processor, memory, and settings by variables."""
    yield Finding("edgelingua", f"{__version__} in {Path(init_file).parent}")
    python = f"{platform.python_implementation()} {platform.python_version()}"
    yield Finding("Python", f"{python}, {sys.executable}")
    yield Finding("system", platform.platform())
    known = [name for name in _FEATURES if name in cpu().features]
    features = f": {', '.join(known)}" if known else ""
    threads = f"{os.cpu_count()} CPUs, {available_cores()} threads by default"
    yield Finding("CPU", f"{cpu().name}, {threads}{features}")
    memory = memory_mb()
    value = f"{memory[0]:,.0f} MB, of which {memory[1]:,.0f} are free" if memory else "unknown"
    yield Finding("memory", value)
    chosen = [f"{name}={text}" for name, text in sorted(os.environ.items())
              if name.startswith(_SETTINGS)]  # fmt: skip
    if chosen:
        yield Finding("settings", ", ".join(chosen))


def packages() -> Iterator[Finding]:
    """Installed packages with their versions."""
    # onnxruntime comes in packages of several names.
    there = packages_distributions()
    for module in _NEEDED:
        if module in there:
            yield Finding(module, _version(there[module][0]))
        else:
            advice = "install it: pip install --force-reinstall edgelingua"
            yield Finding(module, "not installed", "fault", advice)
    found = [_version(there[module][0]) for module in _OPTIONAL if module in there]
    yield Finding("extras", ", ".join(found) or "none installed")
    for extra in dict.fromkeys(_OPTIONAL[one] for one in _OPTIONAL if one not in there):
        missing = [one for one in _OPTIONAL if one not in there and _OPTIONAL[one] == extra]
        advice = f"pip install 'edgelingua[{extra}]'"
        yield Finding("extras", f"without {', '.join(missing)}", "note", advice)


def _version(package: str) -> str:
    return f"{package} {version(package)}"


def cache() -> Iterator[Finding]:
    """Where models are kept, and whether that can be written."""
    try:
        home = registry.home()
    except MissingExtraError as error:
        yield Finding("cache folder", "unknown", "note", f"{error}; or set EDGELINGUA_HOME")
        return
    except RuntimeError as error:  # EDGELINGUA_HOME=~name of nobody here
        advice = "set EDGELINGUA_HOME to a folder you may write to"
        yield Finding("cache folder", f"nowhere: {error}", "fault", advice)
        return
    try:
        refuse_unwritable_folder(home)
    except InputError as error:
        # Shared and read-only, it does as long as nothing has to be fetched.
        state: State = "note" if _has_reader() else "fault"
        advice = "make it, or what it lies in, a folder you may write to, or set EDGELINGUA_HOME"
        yield Finding("cache folder", str(error), state, advice)
        return
    yield Finding("cache folder", f"{home}{'' if home.exists() else ', not there yet'}, writable")


def _has_reader() -> bool:
    try:
        return registry.fetched(registry.DEFAULT_READER) is not None
    except FetchError:  # not the one recorded
        return False
