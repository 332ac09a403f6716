"""What users write, in one program for type checkers; `test_types` has them look at it."""

from __future__ import annotations

import logging
import re
import threading
from pathlib import Path

from edgelingua import (
    METHODS,
    Assistant,
    Budget,
    CacheOptions,
    CancelledError,
    Chat,
    DocumentFilter,
    History,
    LlamaModel,
    Prompt,
    Reply,
    RunOptions,
    Sampling,
    Segment,
    Stream,
    find_reader,
    load_compressor,
    load_policy,
)
from edgelingua.compat import PromptCompressor
from edgelingua.kv.policies import DEFAULT_POLICY, Blocked, Compressor, KeyDiff, Phrased

logging.getLogger("edgelingua").setLevel("DEBUG")
text = Path("examples/data/grant-1872.txt").read_text(encoding="utf-8")
assistant = Assistant.load(cap=512, reader=Path("model.gguf"))
reply = assistant.ask(text, "Which city had a devastating fire?", Budget(tokens=400))
print(reply.text, reply.compressed.tokens_in, reply.cache.peak, reply.complete)

stream: Stream[Reply] = assistant.stream(text, "Which?", cancel=threading.Event())
try:
    for piece in stream:
        print(piece.upper(), end="")
    print(stream.reply.answer_tokens)
except CancelledError:
    stream.close()

compressor = load_compressor(options=RunOptions(threads=2))
prompt = Prompt.build(text, question="Who?", instruction="Read.", pin=["Geneva", re.compile(r"\d")])
compressed = compressor.compress(prompt, Budget(rate=0.2, count=compressor.count))
print(compressed.text, compressed.spans, compressed.scores, compressed.reasons)
print(list(compressed.recover("answer").citations), list(METHODS))
twice = compressor.with_options(second_pass=True)
ordered = load_compressor("longllmlingua").with_options(documents=DocumentFilter(order="two_stage"))
unnamed = compressor.with_options(names=False)
parts = Prompt.build([Segment(text, rate=0.1), Segment(text, rate=0.8), text], question="Why?")

model = LlamaModel("smollm2-135m-instruct")
reader = LlamaModel(find_reader("smollm2-135m-instruct"), vocabulary_only=True)
policy = Phrased(Blocked(KeyDiff(recent=20), size=64))
session = model.session(cap=512, policy=policy, cache=CacheOptions(keys="q8_0", values="q8_0"))
session.feed(model.tokenize(text, begin=True))
sampler = model.sampler(session, Sampling(temperature=0.7))
for piece in model.stream_text(session.generate(sampler, 1000, model.stop_tokens)):
    print(piece, end="")
chat = Chat(
    model, model.session(cap=512, policy=load_policy("keydiff", phrase=12)), system="Brief."
)
print(chat.say("Who?", text, on_text=print).text, Phrased(Compressor()), DEFAULT_POLICY)
for piece in chat.stream("And?", compressed):
    print(piece)
chats = [chat.fork() for _ in range(3)]

log = History(unnamed, Budget(rate=0.3, count=reader.count))
log = log.add("You maintain a web shop.", role="system", compress=False)
print(log.messages(), log.text, log.turns[-1].compressed, twice, ordered, parts)
old = PromptCompressor(use_llmlingua2=True)
print(old.compress_prompt([text], rate=0.33, force_tokens=["\n", "?"])["compressed_prompt"])
