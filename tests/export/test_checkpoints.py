"""Checkpoints as they lie about: in shards, pickled, without a tokenizer.json, damaged."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from sentencepiece import SentencePieceTrainer
from transformers import (
    AddedToken,
    AutoConfig,
    AutoTokenizer,
    BertTokenizer,
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    GemmaTokenizer,
    GPT2Tokenizer,
    LlamaTokenizer,
    PreTrainedModel,
    PreTrainedTokenizer,
    XLMRobertaTokenizer,
)

from edgelingua import parity
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.errors import MissingExtraError
from edgelingua_export import conversion, onnx_graph
from edgelingua_export.build import BuildOptions, build
from edgelingua_export.errors import ExportError
from edgelingua_export.graph import convert
from edgelingua_export.sources import find, load
from tests.conftest import DOCUMENT, TEXTS
from tests.families import FAMILIES, save


@pytest.fixture
def checkpoint(corpus: list[str], tmp_path: Path) -> tuple[Path, PreTrainedModel]:
    folder = tmp_path / "checkpoint"
    return folder, save(FAMILIES["llama-tied"], corpus, folder)


def _reload(folder: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = load(find(str(folder)), "scorer").model.state_dict()
    return state


@pytest.mark.parametrize("options", [{"safe_serialization": False}, {"max_shard_size": "100KB"}])
def test_weights_in_other_files(
    checkpoint: tuple[Path, PreTrainedModel], options: dict[str, object]
) -> None:
    folder, model = checkpoint
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, **options)
    assert not (folder / "model.safetensors").exists()
    state = _reload(folder)
    assert all(torch.equal(state[name], weight) for name, weight in model.state_dict().items())


def _cut(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])


def _lose_shard(folder: Path) -> None:
    load(find(str(folder)), "scorer").model.save_pretrained(folder, max_shard_size="100KB")
    (folder / "model.safetensors").unlink(missing_ok=True)
    min(folder.glob("model-*")).unlink()


def _other_size(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "hidden_size": 128}))


def _no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def _empty_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_cut, "transformers cannot load it: .*incomplete"),
        (_lose_shard, "No such file"),
        (_other_size, "size mismatch"),
        (_no_tokenizer, "has no tokenizer: expected tokenizer.json, vocab.txt"),
        (_empty_tokenizer, r"cannot load its tokenizer \(tokenizer.json\)"),
    ],
)
def test_damaged_checkpoints(
    checkpoint: tuple[Path, PreTrainedModel], damage: Callable[[Path], None], message: str
) -> None:
    folder, _ = checkpoint
    damage(folder)
    with pytest.raises(ExportError, match=message) as caught:
        load(find(str(folder)), "scorer")
    assert "\n" not in str(caught.value)


def test_a_model_of_text_and_images_is_refused(corpus: list[str], tmp_path: Path) -> None:
    save(FAMILIES["gemma3"], corpus, tmp_path)
    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1,
             "num_attention_heads": 2, "image_size": 28, "patch_size": 14}  # fmt: skip
    text = AutoConfig.from_pretrained(tmp_path).to_dict()
    config = Gemma3Config(text_config=text, vision_config=sizes, mm_tokens_per_image=4)
    Gemma3ForConditionalGeneration(config).save_pretrained(tmp_path)
    with pytest.raises(ExportError, match="reads more than text; save its language model alone"):
        load(find(str(tmp_path)), "scorer")


def _sentencepiece(folder: Path, name: str, kind: str, **special: Any) -> str:
    sentences = [line for line in DOCUMENT.read_text(encoding="utf-8").split(". ") if line]
    SentencePieceTrainer.train(
        sentence_iterator=iter(sentences),
        model_prefix=str(folder / "trained"),
        vocab_size=800,
        model_type=kind,
        byte_fallback=kind == "bpe",
        minloglevel=3,
        **special,
    )
    (folder / "trained.vocab").unlink()
    return str((folder / "trained.model").rename(folder / name))


def _slow_tokenizer(family: str, folder: Path) -> PreTrainedTokenizer:
    """Write the files that a family's checkpoints have without ``tokenizer.json``."""
    fast = AutoTokenizer.from_pretrained(folder)
    for file in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (folder / file).unlink(missing_ok=True)
    if family == "bert":
        vocabulary = sorted(fast.get_vocab(), key=fast.get_vocab().__getitem__)
        (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
        return BertTokenizer(str(folder / "vocab.txt"))
    if family == "gpt2":
        return GPT2Tokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"))
    if family == "xlm-roberta":
        return XLMRobertaTokenizer(_sentencepiece(folder, "sentencepiece.bpe.model", "unigram"))
    if family == "llama":
        return LlamaTokenizer(_sentencepiece(folder, "tokenizer.model", "bpe"), legacy=False)
    gemmas = {"pad_id": 0, "eos_id": 1, "bos_id": 2, "unk_id": 3, "eos_piece": "<eos>",
              "bos_piece": "<bos>", "add_dummy_prefix": False,
              "remove_extra_whitespaces": False}  # fmt: skip
    return GemmaTokenizer(_sentencepiece(folder, "tokenizer.model", "bpe", **gemmas))


@pytest.mark.parametrize("family", ["bert", "gpt2", "xlm-roberta", "llama", "gemma"])
def test_slow_tokenizers_are_converted(family: str, corpus: list[str], tmp_path: Path) -> None:
    save(FAMILIES[family], corpus, tmp_path)
    slow = _slow_tokenizer(family, tmp_path)
    slow.save_pretrained(tmp_path)
    assert not (tmp_path / "tokenizer.json").exists()
    loaded = load(find(str(tmp_path)), FAMILIES[family].task)
    for text in (DOCUMENT.read_text(encoding="utf-8")[:2000], TEXTS["english"], TEXTS["german"]):
        assert loaded.tokenizer(text)["input_ids"] == slow(text)["input_ids"]


def test_without_sentencepiece_the_package_is_named(
    corpus: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(FAMILIES["xlm-roberta"], corpus, tmp_path)
    _slow_tokenizer("xlm-roberta", tmp_path)
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(MissingExtraError, match=r"sentencepiece.bpe.model.*edgelingua\[export\]"):
        load(find(str(tmp_path)), "classifier")


@pytest.mark.parametrize("special", [False, True])
def test_tokens_that_the_model_does_not_know(
    corpus: list[str], tmp_path: Path, special: bool
) -> None:
    """Text can become one of them, or cannot because it is special."""
    folder = tmp_path / "checkpoint"
    save(FAMILIES["bert"], corpus, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens([AddedToken("[NEW0]", special=special)])
    tokenizer.save_pretrained(folder)

    def run() -> None:
        build(find(str(folder)), "classifier", tmp_path / "b", BuildOptions(), lambda _: None)

    if not special:
        with pytest.raises(
            ExportError, match=r"1 tokens more .* \(1000\), the first is '\[NEW0\]'"
        ):
            run()
        return
    run()
    bundle = ModelBundle.open(tmp_path / "b")
    assert "[NEW0]" not in (bundle.folder / "tokenizer.json").read_text(encoding="utf-8")
    assert bundle.tokenizer().encode("[NEW0]").ids.max() < 1000


def test_added_tokens_that_the_model_knows_survive(corpus: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    model = save(FAMILIES["bert"], corpus, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["ACME-9000", AddedToken("[NEW0]", special=True)])
    model.resize_token_embeddings(len(tokenizer))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    build(find(str(folder)), "classifier", tmp_path / "b", BuildOptions(), lambda _: None)
    bundle = ModelBundle.open(tmp_path / "b")
    encoding = bundle.tokenizer().encode("The ACME-9000 works.")
    assert 1000 in encoding.ids
    assert encoding.spans[encoding.ids == 1000].tolist() == [[4, 13]]


@pytest.mark.parametrize("name", ["llama-tied", "bert"])
def test_weights_beside_the_graph_go_through_every_step(
    name: str, corpus: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As above 2 GB, which one protobuf file cannot hold."""

    def convert_large(*arguments: object) -> Path:
        path = convert(*arguments)  # type: ignore[arg-type]
        model = onnx.load(path)
        location = path.name + "_data"
        onnx.save(model, path, save_as_external_data=True, location=location, size_threshold=0)
        return path

    monkeypatch.setattr(conversion, "convert", convert_large)
    save(FAMILIES[name], corpus, tmp_path / name)
    options = BuildOptions(keep_fp32=True)
    manifest = build(
        find(str(tmp_path / name)), FAMILIES[name].task, tmp_path / "b", options, lambda _: None
    )
    assert manifest.recipe["fused"] == FAMILIES[name].fused
    (graph, data) = sorted(n for n in manifest.files if n.startswith("fp32/"))
    assert manifest.files[graph].size < manifest.files[data].size
    assert not any(result.failures for result in parity.verify(tmp_path / "b").values())


def test_a_graph_that_grows_too_large_puts_its_weights_beside_it(
    corpus: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tied head that gets weights of its own takes a model of 0.5 B parameters above 2 GB."""
    save(FAMILIES["llama-tied"], corpus, tmp_path / "model")
    size = (tmp_path / "model" / "model.safetensors").stat().st_size
    monkeypatch.setattr(onnx_graph, "_LARGEST", size + 100_000)
    options = BuildOptions(keep_fp32=True)
    manifest = build(
        find(str(tmp_path / "model")), "scorer", tmp_path / "b", options, lambda _: None
    )
    assert manifest.files["fp32/model.onnx_data"].size > size
    assert not any(result.failures for result in parity.verify(tmp_path / "b").values())
