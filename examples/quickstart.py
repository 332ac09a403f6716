"""Answer a question about a long text in 512 cells of KV cache."""

from pathlib import Path

from edgelingua import Assistant, Budget

text = (Path(__file__).parent / "data" / "grant-1872.txt").read_text(encoding="utf-8")
assistant = Assistant.load(cap=512)
reply = assistant.ask(text, "Which city had a devastating fire?", Budget(tokens=400))

print(reply.text)
print(f"{reply.compressed.tokens_in} tokens became {reply.compressed.tokens_out};")
print(f"the cache held {reply.cache.peak} of at most {reply.cache.cap}.")
