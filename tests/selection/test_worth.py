"""What of machine text matters: the odd one out, alarms, causes, and what the question names."""

from __future__ import annotations

import json
import uuid
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgelingua import Budget, Prompt, load_compressor
from edgelingua.selection.records import headings
from edgelingua.selection.worth import worth


def best(records: list[str], question: str = "") -> str:
    ends = np.cumsum([len(record) + 1 for record in records])
    spans = np.stack([ends - [len(record) + 1 for record in records], ends - 1], axis=1)
    nothing = np.zeros(len(records))
    return records[int(np.argmax(worth(records, spans, question, nothing, nothing)))]


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 1 << 32), size=st.integers(20, 120))
def test_the_odd_line_is_best(seed: int, size: int) -> None:
    draw = Random(seed)
    alike = [
        f"06:{draw.randrange(60):02} INFO batch={4000 + n} rows=500 flushed in {n + 80} ms"
        for n in range(size)
    ]
    for odd in (
        "06:41 ERROR batch=4999 rows=0 flush failed: access denied",
        "06:41 INFO batch=4999 rows=17 flushed in 99 ms",
        "06:41 INFO operator Liv changed the schedule",
    ):
        records = [*alike]
        records.insert(draw.randrange(size), odd)
        assert best(records) == odd


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 1 << 32))
def test_what_the_question_names_is_found_exactly(seed: int) -> None:
    draw = Random(seed)
    keys = [str(uuid.UUID(int=draw.getrandbits(128), version=4)) for _ in range(140)]
    records = [f'"{key}": "{uuid.UUID(int=draw.getrandbits(128))}"' for key in keys]
    asked = draw.randrange(140)
    assert best(records, f"What is the value of {keys[asked]}?") == records[asked]


def test_the_deepest_cause_is_best() -> None:
    frames = [f"\tat org.example.depot.Stock{n}.run(Stock.java:{n})" for n in range(9)]
    first, deepest = (
        "Caused by: a.b.ValidateException: checksum",
        "Caused by: c.SqlException: logon",
    )
    records = ["a.b.StartException: could not start", *frames, first, *frames, deepest, *frames]
    assert best(records) == deepest
    assert best(records, "What is the root cause of the failed start?") == deepest


CHAT = """[18:05] Liv: Did you book the cabin?
[18:06] Jo: Yes, done yesterday.
[18:07] Jo: The code for the key box, what was it?
[18:08] Liv: One sec
[18:09] Liv: 4417
[18:10] Jo: thanks
[18:12] Ola: Who brings the tent?
[18:13] Liv: I do, the green one
[18:15] Ola: And when do we leave?
[18:16] Jo: Friday at six
"""


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is the code for the key box?", "4417"),
        ("When do they leave?", "Friday at six"),
        ("Who brings the tent?", "the green one"),
    ],
)
def test_the_line_behind_the_one_that_asks_answers(question: str, answer: str) -> None:
    prompt = Prompt.build(CHAT, question=question)
    left = load_compressor().compress(prompt, Budget(rate=0.33)).segment_texts()[0]
    assert answer in left


@pytest.mark.parametrize(
    ("names", "asked"),
    [
        (["prod-eu", "prod-us", "production", "prod", "prod-2", "preprod"], "prod"),
        (["db-1-replica", "db-10", "db-1", "db-11", "adb-1"], "db-1"),
        (["/api/v1/users", "/api/v1", "/api/v10", "/api/v1.1"], "/api/v1"),
        (["user.name.first", "user.name", "user.names", "super_user.name"], "user.name"),
    ],
)
def test_a_name_that_begins_another_is_found(names: list[str], asked: str) -> None:
    lines = [f"{name}: host=db{n}.example.net port={5000 + n}" for n, name in enumerate(names)]
    lines += [f"other-{n}: host=db{n}.example.net port={6000 + n}" for n in range(20)]
    assert best(lines, f"Which port does {asked} listen on?").startswith(f"{asked}: ")


