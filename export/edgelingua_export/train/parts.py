"""What a recipe adds to the loss of the labels: a teacher, a reader."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from edgelingua.text import WordBoundary
from edgelingua.text.tokenizer import TextTokenizer
from edgelingua_export.errors import ExportError
from edgelingua_export.reports import Report
from edgelingua_export.sources import Loaded, find
from edgelingua_export.sources import load as load_model
from edgelingua_export.train.batches import Layout
from edgelingua_export.train.distill import Distillation, HiddenStates, same_pieces
from edgelingua_export.train.loop import Part
from edgelingua_export.train.prepare import everything
from edgelingua_export.train.reader import ReaderLoss
from edgelingua_export.train.reader_data import cases
from edgelingua_export.train.recipe import Recipe, once


def parts_of(
    recipe: Recipe, data: Path, student: Loaded, layout: Layout, folder: Path, report: Report
) -> list[Part]:
    """Make the parts that the recipe names, on the student's device.

    Raises
    ------
    ExportError
        A model cannot be loaded, knows other pieces than the student, or there is nothing to read.
    """
    found: list[Part] = []
    device, precision = student.model.device, recipe.schedule.precision
    if recipe.teacher.model:
        teacher = load_model(find(recipe.teacher.model), "classifier")
        table = same_pieces(teacher.tokenizer, student.tokenizer)
        model = teacher.model.to(device)
        states = None
        if recipe.teacher.hidden:
            states = HiddenStates(student.model, model, recipe.student.layers)
        found.append(Distillation(model, table, recipe.teacher, precision, states))
    if recipe.reader.model:
        reader = load_model(find(recipe.reader.model), "scorer")
        both = runtime_tokenizer(student, folder), runtime_tokenizer(reader, folder, "space")
        examples = everything(replace(recipe, data=once(recipe.data)), data, report)
        read = list(cases(examples, *both, recipe.reader.words, recipe.seed))
        if not read:
            raise ExportError(
                f"[reader]: the data hold no passage of at most {recipe.reader.words} words with "
                "an answer, and no text of 60 words; raise reader.words, or give other data"
            )
        report(f"{len(read):,} cases for the reader")
        model = reader.model.to(device)
        options = recipe.reader
        found.append(
            ReaderLoss(student.model, model, read, layout, options, precision, recipe.seed)
        )
    return found


def runtime_tokenizer(
    loaded: Loaded, folder: Path, boundary: WordBoundary = "wordpiece"
) -> TextTokenizer:
    """Return the runtime's tokenizer: training cuts texts as the use will."""
    place = folder / "tokenizer"
    loaded.tokenizer.save_pretrained(place)
    tokenizer = TextTokenizer(place / "tokenizer.json", boundary)
    shutil.rmtree(place)
    return tokenizer
