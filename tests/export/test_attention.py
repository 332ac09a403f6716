"""A scorer's graph that shows what chosen heads look at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from transformers import AutoModelForCausalLM

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.errors import BundleError, InputError
from edgelingua.scorers import PerplexityScorer
from edgelingua.scorers.heads import BundleHeads
from edgelingua_export.attention_outputs import add_attention_output, parse_heads
from edgelingua_export.build import BuildOptions, build
from edgelingua_export.errors import ExportError
from edgelingua_export.sources import find
from tests.conftest import DOCUMENT

HEADS = ((0, 3), (1, 0), (1, 2))


def silent(_: str) -> None:
    pass


@pytest.fixture(scope="module")
def bundle(tiny_lm: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    folder = tmp_path_factory.mktemp("attention") / "bundle"
    build(find(str(tiny_lm)), "scorer", folder, BuildOptions(True, attention=HEADS), silent)
    return ModelBundle.open(folder)


@pytest.fixture(scope="module")
def plain(tiny_lm: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    folder = tmp_path_factory.mktemp("plain") / "bundle"
    build(find(str(tiny_lm)), "scorer", folder, BuildOptions(True), silent)
    return ModelBundle.open(folder)


def test_attention_is_torchs(bundle: ModelBundle, tiny_lm: Path) -> None:
    scorer = PerplexityScorer(bundle, variant="cpu-fp32")
    ids = scorer.tokenizer.encode(DOCUMENT.read_text(encoding="utf-8")).ids[:300]
    model = AutoModelForCausalLM.from_pretrained(tiny_lm, attn_implementation="eager")
    with torch.inference_mode():
        sequence = torch.as_tensor(np.concatenate([[0], ids])[None])
        layers = model(sequence, output_attentions=True).attentions
    expected = np.stack([layers[layer][0, head, 1:, 1:].numpy() for layer, head in HEADS])
    # 260 tokens behind it: more than one chunk comes out of the cache.
    got = scorer.attention(ids, 40)
    assert got.shape == (3, 40, 300)
    np.testing.assert_allclose(got, expected[:, -40:], atol=1e-5)
    np.testing.assert_allclose(scorer.attention(ids, 300), expected, atol=1e-5)


def test_only_the_layers_asked_for_keep_their_weights(
    bundle: ModelBundle, tiny_lm: Path, tmp_path: Path
) -> None:
    assert bundle.manifest.parity["attention_vs_torch"]["max_difference"] < 1e-4
    one = BuildOptions(keep_fp32=True, attention=((1, 1),))
    build(find(str(tiny_lm)), "scorer", tmp_path / "one", one, silent)
    graph = onnx.load(tmp_path / "one" / "fp32" / "model.onnx").graph
    kernels = [node for node in graph.node if node.op_type == "GroupQueryAttention"]
    assert [len(node.output) for node in kernels] == [3, 4]


def test_the_early_graph_ends_behind_the_last_layer_shown(tiny_lm: Path, tmp_path: Path) -> None:
    options = BuildOptions(keep_fp32=True, attention=((0, 1),))
    built = build(find(str(tiny_lm)), "scorer", tmp_path / "b", options, silent)
    bundle = ModelBundle.open(tmp_path / "b")
    for label, variant in built.variants.items():
        early = onnx.load(bundle.folder / variant.early.file).graph
        names = {output.name for output in early.output}
        assert names == {"attention", "present.0.key", "present.0.value"}
        assert {value.name for value in early.input} == variant.early.inputs
        whole, short = PerplexityScorer(bundle, variant=label), BundleHeads(bundle, variant=label)
        ids = whole.tokenizer.encode(DOCUMENT.read_text(encoding="utf-8")).ids[:300]
        np.testing.assert_allclose(short.attention(ids, 40), whole.attention(ids, 40), atol=1e-6)


def test_scores_are_the_same_with_and_without(bundle: ModelBundle, plain: ModelBundle) -> None:
    with_attention, without = (PerplexityScorer(b, variant="cpu-fp32") for b in (bundle, plain))
    ids = without.tokenizer.encode(DOCUMENT.read_text(encoding="utf-8")).ids[:400]
    np.testing.assert_allclose(with_attention.score_ids(ids), without.score_ids(ids), atol=1e-4)


def test_heads_are_parsed() -> None:
    assert parse_heads("3.5, 3.1,0.2,3.1") == ((0, 2), (3, 1), (3, 5))
    for wrong in ("3", "3.", "a.b", "3.1.2", ""):
        with pytest.raises(ExportError, match=r"LAYER\.HEAD"):
            parse_heads(wrong)


def test_heads_that_are_not_there(bundle: ModelBundle, tmp_path: Path) -> None:
    graph = bundle.folder / "fp32" / "model.onnx"
    for head in ((2, 0), (0, 4), (-1, 0)):
        with pytest.raises(ExportError, match="2 layers of 4 heads"):
            add_attention_output(graph, [head], 4)


def test_a_classifier_has_none_to_show(tiny_bert: Path, tmp_path: Path) -> None:
    options = BuildOptions(attention=((0, 0),))
    with pytest.raises(ExportError, match="only a scorer"):
        build(find(str(tiny_bert)), "classifier", tmp_path / "b", options, silent)
    assert not (tmp_path / "b").exists()


def test_what_cannot_be_asked(bundle: ModelBundle, plain: ModelBundle) -> None:
    with pytest.raises(InputError, match="--attention"):
        PerplexityScorer(plain).attention(np.arange(9), 2)
    with pytest.raises(BundleError, match="edgelingua-export heads"):
        BundleHeads(plain)
    scorer = PerplexityScorer(bundle)
    for tokens, queries in ((5, 0), (5, 6), (512, 1)):
        with pytest.raises(InputError, match="queries"):
            scorer.attention(np.zeros(tokens, dtype=np.int64), queries)
