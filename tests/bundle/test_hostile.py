"""Bundles made to harm: each is refused before anything of it is loaded."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import helper

from edgelingua import parity
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.bundle.manifest import Manifest
from edgelingua.bundle.onnx_file import External, summarize
from edgelingua.bundle.strict_json import MAX_BYTES, MAX_DEPTH, parse
from edgelingua.errors import BundleError, EdgeLinguaError
from edgelingua.scorers import ClassifierScorer
from tests.bundle.test_bundle import Copy, edit, record

GRAPH = "model.int8.onnx"
TENSOR = onnx.TensorProto


@pytest.fixture
def folder(bert_bundle: ModelBundle, copy_of: Copy) -> Path:
    return copy_of(bert_bundle)


def refused(folder: Path, why: str) -> None:
    with pytest.raises(BundleError, match=why):
        ModelBundle.open(folder)


# JSON


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "'c' twice"),
        ("[NaN]", "NaN"),
        ("[-Infinity]", "-Infinity"),
        ("[1e999]", "beyond 64 bits"),
        ("[9223372036854775808]", "beyond 64 bits"),
        ("[" + "9" * 5000 + "]", "beyond 64 bits"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "nested deeper"),
        ("[" * 100_000, "nested deeper"),
        (r'["\u001b[2J"]', "control character"),
        (r'["\ud800"]', "control character"),
        (r'{"a\u202eb": 1}', "control character"),
        (" " * (MAX_BYTES + 1), "more than"),
    ],
)
def test_json_that_readers_could_take_differently(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse(text.encode())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc"), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(json_values)
@settings(max_examples=60, deadline=None)
def test_other_json_is_read_as_it_was_written(value: Any) -> None:
    try:
        assert parse(json.dumps(value).encode()) == value
    except ValueError as error:
        assert "control character" in str(error)


# Files


@pytest.mark.parametrize(
    "name",
    ["a//b", "./a", "a/", "", "a\x00b", "ü.bin", "a b", "x\u202e", "nul.", "a/../b", "A" * 300],
)
def test_names_that_systems_could_take_differently(folder: Path, name: str) -> None:
    entry = {"size": 1, "sha256": "0" * 64}
    edit(folder, lambda m: m["files"].update({name: entry}))
    refused(folder, "leaves the bundle|expected names|control character")


@pytest.mark.parametrize("name", ["Tokenizer.json", "manifest.json", "MANIFEST.json"])
def test_names_that_are_one_file_on_some_systems(folder: Path, name: str) -> None:
    entry = {"size": 1, "sha256": "0" * 64}
    edit(folder, lambda m: m["files"].update({name: entry}))
    refused(folder, "differ in case only, or one is")


@pytest.mark.parametrize("name", ["manifest.json", "tokenizer.json", GRAPH])
def test_links_out_of_the_folder(folder: Path, tmp_path: Path, name: str) -> None:
    (folder / name).rename(tmp_path / "outside")
    (folder / name).symlink_to(tmp_path / "outside")
    refused(folder, "leads out")


def test_a_folder_that_is_a_link_out_of_the_folder(folder: Path, tmp_path: Path) -> None:
    (folder / "parity").rename(tmp_path / "outside")
    (folder / "parity").symlink_to(tmp_path / "outside")
    refused(folder, "leads out")


def test_a_link_inside_the_folder_is_fine(folder: Path) -> None:
    (folder / "tokenizer.json").rename(folder / "blob")
    (folder / "tokenizer.json").symlink_to("blob")
    assert ModelBundle.open(folder).tokenizer().count("a word")


@pytest.mark.parametrize("name", ["manifest.json", "tokenizer.json", GRAPH])
def test_pipes_folders_and_circles_are_no_files(folder: Path, name: str) -> None:
    path = folder / name
    path.unlink()
    os.mkfifo(path)
    refused(folder, "not a regular file")
    path.unlink()
    path.mkdir()
    refused(folder, "not a regular file")
    path.rmdir()
    path.symlink_to(name)
    refused(folder, "cannot be read|not a readable")


def test_a_file_replaced_after_the_check(folder: Path) -> None:
    bundle = ModelBundle.open(folder)
    for name in ("tokenizer.json", GRAPH):
        content = (folder / name).read_bytes()
        (folder / name).unlink()
        (folder / name).write_bytes(content)
    for use in (bundle.tokenizer, bundle.load):
        with pytest.raises(BundleError, match="changed since"):
            use()
    ModelBundle.open(folder).tokenizer()


def test_a_giant_tokenizer_is_not_even_hashed(folder: Path) -> None:
    with (folder / "tokenizer.json").open("ab") as file:
        file.truncate(1 << 40)  # takes no room on the disk
    size = {"size": 1 << 40, "sha256": "0" * 64}
    edit(folder, lambda m: m["files"].update({"tokenizer.json": size}))
    refused(folder, "expected at most")


# Graphs


@contextlib.contextmanager
def changed(folder: Path) -> Iterator[onnx.ModelProto]:
    """Change the graph; the manifest agrees."""
    model = onnx.load(folder / GRAPH)
    yield model
    (folder / GRAPH).write_bytes(model.SerializeToString())
    record(folder, GRAPH)


def test_foreign_operators(folder: Path) -> None:
    with changed(folder) as model:
        model.graph.node[0].domain = "org.example"
        model.opset_import.append(helper.make_opsetid("org.example", 1))
    refused(folder, "operators of org.example")


def test_operators_that_load_files_of_their_own(folder: Path) -> None:
    node = helper.make_node(
        "EPContext", [], ["x"], domain="com.microsoft", embed_mode=0, ep_cache_context="/etc/passwd"
    )
    with changed(folder) as model:
        model.graph.node.insert(0, node)
    refused(folder, "EPContext, which loads files")


def test_foreign_operators_in_a_branch(folder: Path) -> None:
    node = helper.make_node("Shell", [], ["x"], domain="org.example")
    inner = helper.make_graph([node], "inner", [], [])
    with changed(folder) as model:
        model.graph.node.append(helper.make_node("If", ["c"], ["y"], then_branch=inner))
    refused(folder, "operators of org.example")


def test_sparse_weights(folder: Path) -> None:
    values = helper.make_tensor("huge", TENSOR.FLOAT, [1], [1.0])
    indices = helper.make_tensor("at", TENSOR.INT64, [1], [7])
    with changed(folder) as model:
        sparse = helper.make_sparse_tensor(values, indices, [1 << 40])
        model.graph.sparse_initializer.append(sparse)
    refused(folder, "sparse")


@pytest.mark.parametrize("dims", [[1 << 40], [1 << 20] * 3, [-1], [1] * 100, [3, 5]])
def test_weights_whose_shape_is_not_theirs(folder: Path, dims: list[int]) -> None:
    with changed(folder) as model:
        model.graph.initializer.append(TENSOR(name="w", data_type=1, dims=dims, raw_data=b"\0\0"))
    refused(folder, "elements with|impossible shape")


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ({"location": "weights.bin", "offset": "1000"}, "more than the file holds"),
        ({"location": "weights.bin", "length": "101"}, "more than the file holds"),
        ({"location": "weights.bin", "offset": "90", "length": "20"}, "more than the file holds"),
        ({"location": "weights.bin", "offset": "-4"}, "expected a number"),
        ({"location": "weights.bin", "length": "9" * 30}, "expected a number"),
        ({"location": "weights.bin", "length": "4"}, "more than the file holds"),
        # Where onnxruntime looks for weights that its own process put in memory.
        ({"location": "*/_ORT_MEM_ADDR_/*", "offset": "4096"}, "not a file of the bundle"),
        ({"location": "parity/../weights.bin"}, "not a file of the bundle"),
        ({"location": "x" * 5000}, "very long"),
    ],
)
def test_weights_beyond_their_file(folder: Path, entries: dict[str, str], why: str) -> None:
    (folder / "weights.bin").write_bytes(bytes(100))
    record(folder, "weights.bin")
    with changed(folder) as model:
        tensor = TENSOR(name="w", data_type=1, dims=[25], data_location=TENSOR.EXTERNAL)
        for key, value in entries.items():
            tensor.external_data.add(key=key, value=value)
        model.graph.initializer.append(tensor)
    refused(folder, why)


def test_external_weights_of_the_right_size_are_fine(folder: Path) -> None:
    model = onnx.load(folder / GRAPH)
    onnx.save(model, folder / GRAPH, save_as_external_data=True, location="w.bin", size_threshold=0)
    record(folder, GRAPH)
    record(folder, "w.bin")
    assert ModelBundle.open(folder)
    assert {t.location for t in summarize(folder / GRAPH).external} == {"w.bin"}
    assert not External("w", 8, None, 1).fits(7)


# What a check compares with


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00\x08\x00((((((((", b"\x80\x04N."],
)
def test_a_reference_that_is_no_array(folder: Path, content: bytes) -> None:
    (folder / parity.REFERENCE).write_bytes(content)
    record(folder, parity.REFERENCE)
    with pytest.raises(BundleError, match="not an array"):
        parity.verify(folder)


def test_a_reference_that_promises_too_much(folder: Path) -> None:
    path = folder / parity.REFERENCE
    for shape in ((1 << 50,), (1 << 62, 1 << 62)):
        with path.open("wb") as file:
            header = {"descr": "<f4", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
        record(folder, parity.REFERENCE)
        with pytest.raises(BundleError, match="not an array"):
            parity.verify(folder)


@pytest.mark.parametrize("array", [np.array([{}]), np.array([np.nan], np.float32), np.zeros(3)])
def test_a_reference_of_something_else(folder: Path, array: Any) -> None:
    np.save(folder / parity.REFERENCE, array, allow_pickle=True)
    record(folder, parity.REFERENCE)
    with pytest.raises(BundleError, match=r"not an array|expected one finite"):
        parity.verify(folder)


@pytest.mark.parametrize("size", [1, 2_000_000])
def test_a_parity_text_that_is_none(folder: Path, size: int) -> None:
    (folder / parity.TEXT).write_bytes(b"\xff" * size)
    record(folder, parity.TEXT)
    with pytest.raises(BundleError, match=r"not UTF-8|expected at most"):
        parity.verify(folder)


# Fuzzing: a bundle that opens, or an error of ours; nothing else


def trees(value: Any) -> st.SearchStrategy[Any]:
    """Return ``value`` with one of its leaves, or a branch, changed."""
    junk: st.SearchStrategy[Any] = st.sampled_from(
        [None, True, -1, 2**62, 0.5, "", "../x", "a" * 300, [], {}, [[]]]
    )
    if not value or not isinstance(value, dict | list):
        return junk
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))

    def within(key: Any) -> st.SearchStrategy[Any]:
        def put(inner: Any) -> Any:
            if isinstance(value, dict):
                return {**value, key: inner}
            return [*value[:key], inner, *value[key + 1 :]]

        return trees(value[key]).map(put)

    drop = st.sampled_from(keys).map(
        lambda key: (
            {k: v for k, v in value.items() if k != key} if isinstance(value, dict) else value[:key]
        )
    )
    return st.sampled_from(keys).flatmap(within) | drop | junk


@given(data=st.data())
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_manifest_is_read_or_refused(folder: Path, data: st.DataObject) -> None:
    original = json.loads((folder / "manifest.json").read_text())
    path = folder / "manifest.json"
    backup = path.read_bytes()
    path.write_text(json.dumps(data.draw(trees(original))))
    try:
        with contextlib.suppress(BundleError):
            manifest = ModelBundle.open(folder).manifest
            assert parse(manifest.dumps().encode())
            assert Manifest.read(path) == manifest
    finally:
        path.write_bytes(backup)


mutations = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 9), st.binary(max_size=9)),
    min_size=1,
    max_size=4,
)


def mutated(raw: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    """Replace pieces of a file by others; a place is a share of its length."""
    for place, size, piece in changes:
        at = int(place * len(raw))
        raw = raw[:at] + piece + raw[at + size :]
    return raw


def run(folder: Path) -> None:
    """Do all that can be done with a bundle."""
    scorer = ClassifierScorer(ModelBundle.open(folder))
    scorer.score("The tribunal awarded $15,500,000.")


@pytest.mark.long
@pytest.mark.parametrize("name", ["manifest.json", "tokenizer.json"])
@given(changes=mutations)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_damaged_text_file_runs_or_is_refused(
    folder: Path, name: str, changes: list[tuple[float, int, bytes]]
) -> None:
    manifest, original = (folder / "manifest.json").read_bytes(), (folder / name).read_bytes()
    (folder / name).write_bytes(mutated(original, changes))
    if name != "manifest.json":
        record(folder, name)
    try:
        with contextlib.suppress(EdgeLinguaError):
            run(folder)
    finally:
        (folder / name).write_bytes(original)
        (folder / "manifest.json").write_bytes(manifest)


DAMAGE_GRAPHS = """
import json, random, resource, sys
from pathlib import Path
from edgelingua.bundle import ModelBundle
from edgelingua.files.safe import hash_file
from edgelingua.errors import EdgeLinguaError
from edgelingua.ort import RunOptions
from edgelingua.scorers import ClassifierScorer

resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
folder, name, draw, ran = Path(sys.argv[1]), sys.argv[2], random.Random(4), 0
original = (folder / name).read_bytes()
manifest = json.loads((folder / "manifest.json").read_text())
for _ in range(int(sys.argv[3])):
    raw = bytearray(original)
    for _ in range(draw.choice([1, 1, 2, 8])):
        at = draw.randrange(len(raw))
        raw[at : at + draw.randrange(9)] = draw.randbytes(draw.randrange(9))
    (folder / name).write_bytes(raw)
    manifest["files"][name] = {"size": len(raw), "sha256": hash_file(folder / name)}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    try:
        scorer = ClassifierScorer(ModelBundle.open(folder), options=RunOptions(threads=1))
        scorer.score("The tribunal awarded $15,500,000.")
        ran += 1
    except EdgeLinguaError:
        pass
print(ran)
"""


def test_any_damaged_graph_runs_or_is_refused(folder: Path) -> None:
    """In a process of its own: onnxruntime is native code, which can end it."""
    command = [sys.executable, "-c", DAMAGE_GRAPHS, str(folder), GRAPH, "60"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert 0 < int(done.stdout) < 60  # nothing else on stdout, and both outcomes were seen