BUILD = "".join(f"   Compiling crate{n} v{n}.2.0\n" for n in range(6)) + "".join(
    f"{what}\n  --> src/{name}.rs:{at}:9\n   |\n{at} |     let {name} = {at};\n\n"
    for what, name, at in [
        ("warning: unused variable: `winch`", "winch", 230),
        ("error[E0308]: mismatched types", "barrel", 361),
        ("warning: unused variable: `pulley`", "pulley", 758),
    ]
)
PAGE = (
    '<html lang="en"><body class="c">\n<main><div class="x">'
    + "".join(f"<p>The {name} is kept in shed {n}.</p>" for n, name in enumerate(["oar", "sail"]))
    + "<p>The ferry leaves the quay at <b>15:11</b> and 16:20.</p>"
    + "".join(f"<p>Pier {n} was painted in 19{n}1 by the town.</p>" for n in range(2, 9))
    + "</div></main>\n</body></html>"
)


@pytest.mark.parametrize("question", ["", "What is the error, and where?"])
def test_an_error_fits_where_its_place_does_not(question: str) -> None:
    prompt = Prompt.build(BUILD, question=question)
    compressor = load_compressor()
    for rate in (0.5, 0.3, 0.15):
        left = compressor.compress(prompt, Budget(rate=rate)).segment_texts()[0]
        assert "error[E0308]" in left
        assert "barrel.rs:361" not in left or "mismatched types\n  --> src/barrel.rs:361:9" in left


def test_what_wraps_a_page_leaves_room_for_what_it_says() -> None:
    prompt = Prompt.build(PAGE, question="When does the ferry leave?")
    left = load_compressor().compress(prompt, Budget(rate=0.2)).segment_texts()[0]
    assert "<p>The ferry leaves the quay at <b>15:11</b> and 16:20.</p>" in left
    assert "<div" not in left
    assert "<body" not in left


SERVICES = ("anchor", "beacon", "cellar", "depot", "ember", "ferry", "grove", "harbour")


def settings_of(form: str, ports: dict[str, int]) -> str:
    """Sections that have the same keys."""
    match form:
        case "ini":
            return "\n".join(
                f"[{n}]\nhost = db-{p}\nport = {p}\nlevel = info\n" for n, p in ports.items()
            )
        case "yaml":
            return "services:\n" + "\n".join(
                f"  {n}:\n    host: db-{p}\n    port: {p}\n    level: info"
                for n, p in ports.items()
            )
        case "json":
            every = {n: {"host": f"db-{p}", "port": p} for n, p in ports.items()}
            return json.dumps(every, indent=2)
        case _:
            return "Containers:\n" + "\n".join(
                f"  {n}:\n    Host:    db-{p}\n    Port:    {p}/TCP" for n, p in ports.items()
            )


@pytest.mark.parametrize("form", ["ini", "yaml", "json", "describe"])
@pytest.mark.parametrize("asked", SERVICES[::3])
def test_a_line_answers_for_the_words_of_its_headings(form: str, asked: str) -> None:
    """Of eight sections with the same keys, the line below the heading that is asked for."""
    ports = {name: 4100 + 7 * number for number, name in enumerate(SERVICES)}
    prompt = Prompt.build(settings_of(form, ports), question=f"Which port does {asked} listen on?")
    layout = prompt.layout
    texts = [prompt.text[a:b] for a, b in layout.records.tolist()]
    nothing = np.zeros(len(texts))
    above = headings(prompt, prompt.text)
    value = worth(texts, layout.records, prompt.question, nothing, nothing, above)
    best_line = texts[int(np.argmax(value))]
    assert "port" in best_line.casefold()
    assert str(ports[asked]) in best_line


def test_how_many_asks_for_a_count_and_not_for_trouble() -> None:
    records = ["Reason: OOMKilled", "State: Waiting", "Restart Count: 8", "Exit Code: 137"]
    assert best(records, "How many times was it restarted?") == "Restart Count: 8"
    assert best(records, "Why was it restarted?") == "Reason: OOMKilled"
