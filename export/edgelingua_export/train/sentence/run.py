"""The command for recipes of sentence encoders: recipe and data in, a Hugging Face folder out."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path

import torch

from edgelingua_export.errors import ExportError
from edgelingua_export.reports import Report
from edgelingua_export.sources import Loaded, find
from edgelingua_export.sources import load as load_model
from edgelingua_export.train.batches import Layout
from edgelingua_export.train.corpus import Corpus
from edgelingua_export.train.descent import Order, Spans, descend
from edgelingua_export.train.folder import begin
from edgelingua_export.train.loop import Split, split
from edgelingua_export.train.parts import runtime_tokenizer
from edgelingua_export.train.prepare import everything, prepare
from edgelingua_export.train.recipe import Recipe, load
from edgelingua_export.train.sentence.batches import Batch, assemble
from edgelingua_export.train.sentence.contrast import loss, similarities
from edgelingua_export.train.sentence.measure import found

_MEASURED = 512
"""Most held-out questions."""


def train(recipe_file: Path, data: Path, folder: Path, resume: bool, report: Report) -> Path:
    """Train as a recipe says; return the model's folder, ``folder/model``.

    Beside it: ``log.jsonl``, ``report.json`` and the prepared corpus. Uses a CUDA device if there
    is one.

    Raises
    ------
    ExportError
        The recipe or its data are not as they should be, or ``folder`` holds another run and
        ``resume`` is false.
    """
    recipe = load(recipe_file)
    begin(folder, resume=resume)
    report(f"loading {recipe.base}")
    loaded = load_model(find(recipe.base), "encoder")
    longest = loaded.model.config.max_position_embeddings
    if not 8 < recipe.windows.window <= longest:
        raise ExportError(
            f"{recipe_file}: windows of {recipe.windows.window} tokens: expected at most {longest}"
        )
    corpus = prepare(
        recipe,
        lambda: list(everything(recipe, data, report)),
        runtime_tokenizer(loaded, folder),
        folder,
        report,
    )
    return fit(recipe, loaded, corpus, folder, report)


def fit(recipe: Recipe, loaded: Loaded, corpus: Corpus, folder: Path, report: Report) -> Path:
    """Train a base on a prepared corpus; return the model's folder, ``folder/model``.

    Raises
    ------
    ExportError
        There is nothing to learn from.
    """
    began, model, tokens = time.monotonic(), loaded.model, loaded.tokenizer
    layout = Layout(tokens.cls_token_id, tokens.sep_token_id, **asdict(recipe.windows))
    halves = asked(corpus, split(corpus, recipe.schedule.held_out))
    if not halves.train:
        raise ExportError("none of the recipe's data sets has questions with evidence")
    model.to("cuda" if torch.cuda.is_available() else "cpu").train()
    precision, temperature = recipe.schedule.precision, recipe.sentence.temperature

    def value(batch: Batch, _: int) -> torch.Tensor:
        cosines = similarities(model, batch, precision)
        return loss(cosines, torch.from_numpy(batch.labels).to(cosines.device), temperature)

    descend(
        model,
        Order(corpus, halves.train, recipe),
        lambda spans, rng: assemble(corpus, spans, layout, rng),
        value,
        folder,
        report=report,
    )
    figures = found(model, corpus, halves.held_out[:_MEASURED], layout, precision)
    report(f"held-out questions whose evidence is found, by rate: {figures}")
    model.cpu().eval().save_pretrained(folder / "model")
    tokens.save_pretrained(folder / "model")
    told = {
        "recipe": asdict(recipe),
        "parameters": sum(p.numel() for p in model.parameters()),
        "found": figures,
        "seconds": round(time.monotonic() - began, 1),
        "torch": torch.__version__,
    }
    (folder / "report.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
    return folder / "model"


def asked(corpus: Corpus, halves: Split) -> Split:
    """Leave out groups without a question, or without a text that has labels."""

    def with_evidence(spans: Spans) -> Spans:
        items = corpus.items
        return [(a, b) for a, b in spans if items[a, 1] >= 0 and (items[a:b, 3] >= 0).any()]

    return Split(with_evidence(halves.train), with_evidence(halves.held_out))
