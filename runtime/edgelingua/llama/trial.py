"""The trial of `llama.probe`: reads a few tokens with a tiny model, in a process that may die."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgelingua.llama import probe, trial_model
from edgelingua.system.child import die_quietly
from edgelingua.system.cores import available_cores

_TOKENS = 32  # more than one at a time: other kernels than for a single one
_TOLERANCE = 0.1
"""Of the logits' standard deviation. Activations are rounded to 8 bits, differently in each kernel;
what goes wrong in one is off by ten times as much."""


def main(folder: Path) -> None:
    """Read with the weights as they are in the file, then as llama.cpp rearranges them."""
    die_quietly()
    path = folder / "trial.gguf"
    trial_model.write(path)
    plain = _read(path, rearrange=False)
    print(probe.PLAIN, flush=True)
    off = np.abs(_read(path, rearrange=True) - plain).max()
    same = bool(off <= _TOLERANCE * plain.std())
    print(probe.SAME if same else probe.DIFFERENT, flush=True)


def _read(path: Path, *, rearrange: bool) -> NDArray[np.float32]:
    """Return the logits ``(2, vocabulary)`` behind many tokens read at once, and behind one more.

    Everything goes with the process, so nothing is freed.
    """
    from edgelingua.llama.library import llama_cpp, why

    params = llama_cpp.llama_model_default_params()
    params.n_gpu_layers = 0
    params.use_extra_bufts = rearrange
    model = llama_cpp.llama_model_load_from_file(os.fsencode(path), params)
    options = llama_cpp.llama_context_default_params()
    options.n_ctx = options.n_batch = options.n_ubatch = 2 * _TOKENS
    options.n_threads = options.n_threads_batch = available_cores()
    context = model and llama_cpp.llama_init_from_model(model, options)
    if not context:
        sys.exit(why())
    rows = []
    for count in (_TOKENS, 1):
        tokens = (llama_cpp.llama_token * count)(*range(count))
        if llama_cpp.llama_decode(context, llama_cpp.llama_batch_get_one(tokens, count)):
            sys.exit(why())
        logits = llama_cpp.llama_get_logits_ith(context, -1)
        rows.append(np.ctypeslib.as_array(logits, (trial_model.VOCABULARY,)).copy())
    return np.stack(rows)


if __name__ == "__main__":
    main(Path(os.environ[probe.FROZEN_TRIAL]))
