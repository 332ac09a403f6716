"""A package that is not there is named, with the command that installs it."""

from __future__ import annotations

import subprocess
import sys

import pytest

INTEGRATIONS = {
    "haystack": "haystack",
    "langchain": "langchain",
    "langchain_agents": "langchain",
    "litellm": "litellm",
    "llama_index": "llama-index",
    "llm": "llm",
}
PACKAGES = ("haystack", "langchain", "langchain_core", "litellm", "llama_index", "llm", "pydantic")
ABSENT = f"import sys; sys.modules.update(dict.fromkeys({PACKAGES}))"


@pytest.mark.parametrize(("module", "extra"), INTEGRATIONS.items())
def test_a_missing_package_is_named_with_its_command(module: str, extra: str) -> None:
    script = f"{ABSENT}; import edgelingua.integrations.{module}"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert f"pip install 'edgelingua[{extra}]'" in done.stderr.splitlines()[-1]


def test_what_they_are_made_of_needs_no_more_than_edgelingua() -> None:
    servers = ("starlette", "uvicorn", "httpx", "prometheus_client")
    script = (
        f"{ABSENT}; sys.modules.update(dict.fromkeys({servers}))\n"
        "import edgelingua.integrations.documents, edgelingua.integrations.messages"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
