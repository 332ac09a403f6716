"""An agent of LangChain, whose model reads less from call to call."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph.state import CompiledStateGraph

from edgelingua.compressors import Compressor
from edgelingua.integrations.langchain_agents import EdgeLinguaMiddleware
from edgelingua.integrations.messages import MessageCompressor

from .conftest import ANSWER, QUESTION

THREAD: Any = {"configurable": {"thread_id": "1"}}


class Reading(BaseChatModel):
    """Calls its tool when it is asked, answers when it has read; writes down what it is sent."""

    sent: list[list[tuple[str, Any]]]

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **_: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        self.sent.append([(message.type, message.content) for message in messages])
        asks = [message for message in messages if message.type == "human"]
        call = {"name": "read", "args": {"part": len(asks)}, "id": f"c{len(asks)}"}
        asked = messages[-1].type == "human"
        said = AIMessage("", tool_calls=[call]) if asked else AIMessage("As it is written there.")
        return ChatResult(generations=[ChatGeneration(message=said)])


@pytest.fixture
def model() -> Reading:
    return Reading(sent=[])


@pytest.fixture
def agent(model: Reading, compressor: Compressor, parts: list[str]) -> CompiledStateGraph[Any]:
    @tool
    def read(part: int) -> Any:
        """Read a part of the document."""
        blocks = [{"type": "text", "text": parts[part]}, {"type": "image", "url": "https://a.b/c"}]
        return parts[part] if part < 3 else blocks

    less = EdgeLinguaMiddleware(MessageCompressor(compressor, rate=0.3, keep_up_to=64))
    return create_agent(
        model, [read], system_prompt="Brief.", middleware=[less], checkpointer=InMemorySaver()
    )


def test_each_call_begins_as_the_one_before_it(
    agent: CompiledStateGraph[Any], model: Reading, parts: list[str]
) -> None:
    for number in range(3):
        asked = {"messages": [{"role": "user", "content": f"{QUESTION} ({number})"}]}
        done = (
            agent.invoke(asked, THREAD) if number % 2 else asyncio.run(agent.ainvoke(asked, THREAD))
        )
    assert len(model.sent) == 6
    for before, after in zip(model.sent, model.sent[1:], strict=False):
        assert after[: len(before)] == before
    first = next(content for kind, content in model.sent[-1] if kind == "tool")
    assert ANSWER in first
    assert len(first) < len(parts[1]) / 2
    state = [message for message in done["messages"] if isinstance(message, ToolMessage)]
    assert state[0].content == parts[1], "the agent's state keeps it whole"
    text, image = next(reversed([content for kind, content in model.sent[-1] if kind == "tool"]))
    assert len(text["text"]) < len(parts[3]) / 2
    assert image == {"type": "image", "url": "https://a.b/c"}
