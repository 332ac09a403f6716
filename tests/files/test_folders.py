"""A folder that takes another's place: whenever somebody looks, one of them is there, whole."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from edgelingua.files import folders
from edgelingua.files.folders import aside, replace_folder, restore, restore_all


@pytest.fixture(params=["in one step", "in two steps"])
def steps(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """As here, and as on systems where folders cannot change places."""
    if request.param == "in two steps":
        monkeypatch.setattr(folders, "_exchange", lambda *_: False)
    return str(request.param)


def make(folder: Path, content: str) -> Path:
    folder.mkdir()
    for name in ("one", "other"):
        (folder / name).write_text(content)
    return folder


def content(folder: Path) -> set[str]:
    return {path.read_text() for path in folder.iterdir()}


@pytest.mark.usefixtures("steps")
@pytest.mark.parametrize("there", ["nothing", "folder", "empty", "link", "file", "leftover"])
def test_the_new_folder_takes_its_place(tmp_path: Path, there: str) -> None:
    place, elsewhere = tmp_path / "place", make(tmp_path / "elsewhere", "mine")
    if there == "folder":
        make(place, "old")
    elif there == "empty":
        place.mkdir()
    elif there == "link":
        place.symlink_to(elsewhere)
    elif there == "file":
        place.write_text("x")
    elif there == "leftover":
        make(place, "old")
        make(aside(place), "older")
    replace_folder(make(tmp_path / "new", "new"), place)
    assert content(place) == {"new"}
    assert content(elsewhere) == {"mine"}
    assert set(tmp_path.iterdir()) == {place, elsewhere}


def test_it_takes_one_step_here(tmp_path: Path) -> None:
    one, other = make(tmp_path / "one", "1"), make(tmp_path / "other", "2")
    if not folders._exchange(one, other):
        pytest.skip("this system or file system cannot")
    assert (content(one), content(other)) == ({"2"}, {"1"})


@pytest.mark.usefixtures("steps")
def test_what_cannot_be_moved_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = make(tmp_path / "place", "old")
    with pytest.raises(OSError):  # noqa: PT011 - what the system says
        replace_folder(tmp_path / "nothing", place)
    assert content(place) == {"old"}
    assert list(tmp_path.iterdir()) == [place]


def test_who_looks_meanwhile_finds_one_of_them(tmp_path: Path, steps: str) -> None:
    place, done, missed = make(tmp_path / "place", "old"), threading.Event(), []

    def look() -> None:
        while not done.is_set():
            restore(place)
            if not place.exists():
                missed.append(place)

    reader = threading.Thread(target=look)
    reader.start()
    try:
        for _ in range(100):
            replace_folder(make(tmp_path / "new", "new"), place)
    finally:
        done.set()
        reader.join()
    assert content(place) == {"new"}
    restore(place)
    assert not (tmp_path / "new").exists()
    # In two steps, the other may go between looking for it and opening it.
    assert not missed or steps == "in two steps"


CHILD = """
import os, signal, sys
from pathlib import Path
from edgelingua.files import folders
if sys.argv[2] == "in two steps":
    folders._exchange = lambda *_: False
left = int(sys.argv[1])
def die(event, arguments):
    global left
    if event in ("os.rename", "os.remove", "os.rmdir", "shutil.rmtree"):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(die)
folders.replace_folder(Path("new"), Path("place"))
"""


def test_a_kill_before_any_step_leaves_the_old_or_the_new(tmp_path: Path, steps: str) -> None:
    seen: list[str] = []
    for killed_at in range(20):
        root = tmp_path / str(killed_at)
        root.mkdir()
        place = make(root / "place", "old")
        new = make(root / "new", "new")
        command = [sys.executable, "-c", CHILD, str(killed_at), steps]
        done = subprocess.run(command, cwd=root, check=False)
        restore(place)
        found = content(place)
        assert found in ({"old"}, {"new"})
        seen += found
        assert set(root.iterdir()) <= {place, new, aside(place)}
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
    assert killed_at > 2
    assert set(seen) == {"old", "new"} or steps == "in one step"


def test_only_what_is_missing_is_put_back(tmp_path: Path) -> None:
    for name in ("there", "gone"):
        make(aside(tmp_path / name), "old")
    make(tmp_path / "there", "new")
    restore_all(tmp_path)
    assert content(tmp_path / "there") == {"new"}
    assert content(tmp_path / "gone") == {"old"}
    for odd in ("", ".", "..", "/", "a\0b", "x" * 300):
        restore(Path(odd))
    assert content(aside(tmp_path / "there")) == {"old"}
