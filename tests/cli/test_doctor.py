"""``edgelingua doctor`` on a healthy machine, and with real faults."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgelingua.bundle.shipped import shipped_bundles
from edgelingua.cli.doctor.findings import Finding
from edgelingua.cli.doctor.surroundings import cache
from edgelingua.models import registry
from edgelingua.system.machine import cpu, memory_mb
from tests import llama_builds
from tests.conftest import ROOT
from tests.llama.test_probe import needs_changed_builds

START = "import sys; from edgelingua.__main__ import main; {}; sys.argv[0] = 'edgelingua'; main()"

Doctor = Callable[..., tuple[int, dict[str, Finding]]]


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    """Run it with a cache folder of this test; return the exit code, and findings by their name."""

    def run(
        *arguments: str | Path, first: Path | None = None, missing: str = "", **environment: str
    ) -> tuple[int, dict[str, Finding]]:
        places = [str(first)] if first else []
        environment = {
            "PYTHONPATH": os.pathsep.join([*places, str(ROOT / "runtime")]),
            "EDGELINGUA_HOME": str(tmp_path / "home"),
            "OMP_WAIT_POLICY": "passive",
        } | environment
        hide = f"sys.modules[{missing!r}] = None" if missing else "0"
        done = subprocess.run(
            [sys.executable, "-c", START.format(hide), "doctor", "--json", *map(str, arguments)],
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout, done.stderr
        report = json.loads(done.stdout)
        found = [Finding(**check) for check in report["checks"]]
        faults = [finding for finding in found if finding.state == "fault"]
        assert report["faults"] == len(faults)
        assert done.returncode == bool(faults), done.stderr
        assert all(finding.advice and "\n" not in finding.advice for finding in faults)
        return done.returncode, {finding.check: finding for finding in found}

    return run


def test_a_healthy_machine(doctor: Doctor, gguf: Path, tmp_path: Path) -> None:
    code, found = doctor("--reader", gguf)
    assert code == 0
    assert cpu().name in found["CPU"].value
    assert "CPUExecutionProvider" in found["onnxruntime's providers"].value
    assert "CPU : " in found["llama.cpp's flags"].value
    for bundle in shipped_bundles():
        assert found[bundle].value.endswith("as its manifest says")
    assert "load" in found["compression"].value
    assert "write" in found["answer"].value
    assert "not tried" not in found["llama.cpp"].value
    assert found["not fetched"].state == "note"
    assert {path.name for path in tmp_path.rglob("*")} <= {"home", "probes"} | {
        path.name for path in (tmp_path / "home" / "probes").glob("*.json")
    }


def test_lines_for_people(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edgelingua", "doctor"]
    environment = os.environ | {"EDGELINGUA_HOME": str(tmp_path / "a file" / "below")}
    (tmp_path / "a file").write_text("")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    (fault,) = (line for line in done.stdout.splitlines() if line.startswith("fault"))
    assert "cache folder: " in fault
    assert "-> make " in fault
    assert "EDGELINGUA_HOME" in fault
    # Nothing is fetched without being told to.
    assert "not tried: no reader is here" in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="nobody can write there on Linux")
def test_a_cache_folder_that_cannot_be_written(doctor: Doctor) -> None:
    code, found = doctor(EDGELINGUA_HOME="/proc/edgelingua")
    assert code == 1
    assert found["cache folder"].state == "fault"
    assert found["compression"].state == "ok"


def test_damaged_bundles(doctor: Doctor, tmp_path: Path) -> None:
    """One that came with the package, one that was built, and one whose manifest is no JSON."""
    copy = tmp_path / "installed"
    shutil.copytree(ROOT / "runtime" / "edgelingua", copy / "edgelingua")
    for name, folder in shipped_bundles().items():
        shutil.copytree(folder, copy / "edgelingua" / "bundles" / name)
        shutil.copytree(folder, tmp_path / "home" / "bundles" / f"my-{name}")
    broken = copy / "edgelingua" / "bundles" / registry.DEFAULT_CLASSIFIER
    graph = max(broken.iterdir(), key=lambda path: path.stat().st_size)
    raw = bytearray(graph.read_bytes())
    raw[len(raw) // 2] ^= 1
    graph.write_bytes(raw)
    (tmp_path / "home" / "bundles" / "my-edgelingua-nano" / "manifest.json").write_text("{")
    code, found = doctor(first=copy)
    assert code == 1
    assert found[registry.DEFAULT_CLASSIFIER].state == "fault"
    assert graph.name in found[registry.DEFAULT_CLASSIFIER].value
    assert found[registry.DEFAULT_CLASSIFIER].advice == "install edgelingua again"
    assert found["my-edgelingua-nano"].state == "fault"
    assert found["my-edgelingua-nano"].advice == "build it again"
    assert found["edgelingua-nano"].state == found["my-edgelingua-mini"].state == "ok"
    assert found["compression"].state == "fault"


def test_fetched_models_that_are_damaged(doctor: Doctor, tmp_path: Path, gguf: Path) -> None:
    folder = tmp_path / "home" / "models" / registry.DEFAULT_READER
    folder.mkdir(parents=True)
    raw = bytearray(gguf.read_bytes())
    raw[-1] ^= 1
    (folder / gguf.name).write_bytes(raw)
    code, found = doctor(missing="llama_cpp")
    assert code == 1
    assert "damaged or tampered with" in found[registry.DEFAULT_READER].advice
    (folder / gguf.name).write_bytes(raw[:-1])
    code, found = doctor(missing="llama_cpp")
    assert code == 1
    assert "incomplete" in found[registry.DEFAULT_READER].value
    assert f"models fetch {registry.DEFAULT_READER}" in found[registry.DEFAULT_READER].advice


@pytest.mark.parametrize(
    "package",
    [
        "onnxruntime",
        "numpy",
        pytest.param("tokenizers", marks=pytest.mark.slow),
    ],
)
def test_a_library_that_crashes_ends_its_trial_only(
    doctor: Doctor, tmp_path: Path, package: str
) -> None:
    (tmp_path / "first" / package).mkdir(parents=True)
    crash = "import ctypes; ctypes.string_at(0)"
    (tmp_path / "first" / package / "__init__.py").write_text(crash)
    code, found = doctor(first=tmp_path / "first", EDGELINGUA_PROBE="off")
    assert code == 1
    assert "SIGSEGV" in found["compressor"].value
    assert found["compressor"].advice.startswith("install these again")


def test_without_llama_cpp_it_only_says_so(doctor: Doctor) -> None:
    code, found = doctor(missing="llama_cpp")
    assert code == 0
    assert found["llama.cpp"] == Finding(
        "llama.cpp",
        "not installed",
        "note",
        "only to answer as well as compress: pip install 'edgelingua[llama]'",
    )
    assert "answer" not in found


@pytest.mark.slow
def test_packages_that_are_missing_or_broken(doctor: Doctor, tmp_path: Path, gguf: Path) -> None:
    environment = {"EDGELINGUA_PROBE": "off", "LLAMA_CPP_LIB_PATH": str(tmp_path)}
    code, found = doctor("--reader", gguf, **environment)
    assert code == 1
    assert "cannot be loaded" in found["reader"].value
    assert "llama-cpp-python==" in found["reader"].advice
    code, found = doctor("--reader", tmp_path / "none.gguf")
    assert code == 1
    assert "none.gguf: no such file" in found["answer"].advice
    code, found = doctor(missing="platformdirs", EDGELINGUA_HOME="")
    assert code == 0
    assert found["cache folder"].state == "note"
    code, found = doctor(EDGELINGUA_HOME="~nobody-of-this-name/models")
    assert code == 1
    assert found["cache folder"].state == "fault"
    assert found["compression"].state == "ok"
    assert found["llama.cpp"].state != "fault"


@pytest.mark.slow
@needs_changed_builds
def test_a_build_of_llama_cpp_that_dies(doctor: Doctor, tmp_path: Path, gguf: Path) -> None:
    build = llama_builds.changed(tmp_path / "build", {"ggml_graph_compute": "illegal instruction"})
    code, found = doctor("--reader", gguf, first=build)
    assert code == 1
    assert "dies (SIGILL)" in found["llama.cpp"].advice
    assert found["compression"].state == "ok"
    # Without the trial before, it is the answer's process that dies.
    code, found = doctor("--reader", gguf, first=build, EDGELINGUA_PROBE="off")
    assert code == 1
    assert "SIGILL" in found["reader"].value
    assert "EDGELINGUA_PROBE=off" in found["settings"].value


@pytest.mark.slow
@needs_changed_builds
def test_kernels_that_do_not_work_are_a_note(doctor: Doctor, tmp_path: Path, gguf: Path) -> None:
    changes = dict.fromkeys(llama_builds.REARRANGED, "segmentation fault")
    code, found = doctor("--reader", gguf, first=llama_builds.changed(tmp_path / "build", changes))
    assert code == 0
    assert found["answer"].state == "ok"
    if "REPACK = 1" in found["llama.cpp's flags"].value:
        assert found["llama.cpp"].state == "note"
        assert "(SIG" in found["llama.cpp"].value  # of AMX's kernels, where there are some
        assert found["weights"].value == "never rearranged for this CPU"


@pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")
def test_memory() -> None:
    memory = memory_mb()
    assert memory
    whole, free = memory
    assert 0 < free <= whole


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_shared_cache_that_cannot_be_written_is_a_note_if_it_has_all(
    tmp_path: Path, gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "shared"
    folder = home / "models" / registry.DEFAULT_READER
    folder.mkdir(parents=True)
    monkeypatch.setenv("EDGELINGUA_HOME", str(home))
    for state in ("fault", "note"):
        if state == "note":
            (folder / gguf.name).symlink_to(gguf)
        home.chmod(0o500)
        (found,) = cache()
        home.chmod(0o700)
        assert found.state == state
        assert "cannot be written" in found.value
