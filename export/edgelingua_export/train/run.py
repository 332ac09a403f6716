"""The command: recipe and data in, a Hugging Face folder with its log and figures out."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import torch

from edgelingua_export.errors import ExportError
from edgelingua_export.reports import Report
from edgelingua_export.sources import Loaded, Source, find
from edgelingua_export.sources import load as load_model
from edgelingua_export.train import calibrate
from edgelingua_export.train.batches import Layout
from edgelingua_export.train.corpus import Corpus
from edgelingua_export.train.curves import draw
from edgelingua_export.train.folder import begin
from edgelingua_export.train.loop import fit, split
from edgelingua_export.train.parts import parts_of, runtime_tokenizer
from edgelingua_export.train.prepare import everything, prepare
from edgelingua_export.train.recipe import Recipe, load
from edgelingua_export.train.student import shrink


def train(recipe_file: Path, data: Path, folder: Path, resume: bool, report: Report) -> Path:
    """Train as a recipe says; return the model's folder, ``folder/model``.

    Beside it: ``log.jsonl``, ``curves.png``, ``report.json`` and the prepared corpus. Uses a CUDA
    device if there is one.

    Raises
    ------
    ExportError
        The recipe or its data are not as they should be, or ``folder`` holds another run and
        ``resume`` is false.
    """
    recipe = load(recipe_file)
    begin(folder, resume=resume)
    began = time.monotonic()
    loaded, corpus = _start(recipe, data, folder, report)
    model = loaded.model
    longest = model.config.max_position_embeddings
    if not recipe.windows.question + 8 < recipe.windows.window <= longest:
        raise ExportError(
            f"{recipe_file}: windows of {recipe.windows.window} tokens with questions of up to "
            f"{recipe.windows.question}: expected at most {longest}, and room for 8 tokens of text"
        )
    model.config.id2label = {0: "drop", 1: "keep"}
    model.config.label2id = {"drop": 0, "keep": 1}
    model.config.reads_question = bool((corpus.items[:, 1] >= 0).any())  # for the export
    model.config.head_untrained = False
    model.to("cuda" if torch.cuda.is_available() else "cpu").train()
    tokens = loaded.tokenizer
    layout = Layout(tokens.cls_token_id, tokens.sep_token_id, **asdict(recipe.windows))
    parts = parts_of(recipe, data, loaded, layout, folder, report)
    fit(model, corpus, recipe, layout, folder, parts=parts, report=report)
    report("scaling P(keep) on the held-out texts")
    figures, held_out = _calibrate(model.eval(), corpus, layout, recipe)
    model.cpu().save_pretrained(folder / "model")
    tokens.save_pretrained(folder / "model")
    draw(folder / "log.jsonl", held_out, folder / "curves.png")
    report_file = {
        "recipe": asdict(recipe),
        "parameters": sum(p.numel() for p in model.parameters()),
        "calibration": figures,
        "seconds": round(time.monotonic() - began, 1),
        "torch": torch.__version__,
    }
    report(f"trained in {report_file['seconds']:,.0f} s")
    (folder / "report.json").write_text(json.dumps(report_file, indent=1), encoding="utf-8")
    return folder / "model"


def _start(recipe: Recipe, data: Path, folder: Path, report: Report) -> tuple[Loaded, Corpus]:
    """Return the model to start from, the student if the recipe has one, and the data for it."""
    report(f"loading {recipe.base}")
    loaded = load_model(find(recipe.base), "classifier")
    # A student tokenizes the same examples once more: reading them, with negatives, takes minutes.
    read = cache(lambda: list(everything(recipe, data, report)))
    corpus = prepare(recipe, read, runtime_tokenizer(loaded, folder), folder, report)
    if recipe.student == type(recipe.student)():
        return loaded, corpus
    report("making the student smaller")
    shrink(loaded.model, loaded.tokenizer, recipe.student, corpus, folder / "base")
    smaller = replace(recipe, base=str(folder / "base"))
    loaded = load_model(Source("local", "student", smaller.base), "classifier")
    return loaded, prepare(smaller, read, runtime_tokenizer(loaded, folder), folder, report)


def _calibrate(
    model: torch.nn.Module, corpus: Corpus, layout: Layout, recipe: Recipe
) -> tuple[dict[str, object], dict[str, calibrate.HeldOut]]:
    """Fit and fold the scaling; return what it did, and the held-out scores after it."""
    spans = split(corpus, recipe.schedule.held_out).held_out
    before = calibrate.held_out(model, corpus, spans, layout)
    if not before:
        return {}, {}
    scale, shift = calibrate.platt(before)
    calibrate.fold(model, scale, shift)
    after = {
        mode: calibrate.HeldOut(part.log_odds * scale + shift, part.labels)
        for mode, part in before.items()
    }
    errors = {
        mode: [round(calibrate.calibration_error(p), 4) for p in (before[mode], after[mode])]
        for mode in before
    }
    return {"scale": scale, "shift": shift, "error_before_and_after": errors}, after
