from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgelingua import parity
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.bundle.manifest import Manifest
from edgelingua.bundle.onnx_file import summarize
from edgelingua.errors import BundleError, EdgeLinguaError
from edgelingua.files.safe import hash_file

Copy = Callable[[ModelBundle], Path]


def edit(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def record(folder: Path, name: str) -> None:
    """Make the manifest agree with a file that was changed."""
    path = folder / name
    entry = {"size": path.stat().st_size, "sha256": hash_file(path)}
    edit(folder, lambda m: m["files"].__setitem__(name, entry))


def test_a_manifest_survives_writing_and_reading(scorer_bundle: ModelBundle) -> None:
    again = Manifest.read(scorer_bundle.folder / "manifest.json")
    assert again == scorer_bundle.manifest


def test_a_folder_that_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"no manifest\.json"):
        ModelBundle.open(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(schema_version=1), "schema version 1"),
        (lambda m: m.pop("schema_version"), "schema version None"),
        (lambda m: m.pop("task"), "missing field task"),
        (lambda m: m.update(task="reader"), "expected one of scorer, classifier"),
        (lambda m: m.update(extra=1), "unknown field extra"),
        (lambda m: m["tokens"].update(max_length="512"), "expected int"),
        (lambda m: m["tokens"].update(max_length=1), "leaves no room"),
        (lambda m: m["tokens"].update(prefix=[]), "a token to start from"),
        (lambda m: m["tokens"].update(word_boundary="bert"), "expected one of"),
        (lambda m: m["variants"].clear(), "at least one"),
        (lambda m: m["tokens"].update(prefix=[10**12]), "token id out of range"),
        (lambda m: m["variants"]["cpu-int8"]["cache"].update(heads=-1), "out of range"),
        (lambda m: m["variants"]["cpu-int8"].update(cache=None), "need a KV cache"),
        (lambda m: m["variants"]["cpu-int8"].update(file="other.onnx"), "not listed"),
        (lambda m: m["files"].update({"../x": {"size": 1, "sha256": ""}}), "leaves the bundle"),
        (lambda m: m["files"].update({"/etc/passwd": {"size": 1, "sha256": ""}}), "leaves"),
        (lambda m: m["files"].update({"C:\\x": {"size": 1, "sha256": ""}}), "leaves"),
        (lambda m: m["files"].pop("tokenizer.json"), "tokenizer.json is not listed"),
        (lambda m: m.update(files=[]), "expected an object"),
    ],
)
def test_malformed_manifests_are_refused(
    scorer_bundle: ModelBundle,
    copy_of: Copy,
    change: Callable[[dict[str, Any]], None],
    message: str,
) -> None:
    folder = copy_of(scorer_bundle)
    edit(folder, change)
    with pytest.raises(BundleError, match=message):
        ModelBundle.open(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"null", b"17", b"[" * 200_000])
def test_manifests_that_are_not_json_objects(
    scorer_bundle: ModelBundle, copy_of: Copy, content: bytes
) -> None:
    folder = copy_of(scorer_bundle)
    (folder / "manifest.json").write_bytes(content)
    with pytest.raises(BundleError):
        ModelBundle.open(folder)


def test_missing_truncated_and_tampered_files_are_told_apart(
    scorer_bundle: ModelBundle, copy_of: Copy
) -> None:
    folder = copy_of(scorer_bundle)
    path = folder / "model.int8.onnx"
    original = path.read_bytes()
    path.write_bytes(original[:-1])
    with pytest.raises(BundleError, match="truncated"):
        ModelBundle.open(folder)
    path.write_bytes(original[:-1] + bytes([original[-1] ^ 1]))
    with pytest.raises(BundleError, match="tampered"):
        ModelBundle.open(folder)
    ModelBundle.open(folder, check_hashes=False)
    path.unlink()
    with pytest.raises(BundleError, match="missing"):
        ModelBundle.open(folder)


def test_a_link_out_of_the_folder_is_refused(
    scorer_bundle: ModelBundle, copy_of: Copy, tmp_path: Path
) -> None:
    folder = copy_of(scorer_bundle)
    outside = tmp_path / "outside.json"
    (folder / "tokenizer.json").rename(outside)
    (folder / "tokenizer.json").symlink_to(outside)
    with pytest.raises(BundleError, match="leads out"):
        ModelBundle.open(folder)


