"""LiteLLM, in an environment of its own: what a server behind it is sent."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ..conftest import ROOT
from .conftest import ANSWER, QUESTION

SCRIPT = Path(__file__).parent / "clients" / "litellm_guardrail.py"


@pytest.mark.slow
def test_less_is_sent(clients: Path, parts: list[str]) -> None:
    function = {"name": "read", "arguments": "{}"}
    call = {"id": "c1", "type": "function", "function": function}
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": parts[1]},
    ]
    done = subprocess.run(
        [str(clients), str(SCRIPT)],
        input=json.dumps(messages),
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
        # litellm would ask the internet for prices.
        env=os.environ
        | {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONPATH": str(ROOT / "runtime")},
    )
    assert done.returncode == 0, done.stderr
    before, after, guarded, plain = json.loads(done.stdout.splitlines()[-1])
    assert plain[-1]["content"] == parts[1]
    assert ANSWER in before[-1]["content"]
    assert len(before[-1]["content"]) < len(parts[1]) / 2
    assert guarded == before, "the guardrail does the same"
    assert after[:4] == before, "what was sent once is sent again"
    assert [message["content"] for message in after[4:]] == ["All is well.", "Who arbitrated?"]
