"""The command for recipes of memories: recipe and data in, an adapter with its log out."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.bundle.shipped import shipped_bundles
from edgelingua.files.safe import hash_file
from edgelingua.scorers import ClassifierScorer
from edgelingua_export.errors import ExportError
from edgelingua_export.reports import Report
from edgelingua_export.sources import Loaded, Source, find
from edgelingua_export.sources import load as load_model
from edgelingua_export.train.folder import begin
from edgelingua_export.train.memory import files
from edgelingua_export.train.memory.adapter import Compressor
from edgelingua_export.train.memory.drawing import Drawer
from edgelingua_export.train.memory.loop import fit
from edgelingua_export.train.memory.passages import Judge, Passages, gather, judge_of, nothing
from edgelingua_export.train.memory.recipe import MemoryRecipe, load
from edgelingua_export.train.parts import runtime_tokenizer
from edgelingua_export.train.prepare import examples


def train(recipe_file: Path, data: Path, folder: Path, resume: bool, report: Report) -> Path:
    """Train as a recipe says; return the memory's folder, ``folder/memory``.

    Beside it: ``log.jsonl``, ``report.json`` and the prepared passages. Uses a CUDA device if there
    is one.

    Raises
    ------
    ExportError
        The recipe or its data are not as they should be, or ``folder`` holds another run and
        ``resume`` is false.
    """
    recipe = load(recipe_file)
    begin(folder, resume=resume)
    began = time.monotonic()
    source = find(recipe.base)
    loaded = load_model(source, "scorer")
    passages = prepare(recipe, loaded, data, folder, report)
    compressor = compressor_of(recipe, loaded)
    if recipe.adapter.start:
        begun = files.read(Path(recipe.adapter.start), loaded.model.config)
        if "vectors" in begun:
            begun["vectors"] = begun["vectors"][: recipe.memory.learned]
        compressor.restore(begun)
    drawer = drawer_of(recipe, loaded, passages)
    longest = loaded.model.config.max_position_embeddings
    if drawer.packer.length > longest:
        raise ExportError(
            f"{recipe_file}: documents with what is asked of them take {drawer.packer.length} "
            f"tokens, {recipe.base} reads {longest}"
        )
    if compressor.vectors.device.type == "cuda":
        compressor.compile_layers()
    fit(compressor, drawer, recipe, folder, report)
    about = files.write(compressor, recipe, sha256_of(source), folder / "memory")
    told = {
        "recipe": asdict(recipe),
        "parameters": sum(p.numel() for p in compressor.trained().values()),
        "files": about["files"],
        "seconds": round(time.monotonic() - began, 1),
        "torch": torch.__version__,
    }
    (folder / "report.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
    return folder / "memory"


def compressor_of(recipe: MemoryRecipe, loaded: Loaded) -> Compressor:
    """Put a recipe's adapter on its reader: on a CUDA device if there is one, in bf16 there."""
    torch.manual_seed(recipe.seed)
    model = loaded.model
    if torch.cuda.is_available():
        model = model.to("cuda", torch.bfloat16)
    learned = recipe.memory.learned
    return Compressor(model.eval(), recipe.adapter.rank, recipe.adapter.alpha, learned)


def drawer_of(recipe: MemoryRecipe, loaded: Loaded, passages: Passages) -> Drawer:
    """Draw from passages, with the recipe's words around them."""

    def ids(text: str) -> NDArray[np.int32]:
        encoded: list[int] = loaded.tokenizer(text, add_special_tokens=False)["input_ids"]
        return np.asarray(encoded, dtype=np.int32)

    asking = recipe.asking
    texts = (asking.before, "\n\n", asking.after, asking.end)
    return Drawer(passages, recipe, *(ids(text) for text in texts))


def prepare(
    recipe: MemoryRecipe, loaded: Loaded, data: Path, folder: Path, report: Report
) -> Passages:
    """Tokenize and score the recipe's data, or load what an earlier run made of it.

    It is kept in ``folder``, under a name that the data, base and scorer decide.

    Raises
    ------
    ExportError
        There are no texts.
    """
    scorer = recipe.memory.scorer
    described = json.dumps([asdict(s) for s in recipe.data] + [recipe.seed, recipe.base, scorer])
    path = folder / f"passages-{hashlib.sha256(described.encode()).hexdigest()[:12]}.npz"
    if path.is_file():
        return Passages.load(path)
    found = [
        example
        for number, each in enumerate(recipe.data)
        for example in examples(each, data, recipe.seed + number)
    ]
    passages = gather(found, runtime_tokenizer(loaded, folder, "space"), _judge(scorer))
    report(
        f"{passages.count:,} passages of {len(passages.scores):,} tokens, "
        f"{len(passages.questions):,} questions"
    )
    passages.save(path)
    return passages


def _judge(scorer: str) -> Judge:
    if not scorer:
        return nothing
    folder = shipped_bundles().get(scorer, Path(scorer).expanduser())
    return judge_of(ClassifierScorer(ModelBundle.open(folder)))


def sha256_of(source: Source) -> str:
    """SHA-256 of a reader's GGUF file; empty if it is none."""
    return hash_file(Path(source.folder) / source.gguf) if source.gguf else ""
