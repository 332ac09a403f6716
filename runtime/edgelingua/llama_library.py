"""llama.cpp's library: loaded once, its errors kept for ours. Imports ``llama_cpp`` for all."""

from __future__ import annotations

import ctypes

from edgelingua.errors import MissingExtraError

try:
    import llama_cpp
    from llama_cpp._ggml import libggml
    from llama_cpp.llama_chat_format import Jinja2ChatFormatter
except ImportError as error:
    raise MissingExtraError("llama-cpp-python", "llama") from error

__all__ = ["BUILD", "Jinja2ChatFormatter", "forget", "libggml", "llama_cpp", "why"]

BUILD = f"llama-cpp-python {llama_cpp.__version__}"
"""What states and tensor layouts depend on."""

_MESSAGES: list[str] = []
_LOG_ERROR = 4


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _keep_errors(level: int, text: bytes, _: ctypes.c_void_p) -> None:
    if level == _LOG_ERROR:
        _MESSAGES.append(text.decode(errors="replace").strip())


llama_cpp.llama_log_set(_keep_errors, ctypes.c_void_p(0))
llama_cpp.llama_backend_init()


def forget() -> None:
    """Forget what llama.cpp logged as errors so far."""
    _MESSAGES.clear()


def why() -> str:
    """Return what llama.cpp logged as errors since `forget`."""
    return "; ".join(_MESSAGES[-2:]) or "it gave no reason"
