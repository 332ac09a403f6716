"""LoRA adapters: small changes of a model's weights, from a GGUF file."""

from __future__ import annotations

import os
import weakref
from pathlib import Path
from typing import Any

from edgelingua.errors import ReaderError
from edgelingua.files.safe import hash_file
from edgelingua.kv.interrupts import uninterrupted
from edgelingua.llama import header
from edgelingua.llama.library import forget, llama_cpp, why
from edgelingua.llama.weights import Weights


class LlamaAdapter:
    """A LoRA (Hu et al. 2021, arXiv:2106.09685) for one model.

    It changes nothing by itself: a step of an engine that names it is computed with it.

    Parameters
    ----------
    model
        The model; kept alive as long as this.
    path
        The adapter's ``.gguf`` file.
    digest
        SHA-256 that says what it is; ``None``: that of the file.

    Raises
    ------
    ReaderError
        It cannot be read, or is no adapter for this model.
    """

    def __init__(self, model: Weights, path: Path, digest: str | None = None) -> None:
        self.model = model
        try:
            self.digest = digest or hash_file(path)
        except OSError as error:
            raise ReaderError(f"{path}: cannot be read ({error.strerror})") from None
        forget()
        with uninterrupted():  # it logs through Python
            header.check(path)
            self.handle: Any = llama_cpp.llama_adapter_lora_init(model.handle, os.fsencode(path))
            if not self.handle:
                raise ReaderError(f"{path}: no adapter for {model.path.name}: {why()}")
            # Holding the model keeps it alive until its adapter has gone.
            weakref.finalize(self, _free, self.handle, model)


def _free(handle: Any, _: Weights) -> None:
    llama_cpp.llama_adapter_lora_free(handle)