@pytest.mark.parametrize("location", ["../weights.bin", "/etc/passwd", "other.bin", "a\\b"])
def test_weights_outside_the_bundle_are_refused(
    scorer_bundle: ModelBundle, copy_of: Copy, location: str
) -> None:
    folder = copy_of(scorer_bundle)
    path = folder / "model.int8.onnx"
    model = onnx.load(path)
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", location
    path.write_bytes(model.SerializeToString())
    record(folder, "model.int8.onnx")
    with pytest.raises(BundleError, match="not a file of the bundle"):
        ModelBundle.open(folder)


def test_external_references_are_found_wherever_a_tensor_can_hide(tmp_path: Path) -> None:
    def external(name: str) -> onnx.TensorProto:
        tensor = onnx.TensorProto(name=name, data_location=onnx.TensorProto.EXTERNAL)
        tensor.external_data.add(key="location", value=name)
        return tensor

    helper = onnx.helper
    inner = helper.make_graph([], "inner", [], [], initializer=[external("in-subgraph")])
    constant = helper.make_node("Constant", [], ["c"], value=external("in-attribute"))
    branch = helper.make_node("If", ["i"], ["o"], then_branch=inner)
    sparse = onnx.SparseTensorProto(values=external("in-sparse"))
    value = helper.make_tensor_value_info("i", onnx.TensorProto.FLOAT, [1])
    output = helper.make_tensor_value_info("o", onnx.TensorProto.FLOAT, [1])
    graph = helper.make_graph([constant, branch], "g", [value], [output])
    graph.sparse_initializer.append(sparse)
    function = helper.make_function(
        "d", "f", [], [], [helper.make_node("Constant", [], ["x"], value=external("in-function"))],
        [helper.make_opsetid("", 18)],
    )  # fmt: skip
    model = helper.make_model(graph, functions=[function])
    path = tmp_path / "m.onnx"
    path.write_bytes(model.SerializeToString())
    found = summarize(path)
    assert {t.location for t in found.external} == {
        "in-subgraph",
        "in-attribute",
        "in-sparse",
        "in-function",
    }
    assert found.inputs == {"i"}
    assert found.outputs == {"o"}


@pytest.mark.parametrize(("key", "kind"), [("ids", "inputs"), ("nll", "outputs")])
def test_input_and_output_names_must_be_those_of_the_graph(
    scorer_bundle: ModelBundle, copy_of: Copy, key: str, kind: str
) -> None:
    folder = copy_of(scorer_bundle)
    edit(folder, lambda m: m["variants"]["cpu-int8"].update({key: "renamed"}))
    with pytest.raises(BundleError, match=f"should have the {kind}"):
        ModelBundle.open(folder)


def test_the_summary_agrees_with_onnx(bert_bundle: ModelBundle) -> None:
    path = bert_bundle.folder / "model.int8.onnx"
    graph = onnx.load(path).graph
    found = summarize(path)
    assert found.inputs == {i.name for i in graph.input}
    assert found.outputs == {o.name for o in graph.output}
    assert not found.external


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_damaged_onnx_file_never_crashes_the_reader(
    bert_bundle: ModelBundle, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    original = (bert_bundle.folder / "model.int8.onnx").read_bytes()
    at = data.draw(st.integers(0, len(original) - 1))
    cut = data.draw(st.booleans())
    noise = data.draw(st.binary(min_size=1, max_size=8))
    path = tmp_path_factory.mktemp("fuzz") / "m.onnx"
    path.write_bytes(original[:at] if cut else original[:at] + noise + original[at + len(noise) :])
    with contextlib.suppress(EdgeLinguaError):
        summarize(path)


def test_a_bundle_without_reference_cannot_be_verified(
    scorer_bundle: ModelBundle, copy_of: Copy
) -> None:
    folder = copy_of(scorer_bundle)
    edit(folder, lambda m: m["files"].pop(parity.REFERENCE))
    with pytest.raises(BundleError, match="cannot be verified"):
        parity.verify(folder)


def test_verify_notices_scores_that_have_changed(scorer_bundle: ModelBundle, copy_of: Copy) -> None:
    folder = copy_of(scorer_bundle)
    reference = np.load(folder / parity.REFERENCE)
    np.save(folder / parity.REFERENCE, reference - 0.5)
    record(folder, parity.REFERENCE)
    results = parity.verify(folder)
    assert "perplexity_loss" in results["cpu-int8"].failures[0]
    with pytest.raises(BundleError, match="does not score like its original"):
        parity.refuse_failures(folder, results)
