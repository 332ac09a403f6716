"""How the texts of a corpus are compressed: one after the other, each by itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgelingua import __version__
from edgelingua.budget import Budget
from edgelingua.bundle.manifest import MANIFEST
from edgelingua.compressors import default_method, find_method, load_compressor
from edgelingua.corpus.rows import Result, stamp
from edgelingua.errors import EdgeLinguaError, InputError, described
from edgelingua.files.safe import hash_file
from edgelingua.models import registry
from edgelingua.ort.session import RunOptions
from edgelingua.prompt import Prompt, without_question
from edgelingua.selection.units import Level
from edgelingua.text.structure import Mode

if TYPE_CHECKING:
    from edgelingua.compressors.parts.pruner import Pruner


@dataclass(frozen=True)
class Recipe:
    """How the texts of a corpus are compressed: the same in every process and on every machine.

    Parameters
    ----------
    tokens, rate
        What is kept of each text, see `Budget`; a question is not counted. Neither: half of it.
    method, model, level, guard
        As for `load_compressor`. Without ``method``, the bundle decides, for each row by whether it
        has a question.
    structure
        As for `Prompt.build`.
    count
        Path of a ``tokenizer.json`` or ``.gguf`` file whose tokens are counted. ``None``: an
        estimate, rather too high.
    """

    tokens: int | None = None
    rate: float | None = None
    method: str | None = None
    model: str | None = None
    level: Level | None = None
    guard: bool | None = None
    structure: Mode = "compress"
    count: str | None = None

    @property
    def budget(self) -> Budget:
        """What is kept of each text."""
        neither = self.tokens is None and self.rate is None
        return Budget(self.tokens, 0.5 if neither else self.rate)

    def described(self) -> dict[str, Any]:
        """All that results depend on: these values, what files they name, and the version."""
        described = asdict(self) | {"version": __version__}
        if self.count is not None:
            file = Path(self.count)
            file = file / "tokenizer.json" if file.is_dir() else file
            described["count"] = [self.count, stamp(file)]
        task = "classifier" if self.method is None else find_method(self.method).task
        if task is not None:
            model = self.model
            folder = registry.default_bundle(task) if model is None else registry.find_bundle(model)
            described["bundle"] = hash_file(folder / MANIFEST)
            other = registry.multilingual_bundle() if model is None else None
            described["multilingual"] = other and hash_file(other / MANIFEST)
        return described


class RowCompressor:
    """Compresses one text after the other, in one thread; a text that fails is a result as well.

    Parameters
    ----------
    recipe
        How. Its bundle is loaded here.

    Raises
    ------
    EdgeLinguaError
        No such method, bundle, count or budget.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe, self._budget = recipe, recipe.budget
        self._loaded: dict[str, Pruner] = {}
        method = recipe.method and find_method(recipe.method)
        self._compressor(question=bool(method and method.needs_question))

    def __call__(self, text: object, question: object = None) -> Result:
        """Compress a text in the light of a question.

        ``None`` has no result; a blank text stays as it is. All that goes wrong with one text is
        the result's ``error``.
        """
        if text is None:
            return Result()
        try:
            return self._compress(text, question)
        except EdgeLinguaError as error:
            return Result(error=str(error))
        except Exception as error:  # the other rows go on
            return Result(error=f"{type(error).__name__}: {error}")

    def _compress(self, text: object, question: object) -> Result:
        if not isinstance(text, str):
            raise InputError(f"expected a text, got {described(text)}")
        question = "" if question is None else question
        if not isinstance(question, str):
            raise InputError(f"expected a question in text, got {described(question)}")
        question = question if question.strip() else ""
        compressor = self._compressor(question=bool(question))
        if not text.strip():
            tokens = compressor.count(text)
            return Result([(0, len(text))] if text else [], tokens, tokens)
        prompt = Prompt.build(text, question=question, structure=self.recipe.structure)
        count = without_question(compressor.count, question)
        budget = Budget(self._budget.tokens, self._budget.rate, count)
        compressed = compressor.compress(prompt, budget)
        # The text comes first in the prompt, so that its offsets are those of the text.
        spans = np.minimum(compressed.spans, len(text)).tolist()
        kept = [(begin, end) for begin, end in spans if begin < end]
        breaks = compressed.breaks.tolist()  # none behind the text: a question has none
        return Result(kept, compressed.tokens_in, compressed.tokens_out, breaks=breaks)

    def _compressor(self, *, question: bool) -> Pruner:
        recipe = self.recipe
        method = recipe.method or default_method(recipe.model, question=question)
        if find_method(method).needs_question and not question:
            raise InputError(f"{method} needs a question, and this text has none")
        if method not in self._loaded:
            self._loaded[method] = load_compressor(
                method,
                recipe.model,
                level=recipe.level,
                guard=recipe.guard,
                count=recipe.count,
                options=RunOptions(threads=1, device="cpu"),  # which rounds alike everywhere
            )
        return self._loaded[method]
