"""PyPI's langchain-openai against a server: BASE_URL MODEL; says as JSON what came."""

import json
import sys
from typing import Literal

import openai
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

url, model = sys.argv[1:]
chat = ChatOpenAI(
    model=model, base_url=url, api_key="none", temperature=0, max_tokens=12, max_retries=0
)
asked = [SystemMessage("Answer briefly."), HumanMessage("Name three colours.")]
whole = chat.invoke(asked)
said = {
    "text": whole.content,
    "usage": whole.usage_metadata,
    "finish": whole.response_metadata["finish_reason"],
    "batch": [reply.content for reply in chat.batch([asked, asked])],
    "pieces": [],
}
total = None
for chunk in chat.stream(asked, stream_usage=True):
    said["pieces"].append(chunk.content)
    total = chunk if total is None else total + chunk
said["streamed_usage"] = total.usage_metadata
said["streamed_finish"] = total.response_metadata["finish_reason"]
said["stopped"] = chat.invoke(asked, stop=[whole.content[2:6]]).content


def get_weather(city: Literal["Boston", "Paris"]) -> str:
    """Weather of a city."""
    return f"Clear in {city}."


question = HumanMessage("What is the weather in Paris?")
agent = ChatOpenAI(
    model=model, base_url=url, api_key="none", temperature=0, max_tokens=60, max_retries=0
)
called = agent.bind_tools([get_weather], tool_choice="get_weather").invoke([question])
said["calls"] = called.tool_calls
output = ToolMessage(
    get_weather(**called.tool_calls[0]["args"]), tool_call_id=called.tool_calls[0]["id"]
)
said["told"] = agent.invoke([question, called, output]).content


class City(BaseModel):
    """A city."""

    name: Literal["Boston", "Paris"]


found = agent.with_structured_output(City, method="json_schema").invoke(
    "Where did it burn? Boston."
)
said["form"] = found.name
said["errors"] = {}
long = [SystemMessage("Be brief. " * 500), asked[1]]
for name, bad in {
    "model": lambda: chat.invoke(asked, model="gpt-5"),
    "long": lambda: chat.invoke(long),
}.items():
    try:
        bad()
    except openai.APIStatusError as error:
        said["errors"][name] = [type(error).__name__, error.status_code, error.code]
print(json.dumps(said))
