"""Three facts told at the beginning of a chat, asked for at turns 10, 25 and 50.

    OPENBLAS_NUM_THREADS=1 python -m benchmarks.kv.recall

The user tells three facts, one a turn, then makes small talk from a script; the model replies with
at most 16 tokens. Questions are put to a copy of the chat, saved and restored, so that the chat
itself never hears them. Counted: whether the reply has the fact, and the nats of the fact behind
the beginning of an answer. The compressor has nothing to say in a chat without documents: it would
be `streaming`, which here is truncation by turns too, as the system prompt and the template of
turns stay.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from benchmarks.kv.common import (
    Log,
    Variant,
    chosen,
    chunked,
    judged,
    losses,
    parser,
    policies,
    read_rows,
    setting,
)

from edgelingua import Chat, LlamaModel, models
from edgelingua.kv.policies import POLICIES, Streaming

TURNS = (10, 25, 50)
REPLY = 16
SYSTEM = "You are a friendly assistant. Answer in one short sentence."
FACTS = (
    (
        ("My dog is called Biscuit.", "What is my dog called?", "Your dog is called", " Biscuit"),
        ("I live in the city of Oslo.", "In which city do I live?", "You live in", " Oslo"),
        ("I work as a carpenter.", "What is my job?", "You work as a", " carpenter"),
    ),
    (
        ("My sister is called Matilda.", "What is my sister called?", "Your sister is called",
         " Matilda"),
        ("I live in the city of Lima.", "In which city do I live?", "You live in", " Lima"),
        ("I play the cello.", "Which instrument do I play?", "You play the", " cello"),
    ),
)  # fmt: skip
"""Sets of what is told, what is asked, how an answer begins, and what it goes on with."""

_TOPICS = [
    *["bread", "cheese", "rain", "snow", "trains", "bicycles", "mountains", "rivers"],
    *["chess", "football", "gardens", "bees", "coffee", "tea", "novels", "poems"],
    *["museums", "ships", "stars", "clocks", "maps", "bridges", "castles", "candles"],
]
_REMARKS = ("Tell me something about {}.", "What do people like about {}?")


def main() -> None:
    """Measure what the file does not have yet."""
    options = parser(__doc__, "recall")
    options.add_argument("--caps", type=int, nargs="+", default=[512])
    options.add_argument("--names", nargs="+", help="only these variants")
    options.add_argument("--sets", type=int, nargs="+", default=[0, 1])
    arguments = options.parse_args()
    if not arguments.tables:
        reader = LlamaModel(models.find_reader(arguments.reader), threads=arguments.threads)
        log = Log(arguments.results, setting(reader))
        for number in arguments.sets:
            for variant in chosen(variants(arguments.caps), arguments.names):
                key = {"set": number, "name": variant.name, "cap": variant.cap}
                if not log.has(**key):
                    log.add({**key, **measure(reader, variant, number)})
    rows = read_rows(arguments.results)
    arguments.results.with_suffix(".md").write_text(table(rows), encoding="utf-8")


def variants(caps: list[int]) -> list[Variant]:
    """The full cache, and all policies but the compressor, alone and by chunks."""
    names = tuple(name for name in POLICIES if name != "compressor")
    made = [Variant("full cache", 0, Streaming())]
    for cap in caps:
        made += [*policies(cap, names), *chunked(cap, names)]
    return made


def script(number: int) -> list[str]:
    """What the user says, turn by turn."""
    talk = [remark.format(topic) for remark in _REMARKS for topic in _TOPICS]
    return ([fact[0] for fact in FACTS[number]] + talk)[: TURNS[-1]]


def measure(reader: LlamaModel, variant: Variant, number: int) -> dict[str, Any]:
    """Run one chat, and ask for the facts on the way."""
    session = reader.session(variant.cap or reader.trained_length, variant.policy)
    chat = Chat(reader, session, SYSTEM)
    answers = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chat"
        for turn, said in enumerate(script(number), start=1):
            chat.say(said, limit=REPLY)
            if turn not in TURNS:
                continue
            chat.save(path)
            for _, ask, cue, value in FACTS[number]:
                reply = Chat.load(reader, path, variant.policy).say(ask, limit=REPLY).text
                asked = Chat.load(reader, path, variant.policy)
                asked.say(ask, limit=0)
                begun, rest = reader.tokenize(cue), reader.tokenize(value)
                logits = judged(asked.session, np.concatenate([begun, rest]))
                nats = float(losses(logits[len(begun) - 1 : -1], rest).sum())
                said_it = value.strip().lower() in reply.lower()
                answers.append({"turn": turn, "ask": ask, "nats": round(nats, 3), "told": said_it})
    statistics = chat.session.statistics
    return {"peak": statistics.peak, "evicted": statistics.evicted, "answers": answers}


def table(rows: list[dict[str, Any]]) -> str:
    """Facts told and mean nats, per policy and turn."""
    out = [
        "| policy | cap | " + " | ".join(f"turn {turn}" for turn in TURNS) + " |",
        "|---|---|" + "---|" * len(TURNS),
    ]
    for name, cap in dict.fromkeys((row["name"], row["cap"]) for row in rows):
        mine = [row for row in rows if (row["name"], row["cap"]) == (name, cap)]
        cells = []
        for turn in TURNS:
            found = [a for row in mine for a in row["answers"] if a["turn"] == turn]
            told = sum(answer["told"] for answer in found)
            cells.append(f"{told} of {len(found)}, {mean(a['nats'] for a in found):.2f} nats")
        out.append(f"| {name} | {cap or '-'} | " + " | ".join(cells) + " |")
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    main()
