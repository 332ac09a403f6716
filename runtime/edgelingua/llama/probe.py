"""Whether this build of llama.cpp runs on this CPU, tried in a process of its own.

A library compiled for another CPU ends the process that loads it, and so do kernels which a
compiler has spoiled: AMX in llama.cpp (github.com/ggml-org/llama.cpp/issues/20824). So before the
library is loaded for the first time, a subprocess reads a few tokens with a tiny model. What came
of it is remembered in the cache folder, for each build and CPU; where that cannot be written, each
process tries again. ``EDGELINGUA_PROBE=off`` never tries, ``again`` tries although it is known.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from edgelingua.bundle import strict_json
from edgelingua.errors import EdgeLinguaError, ReaderError
from edgelingua.files.atomic import write_atomically
from edgelingua.files.safe import open_regular
from edgelingua.llama.build import PACKAGE, Build, installed
from edgelingua.system import child
from edgelingua.system.logs import logger
from edgelingua.system.machine import cpu

_log = logger(__name__)

MODE = "EDGELINGUA_PROBE"
FROZEN_TRIAL = "EDGELINGUA_PROBE_FOLDER"
"""Where the trial writes its model. It asks a frozen app, started once more, for nothing else."""

HEEDED = "_edgelingua_trial"
"""Attribute of `sys` in frozen apps whose start-up hook heeds `FROZEN_TRIAL`; no other is tried."""

PLAIN, SAME, DIFFERENT = "edgelingua:plain", "edgelingua:same", "edgelingua:different"
"""What the trial says on stdout: it has read; with rearranged weights it read the same, or not."""

Outcome = Literal["works", "plain", "dies", "hangs", "untried"]

_EDITION = 1
"""Of the trial: what an older one found does not count."""

_PATIENCE = 60.0
_PASSING = ("SIGABRT", "SIGBUS")  # memory or disk may have been full


@dataclass(frozen=True)
class Verdict:
    """What is known of a build on a CPU.

    Attributes
    ----------
    outcome
        ``works``: all of it; ``plain``: only without the extra buffers in which llama.cpp keeps
        weights rearranged for the CPU (AMX, repacking); ``dies``: not at all; ``hangs``: nobody
        knows, the trial did not end in time; ``untried``: nor was there one.
    why
        The signal, or the reason.
    """

    outcome: Outcome
    why: str = ""


def _verdict(build: Build) -> Verdict:
    """Return what is known of a build on this CPU; try it if that is nothing."""
    mode = os.environ.get(MODE, "").lower()
    if mode in ("off", "0", "no", "false"):
        return Verdict("untried", f"{MODE}={mode}")
    if mode not in ("", "again"):
        raise ReaderError(f"{MODE}={mode}: expected off or again, or leave it unset")
    place = _place(build)
    known = _recall(place) if place and mode != "again" else None
    if known is None:
        known = _try()
        _log.info("%s tried on this CPU: %s %s", build.name, known.outcome, known.why)
        if place and known.outcome != "untried" and known.why not in _PASSING:
            _remember(place, build, known)
    return known


def check() -> Verdict:
    """Return what is known of the installed build, if it can be loaded.

    Raises
    ------
    ReaderError
        It dies on this CPU, or `MODE` has a value that says nothing.
    """
    build = installed()
    if build is None:
        return Verdict("untried", f"{PACKAGE} is not installed")
    found = _verdict(build)
    if found.outcome == "dies":
        raise ReaderError(
            f"{build.name} in {build.folder} dies ({found.why}) on this CPU, {cpu().name}: it was "
            f"probably compiled for another one; {build.cure}. {MODE}=again tries it again, "
            f"{MODE}=off loads it all the same"
        )
    return found


def may_rearrange(found: Verdict, system_info: str) -> bool:
    """Whether models may be loaded with llama.cpp's extra buffers.

    Parameters
    ----------
    found
        What `check` returned.
    system_info
        What ``llama_print_system_info`` says: with AMX, only if a trial has shown that it works.
    """
    if found.outcome in ("hangs", "untried"):
        return "AMX_INT8 = 1" not in system_info
    return found.outcome == "works"


def _try() -> Verdict:
    """Read a few tokens in a subprocess."""
    if getattr(sys, "frozen", False):
        command = [sys.executable] if hasattr(sys, HEEDED) else []
    else:
        python = child.interpreter()
        command = [python, "-P", "-m", "edgelingua.llama.trial"] if python else []
    if not command:
        return Verdict("untried", "no Python interpreter to try it in")
    try:  # there may be no place for temporary files
        with tempfile.TemporaryDirectory(prefix="edgelingua-", ignore_cleanup_errors=True) as place:
            done = child.start(command, _PATIENCE, **{MODE: "off", FROZEN_TRIAL: place})
    except subprocess.TimeoutExpired:
        # Remembered, or every process would wait as long; it is loaded as if it had not been tried.
        return Verdict("hangs", f"no end within {_PATIENCE:.0f} s; {MODE}=again tries it again")
    except OSError as error:
        return Verdict("untried", str(error))
    return _judge(done.returncode, done.stdout.decode(errors="replace").split())


def _judge(code: int, said: list[str]) -> Verdict:
    if died := child.death(code):
        return Verdict("plain" if PLAIN in said else "dies", died)
    if code == 0 and SAME in said:
        return Verdict("works")
    if code == 0 and DIFFERENT in said:
        return Verdict("plain", "other results")
    return Verdict("untried", f"the trial ended with exit code {code}")


def _place(build: Build) -> Path | None:
    """Return where to remember; ``None`` if nobody knows where the cache is."""
    from edgelingua.models.registry import home

    # The system's release too: a kernel may allow AMX that another one did not.
    machine = " ".join((str(_EDITION), cpu().name, *cpu().features, platform.release()))
    key = f"{build.key}-{hashlib.sha256(machine.encode()).hexdigest()[:16]}"
    with contextlib.suppress(EdgeLinguaError, RuntimeError):  # no platformdirs, no home folder
        return home() / "probes" / f"{key}.json"
    return None


def _recall(place: Path) -> Verdict | None:
    try:
        with open_regular(place) as file:
            entry = strict_json.parse(file.read(strict_json.MAX_BYTES))["verdict"]
        found = Verdict(entry["outcome"], str(entry["why"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if found.outcome in get_args(Outcome) and found.outcome != "untried" else None


def _remember(place: Path, build: Build, found: Verdict) -> None:
    entry = {"verdict": asdict(found), "build": build.name, "cpu": cpu().name}
    # Where nothing can be written, the next process tries again.
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        with write_atomically(place) as file:
            file.write(json.dumps(entry).encode())
