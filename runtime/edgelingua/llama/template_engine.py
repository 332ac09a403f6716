"""A chat template at work, in this process or a worker: plain values in and out.

Imports nothing of the package, so that a worker starts fast.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

MOST = 1_000_000
"""Characters of a prompt of which only marks stand for contents."""


class Engine:
    """A template, compiled in the environment that Transformers gives to chat templates.

    Parameters
    ----------
    template
        The template.
    end, first
        What it knows as ``eos_token`` and ``bos_token``.
    """

    def __init__(self, template: str, end: str, first: str) -> None:
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[_GenerationTags, loopcontrols]
        )
        environment.filters["tojson"] = _as_json
        environment.globals |= {
            "eos_token": end,
            "bos_token": first,
            "add_generation_prompt": True,
            "raise_exception": _refuse,
            "strftime_now": lambda form: datetime.now().strftime(form),
            **dict.fromkeys(("functions", "function_call", "tools", "tool_choice")),
        }
        self._template = environment.from_string(template)

    def render(self, said: Sequence[tuple[str, str, str]], tools: str = "[]") -> str:
        """Lay out messages, ready for a reply: role, content, and calls of tools as JSON."""
        messages = []
        for role, content, calls in said:
            messages.append({"role": role, "content": content})
            if found := json.loads(calls):
                messages[-1]["tool_calls"] = found
        prompt = self._template.render(messages=messages, tools=json.loads(tools) or None)
        if len(prompt) > MOST:
            raise ValueError(f"it writes {len(prompt)} characters; expected at most {MOST}")
        return prompt


class _GenerationTags(Extension):
    """``{% generation %}``, which marks what an assistant says: what is inside, as it is."""

    tags = {"generation"}  # noqa: RUF012 - as jinja2 has it

    def parse(self, parser: Parser) -> list[nodes.Node]:
        parser.stream.skip(1)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _refuse(why: str) -> None:
    raise ValueError(why)


def _as_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """Write JSON without the escapes for HTML that Jinja's own filter makes."""
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )
