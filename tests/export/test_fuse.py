"""Fusing must be worth it, and must never change what a graph computes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.bundle.manifest import Cache, Variant
from edgelingua.scorers import PerplexityScorer
from edgelingua_export import fuse as fuse_module
from edgelingua_export.attention_kind import AttentionKind
from edgelingua_export.build import BuildOptions, build
from edgelingua_export.fuse import fuse
from edgelingua_export.graph import convert, describe
from edgelingua_export.grouped_attention import fuse_grouped_attention
from edgelingua_export.sources import Loaded, find, load


def operators(path: Path) -> Counter[str]:
    return Counter(node.op_type for node in onnx.load(path).graph.node)


def feeds(variant: Variant) -> dict[str, np.ndarray]:
    ids = np.random.default_rng(0).integers(4, 200, (1, 40))
    given = {variant.ids: ids, variant.mask: np.ones_like(ids)}
    if variant.positions:
        given[variant.positions] = np.arange(40)[None]
    if variant.token_types:
        given[variant.token_types] = np.zeros_like(ids)
    cache = variant.cache or Cache((), 0, 0)
    empty = np.zeros((1, cache.heads, 0, cache.head_size), dtype=np.float32)
    return given | {past: empty for past, _ in cache.names}


@pytest.fixture(scope="module")
def lm(tiny_lm: Path) -> Loaded:
    return load(find(str(tiny_lm)), "scorer")


@pytest.mark.parametrize(
    ("name", "kernel"),
    [
        ("scorer_bundle", "GroupQueryAttention"),
        ("bert_bundle", "Attention"),
        ("xlmr_bundle", "Attention"),
    ],
)
def test_bundles_have_fused_attention(
    name: str, kernel: str, request: pytest.FixtureRequest
) -> None:
    bundle: ModelBundle = request.getfixturevalue(name)
    assert bundle.manifest.recipe["fused"] == f"{kernel} in 2 layers"
    counted = operators(bundle.folder / "fp32" / "model.onnx")
    assert counted[kernel] == 2
    assert counted["Softmax"] == (kernel == "Attention")  # that of P(keep)


def test_a_kernel_that_refuses_leaves_the_plain_graph(tiny_lm: Path, tmp_path: Path) -> None:
    """Heads of 8 values: onnxruntime's kernel takes multiples of 16."""
    config = LlamaConfig.from_pretrained(tiny_lm)
    config.num_attention_heads, config.num_key_value_heads, config.head_dim = 8, 4, 8
    LlamaForCausalLM(config).save_pretrained(tmp_path / "small")
    PreTrainedTokenizerFast.from_pretrained(tiny_lm).save_pretrained(tmp_path / "small")
    output = tmp_path / "bundle"
    manifest = build(
        find(str(tmp_path / "small")), "scorer", output, BuildOptions(), lambda _: None
    )
    assert "nothing: onnxruntime refuses it" in manifest.recipe["fused"]
    assert "GroupQueryAttention" not in operators(output / "model.int8.onnx")
    scorer = PerplexityScorer(ModelBundle.open(output))
    assert (scorer.score_ids(np.arange(5, 200)) > 0).all()


def test_a_fusion_that_changes_results_is_undone(
    lm: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(model: onnx.ModelProto, attention: AttentionKind) -> int:
        layers = fuse_grouped_attention(model, attention)
        for node in model.graph.node:
            if node.op_type == "GroupQueryAttention":
                node.attribute.append(onnx.helper.make_attribute("scale", 0.7))
        return layers

    path = convert(lm, "scorer", tmp_path)
    before = path.read_bytes()
    variant = describe(path, "model.onnx", "fp32")
    monkeypatch.setattr(fuse_module, "fuse_grouped_attention", wrong)
    done = fuse(path, "scorer", lm.model.config, variant, feeds(variant))
    assert "would change the results" in done
    assert path.read_bytes() == before
    monkeypatch.undo()
    done = fuse(path, "scorer", lm.model.config, variant, feeds(variant))
    assert done == "GroupQueryAttention in 2 layers"
    assert not list(tmp_path.glob("fused*"))


def test_an_attention_of_another_kind_stays(lm: Loaded, tmp_path: Path) -> None:
    path = convert(lm, "scorer", tmp_path)
    model = onnx.load(path)
    for node in model.graph.node:
        if node.op_type == "Softmax":
            node.op_type = "LogSoftmax"
    onnx.save(model, path)
    variant = describe(path, "model.onnx", "fp32")
    done = fuse(path, "scorer", lm.model.config, variant, feeds(variant))
    assert done == "nothing: the attention is not built like Llama's or GPT-2's"
    assert operators(path)["GroupQueryAttention"] == 0


def test_a_window_that_the_model_has_not_is_noticed(lm: Loaded, tmp_path: Path) -> None:
    path = convert(lm, "scorer", tmp_path)
    variant = describe(path, "model.onnx", "fp32")
    config = LlamaConfig(**{**lm.model.config.to_dict(), "sliding_window": 16})
    done = fuse(path, "scorer", config, variant, feeds(variant))
    assert "would change the results" in done


def test_a_tied_head_is_quantized_too(tiny_lm: Path, tmp_path: Path) -> None:
    config = LlamaConfig.from_pretrained(tiny_lm)
    config.tie_word_embeddings = True
    LlamaForCausalLM(config).save_pretrained(tmp_path / "tied")
    PreTrainedTokenizerFast.from_pretrained(tiny_lm).save_pretrained(tmp_path / "tied")
    output = tmp_path / "bundle"
    build(find(str(tmp_path / "tied")), "scorer", output, BuildOptions(), lambda _: None)
    graph = onnx.load(output / "model.int8.onnx").graph
    products = [
        name for node in graph.node if node.op_type == "MatMulInteger" for name in node.input
    ]
    assert "logits/steps" in products
