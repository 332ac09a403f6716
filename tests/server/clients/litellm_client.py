"""PyPI's litellm against a server: BASE_URL MODEL; says as JSON what came."""

import json
import sys

import litellm

url, model = sys.argv[1:]
asked = {
    "model": f"openai/{model}",
    "api_base": url,
    "api_key": "none",
    "messages": [{"role": "user", "content": "Name three colours."}],
    "temperature": 0,
    "max_tokens": 12,
    "num_retries": 0,
}
said = {"whole": litellm.completion(**asked).model_dump()}
streamed = litellm.completion(**asked, stream=True, stream_options={"include_usage": True})
said["chunks"] = [chunk.model_dump() for chunk in streamed]
text = said["whole"]["choices"][0]["message"]["content"]
said["stopped"] = litellm.completion(**asked, stop=[text[2:6]]).model_dump()
tool = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"enum": ["Boston", "Paris"]}},
            "required": ["city"],
        },
    },
}
weather = [{"role": "user", "content": "What is the weather in Paris?"}]
calling = asked | {"messages": weather, "max_tokens": 60, "tools": [tool]}
called = litellm.completion(**calling, tool_choice="required").choices[0]
said["call"] = called.model_dump()
said["errors"] = {}
long = [{"role": "system", "content": "Be brief. " * 500}, *asked["messages"]]
for name, changed in {
    "model": {"model": "openai/no-such-model"},
    "long": {"messages": long},
}.items():
    try:
        litellm.completion(**asked | changed)
    except Exception as error:
        said["errors"][name] = [type(error).__name__, getattr(error, "status_code", None)]
print(json.dumps(said))
