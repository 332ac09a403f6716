"""Every family of models that users bring, from a saved folder to a compressed text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from transformers import AutoTokenizer, PreTrainedModel

from edgelingua.budget import Budget
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.compressors import load_compressor
from edgelingua.prompt import Prompt
from edgelingua.scorers import ClassifierScorer, PerplexityScorer
from edgelingua_export.build import BuildOptions, build
from edgelingua_export.errors import ExportError
from edgelingua_export.sources import find
from tests.conftest import DOCUMENT, TEXTS
from tests.families import FAMILIES, save

FAST = ("distilbert", "qwen3", "gemma3")
LENGTH = 400  # more than one chunk of the scorer, and than every sliding window
Built = tuple[PreTrainedModel, ModelBundle]


@pytest.fixture(scope="module")
def built(corpus: list[str], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Built]:
    """Saves and builds a family by name, once."""
    known: dict[str, Built] = {}

    def make(name: str) -> Built:
        if name not in known:
            family, folder = FAMILIES[name], tmp_path_factory.mktemp("family")
            model = save(family, corpus, folder / name)
            heads = ((0, 1), (1, 2)) if family.task == "scorer" else ()
            options = BuildOptions(keep_fp32=True, attention=heads)
            build(find(str(folder / name)), family.task, folder / "b", options, lambda _: None)
            known[name] = model, ModelBundle.open(folder / "b")
        return known[name]

    return make


@pytest.fixture(
    params=[n if n in FAST else pytest.param(n, marks=pytest.mark.slow) for n in FAMILIES]
)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_manifest_says_what_the_model_is(name: str, built: Callable[[str], Built]) -> None:
    _, bundle = built(name)
    family, manifest = FAMILIES[name], bundle.manifest
    tokenizer = AutoTokenizer.from_pretrained(bundle.folder.parent / name)
    tokens = manifest.tokens
    assert tuple(tokenizer.convert_ids_to_tokens(tokens.prefix)) == family.prefix
    assert tuple(tokenizer.convert_ids_to_tokens(tokens.suffix)) == family.suffix
    assert tokens.max_length == family.max_length
    assert tokens.word_boundary == family.word_boundary
    assert manifest.recipe["fused"].startswith(family.fused)
    graph = onnx.load(bundle.folder / "fp32" / "model.onnx").graph
    softmaxes = sum(node.op_type == "Softmax" for node in graph.node)
    if family.fused != "nothing":  # only P(keep) is left
        assert softmaxes == (family.task == "classifier")
    if family.task == "scorer":
        assert manifest.parity["attention_vs_torch"]["max_difference"] < 1e-4
        # Logits of tokens that nobody asks for are not computed.
        (cut,) = (
            node for node in graph.node if node.op_type == "Slice" and node.name == "nll/hidden"
        )
        assert any(n.op_type == "MatMul" and n.input[0] == cut.output[0] for n in graph.node)
    assert manifest.trained
    # The runtime, which asks the tokenizer.json, reads a text as the family's own class does.
    for text in TEXTS.values():
        theirs = tokenizer(text, add_special_tokens=False, split_special_tokens=True)
        assert bundle.tokenizer().encode(text).ids.tolist() == theirs["input_ids"]


def test_scores_are_torchs(name: str, built: Callable[[str], Built]) -> None:
    """With what came before in the cache, and with tokens masked away."""
    model, bundle = built(name)
    tokens = bundle.manifest.tokens
    ids = bundle.tokenizer().encode(DOCUMENT.read_text(encoding="utf-8")).ids[:LENGTH]
    sequence = np.concatenate([tokens.prefix, ids, tokens.suffix]).astype(np.int64)
    if FAMILIES[name].task == "scorer":
        reading = PerplexityScorer(bundle, variant="cpu-fp32").reading()
        scores = np.concatenate([reading.read(part) for part in np.split(ids, [100, 101])])
        assert scores == pytest.approx(_nll(model, sequence), abs=2e-3)
    else:
        mask = np.ones_like(sequence)
        mask[[*range(50, 60), *range(-30, 0)]] = 0
        scores = ClassifierScorer(bundle, variant="cpu-fp32").probabilities(sequence, mask)
        with torch.inference_mode():
            logits = model(torch.as_tensor(sequence[None]), torch.as_tensor(mask[None])).logits
        expected = logits[0].softmax(dim=1)[:, 1].numpy()
        assert expected.std() > 0.01
        assert scores[mask == 1] == pytest.approx(expected[mask == 1], abs=1e-4)


def _nll(model: PreTrainedModel, sequence: np.ndarray) -> np.ndarray:
    tensor = torch.as_tensor(sequence[None])
    with torch.inference_mode():
        logits = model(tensor).logits[0, :-1]
    nll: np.ndarray = torch.nn.functional.cross_entropy(
        logits, tensor[0, 1:], reduction="none"
    ).numpy()
    return nll


def test_a_text_is_compressed(name: str, built: Callable[[str], Built]) -> None:
    _, bundle = built(name)
    method = "selective_context" if FAMILIES[name].task == "scorer" else "llmlingua2"
    compressor = load_compressor(method, bundle.folder)
    prompt = Prompt.build(DOCUMENT.read_text(encoding="utf-8")[:3000])
    budget = Budget(rate=0.5, count=bundle.tokenizer().count)
    compressed = compressor.compress(prompt, budget)
    assert 0.45 < compressed.rate <= 0.5


def test_a_sliding_window_is_kept(built: Callable[[str], Built]) -> None:
    """What `test_scores_are_torchs` compares does depend on the windows."""
    model, bundle = built("gemma3")
    ids = bundle.tokenizer().encode(DOCUMENT.read_text(encoding="utf-8")).ids[:LENGTH]
    sequence = np.concatenate([bundle.manifest.tokens.prefix, ids])
    window = model.config.sliding_window
    before = _nll(model, sequence)
    for layer in model.model.layers:
        layer.self_attn.sliding_window = None
    model.config.sliding_window = LENGTH
    try:
        wide = _nll(model, sequence)
    finally:
        model.config.sliding_window = window
    assert np.abs(wide - before)[: window - 1].max() < 1e-4
    assert np.abs(wide - before)[window:].max() > 0.1


def test_a_head_that_is_not_there(corpus: list[str], tmp_path: Path) -> None:
    save(FAMILIES["gpt2"], corpus, tmp_path / "gpt2")
    options = BuildOptions(attention=((0, 9),))
    with pytest.raises(ExportError, match=r"no head 0\.9: the model has 2 layers of 4 heads"):
        build(find(str(tmp_path / "gpt2")), "scorer", tmp_path / "b", options, lambda _: None)
    assert not (tmp_path / "b").exists()
