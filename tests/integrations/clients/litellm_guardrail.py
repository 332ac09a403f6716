"""LiteLLM, with messages compressed by a guardrail and before; says what a server was sent."""

import asyncio
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import litellm

from edgelingua.integrations.litellm import EdgeLinguaGuardrail
from edgelingua.integrations.messages import MessageCompressor

sent = []


class Upstream(BaseHTTPRequestHandler):
    """Writes down what it is asked, and says that all is well."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        sent.append(json.loads(body)["messages"])
        message = {"role": "assistant", "content": "All is well."}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        reply = json.dumps({"id": "1", "object": "chat.completion", "choices": [choice]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
Thread(target=server.serve_forever, daemon=True).start()
asked = {
    "model": "openai/any",
    "api_base": f"http://127.0.0.1:{server.server_port}/v1",
    "api_key": "none",
    "num_retries": 0,
}
messages = json.loads(sys.stdin.read())
shorter = MessageCompressor(rate=0.3, keep_up_to=64)
reply = litellm.completion(**asked, messages=shorter.compress(messages))
more = [*messages, reply.choices[0].message, {"role": "user", "content": "Who arbitrated?"}]
litellm.completion(**asked, messages=shorter.compress(more))

guardrail = EdgeLinguaGuardrail(
    rate=0.3, keep_up_to=64, guardrail_name="edgelingua", event_hook="pre_call"
)
litellm.callbacks = [guardrail]
asyncio.run(litellm.acompletion(**asked, messages=messages, guardrails=["edgelingua"]))
asyncio.run(litellm.acompletion(**asked, messages=messages))  # nobody asked for it
server.shutdown()
print(json.dumps(sent))
