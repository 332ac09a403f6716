"""``pytest --light``: the tests that need neither torch nor llama.cpp.

A file that imports one of them is skipped and says what it needs; so is a test that takes a fixture
of them. Where they are installed they are not seen either: what is light here is light everywhere.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

POSIX = ("fcntl", "pty", "resource", "termios")
"""Without these on Windows, a file is skipped too: it tests what Windows has not."""

HEAVY = ("torch", "transformers", "optimum", "gguf", "llama_cpp", "onnxruntime_qnn", "matplotlib")
SERVER = (
    "anthropic",
    "anyio",
    "httpx",
    "mcp",
    "openai",
    "playwright",
    "prometheus_client",
    "starlette",
    "uvicorn",
)
"""Servers, clients and browsers: where they are missing, what needs them is skipped."""

FRAMEWORKS = ("haystack", "langchain", "langchain_classic", "langchain_core", "llama_index", "llm")
"""Likewise."""

_NAMES = "|".join(HEAVY + SERVER + FRAMEWORKS + (POSIX if sys.platform == "win32" else ()))
_MISSING = re.compile(rf"No module named '({_NAMES})['.]|import of ({_NAMES}) halted")

sys.modules.update(dict.fromkeys(HEAVY))  # type: ignore[arg-type]  # to import one fails


class LightModule(pytest.Module):
    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        try:
            return super().collect()
        except Exception as error:
            missing = _MISSING.search(f"{error} {error.__cause__}")
            if missing is None:
                raise
            pytest.skip(f"needs {missing[1] or missing[2]}", allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> LightModule:
    return LightModule.from_parent(parent, path=module_path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for name in ("torch", "llama", "frameworks"):
            if item.get_closest_marker(name):
                item.add_marker(pytest.mark.skip(reason=f"needs {name}"))
