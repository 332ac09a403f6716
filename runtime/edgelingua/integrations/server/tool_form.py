"""How a reader is told of tools, and how it writes that it calls one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from edgelingua.errors import ReaderError
from edgelingua.integrations.server.calls import CLOSING, OPENING, Call, Listener
from edgelingua.integrations.server.messages import Message
from edgelingua.integrations.server.tools import Tools
from edgelingua.llama.json_grammar import calls_grammar
from edgelingua.llama.model import LlamaModel

_TOLD = f"""You can call functions. These are there, as JSON:
<tools>
{{}}
</tools>
To call one, answer with its name and its arguments, and nothing else:
{OPENING}
{{{{"name": "...", "arguments": {{{{...}}}}}}}}
{CLOSING}"""
MOST_CALLS = 16
_PROBE = Call("probe_of_a_tool", '{"of_argument": "of_value"}', "abcdefghi")


@dataclass(frozen=True)
class ToolForm:
    """The form of one reader.

    ``native``: its chat template writes tools and calls; else the system prompt tells of tools, and
    calls are written into messages. ``tags``: calls stand between tags; else they are JSON alone,
    with their arguments under ``arguments``.
    """

    native: bool
    tags: bool
    arguments: str

    @classmethod
    def of(cls, reader: LlamaModel, *, alternates: bool) -> ToolForm:
        """Find out the form: whether the template writes a tool and a call of it."""
        template = reader.chat_template
        if "tools" in template and not alternates:
            asked = [("user", "Why?"), ("assistant", ""), ("tool", "So."), ("user", "And?")]
            calls = {1: [_PROBE.for_template]}
            try:
                parts = reader.chat(asked, [_as_tool({"name": "probe_of_tools"})], calls)
            except ReaderError:
                pass
            else:
                own = b"".join(b"".join(reader.pieces(part.tokens)) for part in parts).decode()
                if "probe_of_tools" in own and "of_value" in own:
                    tags = OPENING in template
                    other = not tags and '"parameters": ' in template
                    return cls(True, tags, "parameters" if other else "arguments")
        return cls(False, True, "arguments")

    def system(self, system: str, tools: Tools | None, separator: str) -> str:
        """Return a system prompt that tells of tools, where the template does not."""
        if tools is None or self.native:
            return system
        lines = (json.dumps(one, ensure_ascii=False) for one in tools.definitions)
        told = _TOLD.format("\n".join(lines))
        return f"{system}{separator}{told}" if system else told

    def for_template(self, tools: Tools | None) -> list[Mapping[str, Any]]:
        """Return what the template is given."""
        if tools is None or not self.native:
            return []
        return [_as_tool(one) for one in tools.definitions]

    def messages(self, messages: Sequence[Message]) -> list[Message]:
        """Return messages with their calls written out, where the template does not write them."""
        return list(messages) if self.native else [flat(message) for message in messages]

    def grammar(self, tools: Tools) -> str:
        """Return what an answer may be: calls of those wanted; or, from `trigger` on, of any."""
        wanted = tools.wanted or tools.names
        chosen = [one for one in tools.definitions if one["name"] in wanted]
        opening = f'"{OPENING}" "\\n"' if tools.wanted else '"\\n"?'
        more = f'"\\n"? "{OPENING}" "\\n"? call "\\n"? "{CLOSING}"'
        root = f'{opening} call "\\n"? "{CLOSING}"'
        if not self.tags:
            root = "call"
        elif tools.several and not tools.wanted:
            root += f" ({more})*"
        return f"root ::= {root}\n{calls_grammar(chosen, self.arguments)}"

    def trigger(self, tools: Tools) -> str:
        """Return the text behind which the grammar holds; nothing: from the beginning."""
        return "" if tools.wanted else OPENING

    def listener(self, tools: Tools) -> Listener:
        """Return what takes the calls out of an answer."""
        most = 1 if tools.wanted or not tools.several else MOST_CALLS
        return Listener(tools.names, tags=self.tags, most=most)


def flat(message: Message) -> Message:
    """Return a message with its calls as part of its content."""
    if not message.calls:
        return message
    texts = [message.content, *(call.text for call in message.calls)]
    return replace(message, content="\n".join(filter(None, texts)), calls=())


def _as_tool(function: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "function", "function": dict(function)}
