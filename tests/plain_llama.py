"""llama.cpp through its own high-level class, to compare with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import llama_cpp
import pytest

from edgelingua.llama.library import may_rearrange


def plain_llama(path: Path, **options: Any) -> Any:
    """Load a model as its users do, but without kernels that would end the process (AMX)."""
    ours = llama_cpp.llama_model_default_params

    def parameters() -> Any:
        params = ours()
        params.use_extra_bufts = may_rearrange()
        return params

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(llama_cpp.llama_cpp, "llama_model_default_params", parameters)
        return llama_cpp.Llama(
            str(path), n_threads=1, n_threads_batch=1, flash_attn=True, verbose=False, **options
        )
