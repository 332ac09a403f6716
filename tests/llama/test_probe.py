"""A build that dies does so in the trial's process, and never in the user's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from gguf.quants import dequantize

from edgelingua.llama import probe, trial_model
from edgelingua.llama.probe import Verdict, may_rearrange
from edgelingua.system import child
from edgelingua.system.machine import cpu
from tests import llama_builds
from tests.conftest import ROOT

# What a user's process would do: load a model, and read with it.
READ = """
import json, sys
from pathlib import Path
import numpy as np
from edgelingua.llama import trial_model
from edgelingua.llama import LlamaModel
from edgelingua.llama.engine import LlamaEngine
from edgelingua.llama.library import _FOUND, may_rearrange, system_info
trial_model.write(Path(sys.argv[1]))
model = LlamaModel(sys.argv[1], threads=2)
engine = LlamaEngine(model, 64)
engine.decode(np.arange(32, dtype=np.int32), 0)
print(json.dumps({
    "rearranges": may_rearrange(),
    "buffers": sorted(model._buffers),
    "logits": engine.logits().tolist(),
    "amx": "AMX_INT8 = 1" in system_info(),
    "outcome": _FOUND.outcome,
    "why": _FOUND.why,
}))
"""

needs_changed_builds = pytest.mark.skipif(
    not llama_builds.can_be_changed(), reason="this build's machine code is none we can change"
)


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Read with a build, in a process with a cache folder of this test."""

    def start(
        build: Path | None = None, before: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        places = [str(build)] if build else []
        places += [str(ROOT / "runtime"), str(ROOT / "export")]
        found = {
            "PYTHONPATH": os.pathsep.join(places),
            "EDGELINGUA_HOME": str(tmp_path / "home"),
            "OMP_WAIT_POLICY": "passive",
        }
        return subprocess.run(
            [sys.executable, "-c", before + READ, str(tmp_path / "model.gguf")],
            env=os.environ | found | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return start


def result(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def remembered(home: Path) -> list[Verdict]:
    entries = [json.loads(path.read_text()) for path in sorted(home.glob("probes/*.json"))]
    return [Verdict(**entry["verdict"]) for entry in entries]


def test_a_build_that_works_is_tried_once(
    tmp_path: Path, read: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    found = result(read())
    assert found["rearranges"] is (found["outcome"] == "works")
    if not found["amx"]:  # else it depends on the compiler, and on the system
        assert found["outcome"] == "works"
    (known,) = remembered(tmp_path / "home")
    assert known.outcome == found["outcome"]
    # What is remembered counts, until somebody asks for another trial.
    (place,) = (tmp_path / "home" / "probes").iterdir()
    place.write_text(json.dumps({"verdict": {"outcome": "plain", "why": "as remembered"}}))
    recalled = result(read())
    assert recalled["why"] == "as remembered"
    assert not recalled["rearranges"]
    assert result(read(EDGELINGUA_PROBE="again"))["outcome"] == known.outcome
    assert remembered(tmp_path / "home") == [known]


@needs_changed_builds
@pytest.mark.parametrize(
    ("function", "what", "died"),
    [
        ("ggml_cpu_init", "illegal instruction", "SIGILL"),  # when it is loaded
        # When it reads.
        pytest.param("ggml_graph_compute", "segmentation fault", "SIGSEGV", marks=pytest.mark.slow),
        pytest.param("ggml_graph_compute", "abort", "SIGABRT", marks=pytest.mark.slow),
    ],
)
def test_a_build_that_dies_is_refused_by_name(
    tmp_path: Path,
    read: Callable[..., subprocess.CompletedProcess[str]],
    function: str,
    what: str,
    died: str,
) -> None:
    build = llama_builds.changed(tmp_path / "build", {function: what})
    for _ in range(2):  # tried, then remembered
        done = read(build)
        assert done.returncode == 1  # by an exception, not by a signal
        assert "edgelingua.errors.ReaderError: llama-cpp-python" in done.stderr
        for part in (str(build), died, cpu().name, "CMAKE_ARGS=-DGGML_NATIVE=OFF pip install"):
            assert part in done.stderr
        # Memory may have been short where it aborted itself: that is not held against it.
        known = [] if what == "abort" else [Verdict("dies", died)]
        assert remembered(tmp_path / "home") == known
    # Whoever insists meets what he was warned of.
    assert read(build, EDGELINGUA_PROBE="off").returncode < 0
    # Another build in its place is tried anew.
    assert result(read())["outcome"] in ("works", "plain")


@needs_changed_builds
@pytest.mark.parametrize(
    "what",
    [
        "segmentation fault",
        pytest.param("illegal instruction", marks=pytest.mark.slow),
        pytest.param("return", marks=pytest.mark.slow),
    ],
)
def test_kernels_for_rearranged_weights_that_do_not_work_are_not_used(
    tmp_path: Path, read: Callable[..., subprocess.CompletedProcess[str]], what: str
) -> None:
    """They die, or return without having computed anything; as AMX's do under some compilers."""
    healthy = result(read())
    if "CPU_REPACK" not in healthy["buffers"]:
        pytest.skip("this build rearranges nothing on this CPU")
    changes = dict.fromkeys(llama_builds.REARRANGED, what) | {"ggml_cpu_has_amx_int8": "return 1"}
    build = llama_builds.changed(tmp_path / "build", changes)
    found = result(read(build))
    assert found["amx"]
    assert not found["rearranges"]
    assert "CPU_REPACK" not in found["buffers"]
    np.testing.assert_allclose(found["logits"], healthy["logits"], atol=0.5)
    # Nothing but the trial has saved it: taken for a build that works, it fails.
    for place in (tmp_path / "home" / "probes").iterdir():
        place.write_text(json.dumps({"verdict": {"outcome": "works", "why": ""}}))
    done = read(build)
    assert done.returncode < 0 or result(done)["logits"] != healthy["logits"]


def test_a_setting_that_says_nothing_is_refused(
    read: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = read(EDGELINGUA_PROBE="on")
    assert done.returncode == 1
    assert "EDGELINGUA_PROBE=on: expected off or again, or leave it unset" in done.stderr


@needs_changed_builds
def test_amx_is_used_only_where_a_trial_has_shown_that_it_works(
    tmp_path: Path, read: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    build = llama_builds.changed(tmp_path / "build", {"ggml_cpu_has_amx_int8": "return 1"})
    untried = result(read(build, EDGELINGUA_PROBE="off"))
    assert untried["amx"]
    assert not untried["rearranges"]
    assert not list(tmp_path.glob("home/probes/*"))
    tried = result(read(build))
    assert tried["amx"]
    assert tried["rearranges"] is (result(read())["outcome"] == "works")


@pytest.mark.parametrize(
    ("found", "amx", "allowed"),
    [
        (Verdict("untried"), True, False),
        (Verdict("untried"), False, True),
        (Verdict("works"), True, True),
        (Verdict("works"), False, True),
        (Verdict("plain", "SIGSEGV"), True, False),
        (Verdict("plain", "SIGSEGV"), False, False),
    ],
)
def test_what_a_verdict_allows(found: Verdict, amx: bool, allowed: bool) -> None:
    info = f"CPU : SSE3 = 1 | AVX512 = 1 | {'AMX_INT8 = 1 | ' if amx else ''}REPACK = 1 | "
    assert may_rearrange(found, info) is allowed


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "{",
        "[]",
        "null",
        '{"verdict": null}',
        '{"verdict": {"outcome": "works"}}',
        '{"verdict": {"outcome": "perhaps", "why": ""}}',
        '{"verdict": {"outcome": ["works"], "why": ""}}',
        '{"verdict": {"outcome": "untried", "why": ""}}',
        "\udcff",
        "[" * 100_000,
    ],
)
def test_a_damaged_memory_is_none(tmp_path: Path, entry: str) -> None:
    place = tmp_path / "probe.json"
    place.write_bytes(entry.encode(errors="surrogateescape"))
    assert probe._recall(place) is None
    assert probe._recall(tmp_path) is None
    place.unlink()
    os.mkfifo(place)  # which would keep us waiting
    assert probe._recall(place) is None


@pytest.mark.parametrize(
    ("before", "outcomes"),
    [
        ("import tempfile; tempfile.tempdir = '/nowhere'", ["untried"]),
        ("import sys; sys.path += [b'/nowhere', None]", ["works", "plain"]),
    ],
)
def test_what_else_is_odd_about_a_process(
    before: str, outcomes: list[str], read: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    assert result(read(before=before))["outcome"] in outcomes


def test_without_a_place_to_remember_every_process_tries(
    tmp_path: Path, read: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    assert result(read())["outcome"] in ("works", "plain")
    unset = "import os, sys; del os.environ['EDGELINGUA_HOME']; sys.modules['platformdirs'] = None"
    assert result(read(before=unset))["outcome"] in ("works", "plain")


@pytest.mark.parametrize(
    ("code", "said", "outcome"),
    [
        (-9, [], "untried"),  # out of memory, or somebody's impatience
        (-15, [probe.PLAIN], "untried"),
        (1, [], "untried"),  # an exception: the user's own process will say it better
        (0, [], "untried"),
        (0, [probe.PLAIN, probe.SAME], "works"),
        (0, [probe.PLAIN, probe.DIFFERENT], "plain"),
        (-11, [probe.PLAIN], "plain"),
        (-4, [], "dies"),
        (0xC000001D, [], "dies"),  # as Windows says it
        (0xC0000005, [probe.PLAIN], "plain"),
    ],
)
def test_only_deaths_by_native_code_count(code: int, said: list[str], outcome: str) -> None:
    assert probe._judge(code, said).outcome == outcome


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")
def test_a_frozen_app_is_started_again_only_if_it_heeds_the_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, started = tmp_path / "app", tmp_path / "started"
    trial = "-m edgelingua.llama.trial"
    app.write_text(f'#!/bin/sh\ntouch "{started}"\nexec "{sys.executable}" {trial}\n')
    app.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(app))
    assert probe._try().outcome == "untried"  # not Python: a server with Python inside, say
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert probe._try().outcome == "untried"
    assert not started.exists()
    monkeypatch.setattr(sys, probe.HEEDED, True, raising=False)
    assert probe._try().outcome in ("works", "plain")
    assert started.exists()


def test_the_trials_model_is_what_gguf_says_it_is(tmp_path: Path) -> None:
    trial_model.write(tmp_path / "trial.gguf")
    tensors = gguf.GGUFReader(tmp_path / "trial.gguf").tensors
    kinds = {tensor.tensor_type.name for tensor in tensors}
    # All that llama.cpp's AMX kernels know but half precision, and those it repacks.
    assert {"Q4_0", "Q4_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K", "IQ4_XS", "Q2_K", "IQ4_NL"} < kinds
    for tensor in tensors:
        weights = dequantize(tensor.data, tensor.tensor_type)
        assert weights.shape == tuple(reversed(tensor.shape.tolist()))
        assert np.isfinite(weights).all()
        assert 1e-4 < np.abs(weights).max() <= 1  # the scales are where they should be
        assert weights.std() > 0 or tensor.name.endswith("norm.weight")


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands for an interpreter")
def test_a_trial_that_hangs_is_waited_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = tmp_path / "python"
    stuck.write_text("#!/bin/sh\nexec sleep 60\n")
    stuck.chmod(0o755)
    monkeypatch.setenv("EDGELINGUA_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(probe, "_PATIENCE", 0.3)
    with monkeypatch.context() as here:
        here.setattr(child, "interpreter", lambda: str(stuck))
        found = probe.check()
    assert found.outcome == "hangs"
    assert remembered(tmp_path / "home") == [found]
    assert probe.check() == found, "tried again, though it is known"
    assert not may_rearrange(found, "AMX_INT8 = 1")
    assert may_rearrange(found, "AVX2 = 1")
    monkeypatch.setattr(probe, "_PATIENCE", 600.0)
    monkeypatch.setenv("EDGELINGUA_PROBE", "again")
    assert probe.check().outcome in ("works", "plain")
