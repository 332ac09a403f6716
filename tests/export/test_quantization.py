"""The search for a quantization: its parts keep a graph's function, its choice keeps its rules."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.scorers import PerplexityScorer
from edgelingua_export.build import BuildOptions, build
from edgelingua_export.errors import ExportError
from edgelingua_export.quantization import formats
from edgelingua_export.quantization.measure import Row
from edgelingua_export.quantization.network import Network, Product
from edgelingua_export.quantization.options import MARGIN, SearchOptions, parse_loss
from edgelingua_export.quantization.outliers import sensitivity
from edgelingua_export.quantization.prepare import prepare
from edgelingua_export.quantization.report import pareto_front, plot, table
from edgelingua_export.quantization.scheme import Scheme
from edgelingua_export.quantization.search import choose
from edgelingua_export.quantization.smoothing import smooth
from edgelingua_export.quantization.state import State
from edgelingua_export.quantization.targets import TARGETS, target, this_cpu
from edgelingua_export.quantization.writer import write
from edgelingua_export.sources import find

TOKENS = 40


def feeds_of(bundle: ModelBundle) -> dict[str, np.ndarray]:
    variant = bundle.variant("cpu-fp32")
    ids = np.random.default_rng(0).integers(4, 200, (1, TOKENS))
    feeds: dict[str, np.ndarray] = {variant.ids: ids, variant.mask: np.ones_like(ids)}
    for name in (variant.positions, variant.token_types):
        if name:
            feeds[name] = np.zeros_like(ids)
    if variant.positions:
        feeds[variant.positions] = np.arange(TOKENS)[None]
    if variant.targets:
        feeds[variant.targets] = ids[:, 1:]
    if variant.cache:
        empty = np.zeros((1, variant.cache.heads, 0, variant.cache.head_size), dtype=np.float32)
        feeds |= {past: empty for past, _ in variant.cache.names}
    return feeds


def network_of(bundle: ModelBundle) -> Network:
    variant = bundle.variant("cpu-fp32")
    return Network.load(bundle.folder / variant.file, feeds_of(bundle), variant.keep)


def run(model: onnx.ModelProto | Path, feeds: dict[str, np.ndarray]) -> np.ndarray:
    content = str(model) if isinstance(model, Path) else model.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    wanted = {value.name for value in session.get_inputs()}
    result: np.ndarray = session.run(None, {k: v for k, v in feeds.items() if k in wanted})[0]
    return result


def with_constants(network: Network) -> onnx.ModelProto:
    model = onnx.ModelProto()
    model.CopyFrom(network.graph.model)
    model.graph.ClearField("initializer")
    model.graph.initializer.extend(
        numpy_helper.from_array(values, name) for name, values in network.constants.items()
    )
    return model


@pytest.fixture(scope="module")
def tied_bundle(tiny_lm: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """A Llama whose head is its embedding, with norms that differ, and its fp32 graph."""
    folder = tmp_path_factory.mktemp("tied")
    config = LlamaConfig.from_pretrained(tiny_lm)
    config.tie_word_embeddings = True
    torch.manual_seed(4)
    model = LlamaForCausalLM(config)
    for name, parameter in model.named_parameters():
        if "norm" in name:
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
    model.save_pretrained(folder / "model")
    PreTrainedTokenizerFast.from_pretrained(tiny_lm).save_pretrained(folder / "model")
    options = BuildOptions(keep_fp32=True, search=SearchOptions(objective="size", tokens=256))
    build(find(str(folder / "model")), "scorer", folder / "bundle", options, lambda _: None)
    return ModelBundle.open(folder / "bundle")


# What a candidate is made of


@pytest.mark.parametrize("name", ["scorer_bundle", "bert_bundle", "xlmr_bundle"])
def test_taking_nodes_apart_keeps_the_function(name: str, request: pytest.FixtureRequest) -> None:
    bundle: ModelBundle = request.getfixturevalue(name)
    variant = bundle.variant("cpu-fp32")
    feeds = feeds_of(bundle)
    if not variant.cache:
        feeds[variant.mask][:, TOKENS // 2 :] = 0  # what is masked stays masked
    before = run(bundle.folder / variant.file, feeds)
    after = run(with_constants(network_of(bundle)), feeds)
    assert np.abs(before - after).max() < 1e-4


def test_a_gemm_becomes_a_product_and_a_sum() -> None:
    rng = np.random.default_rng(3)
    weight = rng.normal(size=(6, 4)).astype(np.float32)
    bias, x = rng.normal(size=6).astype(np.float32), rng.normal(size=(5, 4)).astype(np.float32)
    shape = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, None) for n in ("x", "y")]
    shape[0] = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, x.shape)
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "w", "b"], ["y"], "gemm", transB=1)],
        "g",
        shape[:1],
        shape[1:],
        [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(bias, "b")],
    )
    opsets = [helper.make_opsetid("", 18)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    prepare(model)
    assert [node.op_type for node in model.graph.node] == ["MatMul", "Add"]
    assert run(model, {"x": x}) == pytest.approx(x @ weight.T + bias, abs=1e-5)


def test_products_of_an_encoder_are_all_found_but_the_classifiers_head(
    bert_bundle: ModelBundle,
) -> None:
    network = network_of(bert_bundle)
    # Per layer: queries, keys and values at once, the attention's output, two of the FFN.
    assert len(network.products) == 2 * 4
    assert not any("classifier" in product.name for product in network.products)


@settings(max_examples=8, deadline=None)
@given(strength=st.floats(0.05, 0.95))
def test_smoothing_keeps_the_function_and_narrows_inputs(
    tied_bundle: ModelBundle, strength: float
) -> None:
    network = network_of(tied_bundle)
    smoothed = smooth(network, strength)
    feeds = feeds_of(tied_bundle)
    expected, got = run(with_constants(network), feeds), run(with_constants(smoothed), feeds)
    assert np.abs(expected - got).max() < 1e-3 * np.abs(expected).max()
    changed = [n for n, x in smoothed.activations.items() if x is not network.activations[n]]
    assert len(changed) == 2 * 3  # per layer: attention's input, the FFN's, the down projection's


def test_an_encoder_with_a_residual_stream_behind_its_norms_is_not_smoothed(
    bert_bundle: ModelBundle,
) -> None:
    network = network_of(bert_bundle)
    assert smooth(network, 0.5) is network


def one_product(
    weight: np.ndarray, x: np.ndarray, piece: formats.Piece
) -> tuple[np.ndarray, np.ndarray]:
    graph = helper.make_graph(
        piece.nodes,
        "g",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)],
        piece.constants,
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
    return run(helper.make_model(graph, opset_imports=opsets, ir_version=9), {"x": x}), x @ weight


PRODUCT = Product("product", "x", "w", "y")


@pytest.mark.parametrize("inputs", [64, 70])  # a multiple of the block, and not
@pytest.mark.parametrize(
    ("how", "bound"),
    [("s7", 2e-3), ("u8", 1e-3), ("half", 1e-6), ("blocks8", 1e-3), ("blocks4", 2e-2)],
)
def test_every_format_computes_the_product(how: str, bound: float, inputs: int) -> None:
    rng = np.random.default_rng(1)
    weight = rng.normal(size=(inputs, 48)).astype(np.float32)
    x = rng.normal(size=(9, inputs)).astype(np.float32)
    none = np.zeros(0, dtype=np.int64)
    if how == "half":
        piece = formats.half(PRODUCT, weight)
    elif how.startswith("blocks"):
        piece = formats.blocks(PRODUCT, weight, int(how[-1]))
    else:
        piece = formats.int8(PRODUCT, weight, how, none)  # type: ignore[arg-type]
    got, expected = one_product(weight, x, piece)
    assert np.square(got - expected).sum() / np.square(expected).sum() < bound


def test_channels_apart_undo_the_harm_of_an_outlier() -> None:
    rng = np.random.default_rng(2)
    weight = rng.normal(size=(64, 48)).astype(np.float32)
    x = rng.normal(size=(9, 64)).astype(np.float32)
    x[0, 7] = 3000
    errors = []
    for apart in ([], [7]):
        piece = formats.int8(PRODUCT, weight, "s7", np.asarray(apart, dtype=np.int64))
        got, expected = one_product(weight, x, piece)
        errors.append(float(np.square(got - expected)[1:].sum() / np.square(expected)[1:].sum()))
    assert errors[0] > 0.5
    assert errors[1] < 2e-3


def test_outlying_channels_are_found_and_lower_the_error(scorer_bundle: ModelBundle) -> None:
    network = network_of(scorer_bundle)
    tensor = network.products[0].input
    spiked = network.activations[tensor].copy()
    spiked[0, 5] = 1e4
    network = replace(network, activations={**network.activations, tensor: spiked})
    alone, apart = sensitivity(network, "s7", 0), sensitivity(network, "s7", 8)
    assert 5 in apart.apart[tensor]
    name = network.products[0].name
    assert apart.errors[name] < alone.errors[name] / 10
    assert list(alone.errors.values()) == sorted(alone.errors.values(), reverse=True)


def test_a_shared_matrix_computes_what_two_do(tied_bundle: ModelBundle, tmp_path: Path) -> None:
    network = network_of(tied_bundle)
    assert network.tied
    seen = sensitivity(network, "u8", 0)
    outputs, sizes = [], []
    fp32 = tied_bundle.folder / tied_bundle.variant("cpu-fp32").file
    for shared in (False, True):
        path = tmp_path / f"{shared}.onnx"
        write(network, seen, Scheme(weights="u8", shared=shared), "u8", (path, fp32))
        outputs.append(run(path, feeds_of(tied_bundle)))
        sizes.append(path.stat().st_size)
    # The embedding's rows and the head's columns are the same numbers with the same scales.
    assert np.abs(outputs[0] - outputs[1]).max() < 1e-4 * np.abs(outputs[0]).max()
    table, _ = network.tied
    assert sizes[0] - sizes[1] > 0.9 * network.constants[table].size


# The rules


def test_nothing_that_saturates_is_tried_where_it_could() -> None:
    for name in ("cpu", "cpu-avx2"):
        assert "s8" not in target(name).weights
    for name in ("cpu-vnni", "cpu-arm"):
        assert target(name).weights == ("s8",)
    # The largest sum of two products that an x86 without VNNI has to hold in 16 bits.
    steps, _ = formats.round_columns(np.asarray([[-1.0], [1.0]], dtype=np.float32), "s7")
    assert 2 * 255 * int(np.abs(steps.astype(int)).max()) < 2**15


def test_a_target_timed_on_another_cpu_says_so(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("flags\t\t: fpu avx2 fma\n")
    kinds = {this_cpu(cpuinfo), this_cpu(tmp_path / "missing")}
    assert kinds <= {"cpu-avx2", "cpu-arm", "an unknown CPU"}
    assert "stand-in" in TARGETS["cpu-arm"].timed_on("cpu-vnni")
    assert "stand-in" not in TARGETS["cpu-arm"].timed_on("cpu-arm")
    with pytest.raises(ExportError, match=r"expected one of cpu, cpu-avx2"):
        SearchOptions("gpu")


@pytest.mark.parametrize(("text", "loss"), [("2%", 0.02), ("0.015", 0.015), (" 1.5 % ", 0.015)])
def test_losses_are_read(text: str, loss: float) -> None:
    assert parse_loss(text) == pytest.approx(loss)


@pytest.mark.parametrize("text", ["", "two", "-1%", "150%", "nan", "1.5"])
def test_losses_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ExportError, match="such as 2% or"):
        parse_loss(text)


def row(scheme: Scheme, megabytes: float, loss: float, milliseconds: float) -> Row:
    return Row(scheme, megabytes, loss, {"mean_difference": loss}, (), milliseconds, 100.0)


rows = st.lists(
    st.tuples(st.integers(1, 5), st.integers(0, 5), st.integers(1, 5)), min_size=1, max_size=12
).map(
    lambda costs: [
        row(Scheme(protected=n), float(a), b / 100, float(c)) for n, (a, b, c) in enumerate(costs)
    ]
)


@given(rows)
def test_the_pareto_front_is_what_nothing_beats(candidates: list[Row]) -> None:
    front = pareto_front(candidates)
    assert front

    def no_worse(a: Row, b: Row) -> bool:
        return a.megabytes <= b.megabytes and a.loss <= b.loss and a.milliseconds <= b.milliseconds

    for candidate in candidates:
        assert any(no_worse(best, candidate) for best in front)


@given(rows, st.sampled_from(["latency", "size"]))
def test_the_choice_keeps_the_bound_and_does_not_depend_on_order(
    candidates: list[Row], objective: str
) -> None:
    options = SearchOptions(objective=objective)  # type: ignore[arg-type]
    bound = min(candidate.loss for candidate in candidates)
    chosen, why = choose(candidates, options, bound)
    assert chosen.loss <= bound
    assert choose(candidates[::-1], options, bound)[0] == chosen
    assert ("noisy" in why) == (objective == "latency")


def test_a_candidate_that_the_gates_would_refuse_is_not_chosen() -> None:
    good = row(Scheme(), 10.0, 0.01, 50)
    refused = replace(good, scheme=Scheme(blocks4=1), megabytes=5.0, missed=("agreement 0.8",))
    assert choose([refused, good], SearchOptions(objective="size"), 0.02)[0] == good


def test_the_table_and_the_plot_show_every_candidate(tmp_path: Path) -> None:
    candidates = [row(Scheme(protected=n), 10 + n, 0.01 * n, 50) for n in range(3)]
    text = table(candidates, candidates[1].scheme)
    assert all(candidate.scheme.label in text for candidate in candidates)
    assert text.count("→") == 1
    plot(candidates, candidates[1], 0.02, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


# The search


def test_a_bundle_carries_its_search(tied_bundle: ModelBundle) -> None:
    recipe = tied_bundle.manifest.recipe
    search = recipe["search"]
    labels = [candidate["label"] for candidate in search["candidates"]]
    assert search["chosen"] in labels
    assert len(set(labels)) == len(labels)
    chosen = next(c for c in search["candidates"] if c["label"] == search["chosen"])
    assert chosen["scheme"] == recipe["scheme"]
    assert chosen["loss"] <= MARGIN * search["max_loss"]
    assert recipe["scheme"]["shared"]
    assert chosen["megabytes"] == min(
        c["megabytes"]
        for c in search["candidates"]
        if c["loss"] <= MARGIN * search["max_loss"] and not c["missed"]
    )
    assert "search.png" in tied_bundle.manifest.files
    assert PerplexityScorer(tied_bundle).score_ids(np.arange(5, 100)).min() > 0


def quality(bundle: ModelBundle) -> list[tuple[str, float, float]]:
    candidates = bundle.manifest.recipe["search"]["candidates"]
    return [(c["label"], c["loss"], c["megabytes"]) for c in candidates]


def test_two_builds_measure_and_choose_the_same(tied_bundle: ModelBundle, tmp_path: Path) -> None:
    options = BuildOptions(search=SearchOptions(objective="size", tokens=256))
    source = find(str(tied_bundle.folder.parent / "model"))
    build(source, "scorer", tmp_path / "bundle", options, lambda _: None)
    again = ModelBundle.open(tmp_path / "bundle")
    assert quality(again) == quality(tied_bundle)
    graph = "model.int8.onnx"
    assert again.manifest.files[graph] == tied_bundle.manifest.files[graph]


def test_the_first_that_fits_will_do(bert_bundle: ModelBundle) -> None:
    search = bert_bundle.manifest.recipe["search"]
    bound = MARGIN * search["max_loss"]
    losses = [candidate["loss"] for candidate in search["candidates"]]
    assert search["objective"] == "first"
    assert losses[-1] <= bound
    assert all(loss > bound for loss in losses[:-1])
    assert search["chosen"] == search["candidates"][-1]["label"]


def test_an_unreachable_loss_is_refused_with_the_table(tiny_bert: Path, tmp_path: Path) -> None:
    options = BuildOptions(search=SearchOptions(max_loss=0.0, tokens=256))
    with pytest.raises(ExportError, match="the best is") as refused:
        build(find(str(tiny_bert)), "classifier", tmp_path / "b", options, lambda _: None)
    assert "x fp32" in str(refused.value)
    # Nothing but what was measured, from which a build that allows more goes on.
    assert [path.name for path in tmp_path.iterdir()] == [".b.search.jsonl"]
    said: list[str] = []
    more = BuildOptions(search=SearchOptions(max_loss=0.9, tokens=256, objective="first"))
    build(find(str(tiny_bert)), "classifier", tmp_path / "b", more, said.append)
    assert any("candidates were measured before" in line for line in said)
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_a_search_that_is_killed_goes_on_where_it_was(tiny_bert: Path, tmp_path: Path) -> None:
    output = tmp_path / "bundle"
    command = [sys.executable, "-m", "edgelingua_export", "build", str(tiny_bert)]
    command += ["--task", "classifier", "-o", str(output)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    for line in process.stderr:
        if "  2. int8" in line:
            break
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    state = tmp_path / ".bundle.search.jsonl"
    before = state.read_text().splitlines()
    with state.open("a") as file:
        file.write('{"cut sho')  # as a kill in the middle of a line leaves it
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{len(before) - 1} candidates were measured before" in done.stderr
    assert list(tmp_path.iterdir()) == [output]
    candidates = ModelBundle.open(output).manifest.recipe["search"]["candidates"]
    # Timings too are those that were measured before the kill.
    assert [json.loads(line) for line in before[1:]] == candidates[: len(before) - 1]


def test_a_state_of_another_search_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "state.jsonl"
    first = State(path, {"seed": 0})
    first.add(row(Scheme(), 1, 0.1, 5))
    assert State(path, {"seed": 0}).rows == first.rows
    assert State(path, {"seed": 1}).rows == {}
    path.write_text("not JSON\n")
    assert State(path, {"seed": 0}).rows == {}
