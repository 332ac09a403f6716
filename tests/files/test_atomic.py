"""Files written whole or not at all; arrays read without trusting their headers."""

from __future__ import annotations

import io
import os
import secrets
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edgelingua.files import atomic, npy
from edgelingua.files.atomic import sweep, write_atomically

WRITER = """
import sys, time
from pathlib import Path
from edgelingua.files.atomic import write_atomically
with write_atomically(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    print("writing", flush=True)
    time.sleep(60)
"""


def write(path: Path, content: bytes, mode: int = 0o600) -> None:
    with write_atomically(path, mode) as file:
        file.write(content)


def permissions(path: Path) -> int:
    return path.stat().st_mode & 0o777


def start_writing(path: Path) -> subprocess.Popen[bytes]:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    assert writer.stdout.readline() == b"writing\n"
    return writer


def kill(writer: subprocess.Popen[bytes]) -> None:
    writer.send_signal(signal.SIGKILL)
    writer.wait()


def test_a_file_takes_its_place_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write(path, b"old")
    with write_atomically(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
        (partial,) = set(tmp_path.iterdir()) - {path}
        assert permissions(partial) == 0o600
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_an_error_leaves_the_old_one(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "file"
    write(path, b"old")

    def fail() -> None:
        with write_atomically(path) as file:
            file.write(b"new")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("umask", [0o022, 0o077, 0])
def test_permissions(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write(tmp_path / "private", b"")
        write(tmp_path / "public", b"", mode=0o666)
        for mode in (0o600, 0o644, 0o664, 0o400):
            (tmp_path / "private").chmod(mode)
            write(tmp_path / "private", b"again")
            assert permissions(tmp_path / "private") == mode
    finally:
        os.umask(before)
    assert permissions(tmp_path / "public") == 0o666 & ~umask


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root may")
def test_the_owner_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write(path, b"old")
    os.chown(path, 12345, 54321)
    path.chmod(0o640)
    write(path, b"new")
    status = path.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (12345, 54321, 0o640)


@pytest.mark.parametrize("what", ["link", "broken link", "folder", "pipe"])
def test_what_is_no_file_is_not_replaced(tmp_path: Path, what: str) -> None:
    path, victim = tmp_path / "file", tmp_path / "victim"
    victim.write_text("mine")
    if what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(victim if what == "link" else tmp_path / "nothing")
    before = path.lstat()
    with pytest.raises(OSError, match="not replaced"):
        write(path, b"new")
    assert path.lstat() == before
    assert victim.read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_name_that_is_taken_is_not_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever guesses the partial's name can plant a link there."""
    names = iter(["00000000", "11111111"])
    monkeypatch.setattr(secrets, "token_hex", lambda _: next(names))
    victim = tmp_path / "victim"
    victim.write_text("mine")
    planted = tmp_path / f".file.{atomic._MACHINE}00000000.partial"
    planted.symlink_to(victim)
    write(tmp_path / "file", b"new")
    assert victim.read_text() == "mine"
    assert planted.is_symlink()
    assert not (tmp_path / "file").is_symlink()


@pytest.mark.parametrize("name", ["", ".", "a\0b", "x" * 250, "no/folder", "plain/file"])
def test_names_that_no_file_can_have(tmp_path: Path, name: str) -> None:
    (tmp_path / "plain").write_text("a file")
    with pytest.raises(OSError):  # noqa: PT011 - what the system says
        write(Path(name) if name in {"", "."} else tmp_path / name, b"")


def test_leftovers_of_the_killed_go_and_those_of_the_living_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.session"
    killed, living = start_writing(path), start_writing(path)
    try:
        assert len(list(tmp_path.iterdir())) == 2
        sweep(path)
        assert len(list(tmp_path.iterdir())) == 2
        kill(killed)
        sweep(path)
        (left,) = tmp_path.iterdir()
        os.utime(left, (0, 0))  # however long it takes
        sweep(path)
        assert left.exists()
    finally:
        kill(living)
    sweep(path)
    assert not list(tmp_path.iterdir())


def test_only_leftovers_of_this_file_go(tmp_path: Path) -> None:
    ours = f".a.{atomic._MACHINE}01234567.partial"
    elsewhere = [f".a.{'e' * 16}.partial", f".a.{'f' * 16}.partial"]
    others = [
        f".b.{'0' * 16}.partial", f".a.b.{'0' * 16}.partial", f".a.{'0' * 15}.partial",
        ".a.partial", ".a.mine.partial", f"a.{'0' * 16}.partial", f".a.{'0' * 16}.partial~", "a",
    ]  # fmt: skip
    for name in (ours, *elsewhere, *others):
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, (0, 0))
    os.utime(tmp_path / elsewhere[0], (time.time(), time.time()))
    (tmp_path / f".a.{atomic._MACHINE}{'0' * 8}.partial").mkdir()
    (tmp_path / f".a.{atomic._MACHINE}{'1' * 8}.partial").symlink_to("a")
    sweep(tmp_path / "a")
    gone = {ours, elsewhere[1]}
    assert not any((tmp_path / name).exists() for name in gone)
    assert all((tmp_path / name).exists() for name in (elsewhere[0], *others))
    assert len(list(tmp_path.iterdir())) == len(others) + 3
    sweep(tmp_path / "nowhere" / "a")


def test_a_partial_swept_before_it_had_its_lock_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")
    lock = fcntl.flock
    swept: list[Path] = []

    def late(descriptor: int, how: int) -> None:
        if not swept:
            swept.extend(tmp_path.iterdir())
            swept[0].unlink()
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)
    write(tmp_path / "file", b"whole")
    assert swept
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"whole")]


