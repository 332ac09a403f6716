"""PyPI's langchain-openai against a server: BASE_URL MODEL; says as JSON what came."""

import json
import sys

import openai
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI

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
