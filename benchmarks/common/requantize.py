"""The reader that the benchmarks use: the GGUF of the registry, its weights in Q8_0.

    python -m benchmarks.common.requantize smollm2-135m-instruct SmolLM2-135M-Instruct.Q8_0.gguf

Q8_0 reads about twice as fast as the Q4_1 that the registry fetches. The values are those of the
Q4_1 file: nothing that its rounding lost comes back. The same file always gives the same bytes.
"""

from __future__ import annotations

import argparse
import ctypes
import os
from pathlib import Path

import llama_cpp

from edgelingua.files.safe import hash_file
from edgelingua.models import registry


def main() -> None:
    """Write the file, and say its SHA-256."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("reader", help="name in the registry, or a GGUF")
    options.add_argument("out", type=Path)
    arguments = options.parse_args()
    requantize(registry.find_reader(arguments.reader), arguments.out)
    print(hash_file(arguments.out), arguments.out)


def requantize(source: Path, out: Path) -> None:
    """Write ``source`` again with its weights in Q8_0."""
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0
    params.allow_requantize = True
    params.nthread = 1
    half = out.with_name(f"{out.name}.part")
    code = llama_cpp.llama_model_quantize(
        os.fsencode(source), os.fsencode(half), ctypes.byref(params)
    )
    if code:
        raise SystemExit(f"{source}: llama.cpp cannot requantize it (code {code})")
    half.replace(out)


if __name__ == "__main__":
    main()
