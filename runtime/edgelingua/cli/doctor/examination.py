"""What a machine has, what works on it, and what to do where it does not.

What may end a process, all native code, is tried in another one: `trials`.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from edgelingua.cli.doctor.findings import PREFIX, Finding, State
from edgelingua.cli.doctor.surroundings import cache, machine, packages
from edgelingua.errors import EdgeLinguaError, FetchError, MissingExtraError, ReaderError
from edgelingua.llama import probe
from edgelingua.llama.build import installed
from edgelingua.models import registry
from edgelingua.system import child

_REINSTALL = "install these again: pip install --force-reinstall numpy onnxruntime tokenizers"
_PATIENCE = 600.0
_UNKNOWN_PLACE = (MissingExtraError, RuntimeError)
"""What `models.home` raises if it does not know where models are kept; `cache` has said so."""


def examine(reader: str | None = None) -> Iterator[Finding]:
    """Look at everything, one finding after the other.

    Parameters
    ----------
    reader
        What answers, see `models.find_reader`; fetched if need be. ``None``: the default reader, if
        it is already here.
    """
    yield from machine()
    yield from packages()
    yield from cache()
    yield from _fetched()
    yield from _try("compressor", _REINSTALL)
    yield from _reader(reader)


def _fetched() -> Iterator[Finding]:
    """Models that were fetched, by their hashes."""
    absent = []
    for name in registry.REGISTRY:
        try:
            folder = registry.home() / "models" / name
            if registry.fetched(name):
                registry.verify(name)
                yield Finding(name, f"as recorded, in {folder}")
            elif folder.exists():
                advice = f"remove it, then: edgelingua models fetch {name}"
                yield Finding(name, f"incomplete in {folder}", "fault", advice)
            else:
                absent.append(name)
        except _UNKNOWN_PLACE:
            return
        except (FetchError, OSError) as error:
            yield Finding(name, "not what is recorded", "fault", str(error))
    if absent:
        advice = "those you need: edgelingua models fetch NAME"
        yield Finding("not fetched", ", ".join(absent), "note", advice)


def _reader(reader: str | None) -> Iterator[Finding]:
    build = installed()
    if build is None:
        advice = "only to answer as well as compress: pip install 'edgelingua[llama]'"
        yield Finding("llama.cpp", "not installed", "note", advice)
        return
    try:
        found = probe.check()
    except ReaderError as error:
        yield Finding("llama.cpp", "does not run here", "fault", str(error))
        return
    if found.outcome == "plain":
        value = f"{build.name}: its kernels for rearranged weights do not work ({found.why})"
        advice = f"answers are right, but slower; {build.cure}"
        yield Finding("llama.cpp", value, "note", advice)
    else:
        tried = {"works": "works here", "hangs": f"its trial hangs ({found.why})"}
        told = tried.get(found.outcome, f"not tried ({found.why})")
        state: State = "note" if found.outcome == "hangs" else "ok"
        yield Finding("llama.cpp", f"{build.name}, {told}", state)
    try:
        path = registry.find_reader(reader) if reader else _default_reader()
    except EdgeLinguaError as error:
        yield Finding("answer", "no reader", "fault", str(error))
        return
    yield from _try("reader", build.cure, *([str(path)] if path else []))
    if path is None:
        advice = f"edgelingua models fetch {registry.DEFAULT_READER}, or doctor --reader FILE.gguf"
        yield Finding("answer", "not tried: no reader is here", "note", advice)


def _default_reader() -> Path | None:
    with contextlib.suppress(*_UNKNOWN_PLACE):
        return registry.fetched(registry.DEFAULT_READER)
    return None


def _try(what: str, advice: str, *arguments: str) -> Iterator[Finding]:
    """Try what may end a process; ``advice`` is for when it does."""
    python = child.interpreter()
    if python is None:
        yield Finding(what, "not tried: no Python interpreter to try it in", "note")
        return
    command = [python, "-P", "-m", "edgelingua.cli.doctor.trials", what, *arguments]
    try:
        done = child.start(command, _PATIENCE)
    except (OSError, subprocess.TimeoutExpired) as error:
        yield Finding(what, str(error), "fault", advice)
        return
    lines = done.stdout.decode(errors="replace").splitlines()
    for line in lines:
        if line.startswith(PREFIX):
            yield Finding(**json.loads(line.removeprefix(PREFIX)))
    if done.returncode:
        last = (done.stderr.decode(errors="replace").strip().splitlines() or [""])[-1]
        how = child.death(done.returncode) or f"exit code {done.returncode}: {last}"
        yield Finding(what, f"its process ended with {how}", "fault", advice)