def test_writers_of_one_file_do_not_disturb_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each sweeps before it writes, and finds the others' at any stage."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    path = tmp_path / "file"

    def work(number: int) -> None:
        for _ in range(50):
            write(path, bytes([number]) * 1000)
            assert len(set(path.read_bytes())) == 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert list(tmp_path.iterdir()) == [path]


DTYPES = st.sampled_from(["<f4", "<f8", "<f2", "<i8", "<i4", "<i2", "|u1", "|i1", "|b1"])
ARRAYS = DTYPES.flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0))
)


def as_npy(array: np.ndarray[Any, Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


@given(array=ARRAYS, turned=st.booleans())
def test_arrays_are_read_as_numpy_reads_them(array: np.ndarray[Any, Any], turned: bool) -> None:
    raw = as_npy(array.T if turned else array)
    read = npy.parse(raw)
    expected = np.load(io.BytesIO(raw))
    assert (read.dtype, read.shape, read.tobytes()) == (
        expected.dtype, expected.shape, expected.tobytes()
    )  # fmt: skip


@given(array=ARRAYS, data=st.data())
def test_headers_that_are_not_numpys_are_refused(
    array: np.ndarray[Any, Any], data: st.DataObject
) -> None:
    raw = bytearray(as_npy(array))
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, min(127, len(raw) - 1)))] = data.draw(st.integers(0, 255))
    raw = raw[: data.draw(st.sampled_from([len(raw), len(raw) - 1, 128, 127, 10, 9, 5, 0]))]
    try:
        read = npy.parse(bytes(raw))
    except ValueError:
        return
    assert read.nbytes <= len(raw)


@pytest.mark.parametrize(
    ("descr", "shape"),
    [
        ("|O", "(1,)"), ("<f4", "(1, 1000000000000000000000000)"), ("<f4", "(-1,)"),
        ("<f4", f"(0, {10**18 - 1}, {10**18 - 1})"), ("<f3", "(1,)"), (">f4", "(1,)"),
        ("<f4", "(1" + "," * 9 + ")"), ("<f4", "(" * 9 + "1,)"), ("<f4", "(2,)"), ("|b1", "(4,)"),
        ("<f4", "(" + "1, " * 80 + ")"),
    ],
)  # fmt: skip
def test_hostile_headers(descr: str, shape: str) -> None:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    raw = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()
    with pytest.raises(ValueError):  # noqa: PT011 - numpy's, for shapes beyond its own limits
        npy.parse(raw + b"\x02\x00\x00\x40")


def test_numpys_other_ways_to_write_a_header() -> None:
    """Of older releases and of other writers of the format: read or refused, never evaluated."""
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}          \n"
    raw = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(4)
    with pytest.raises(ValueError, match="not an array as numpy writes it"):
        npy.parse(raw)
