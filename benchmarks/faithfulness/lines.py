"""Texts in which each line is a record: grep, transcripts, a test run in colour."""

from __future__ import annotations

from random import Random

from benchmarks.faithfulness.cases import Case
from benchmarks.faithfulness.vocabulary import (
    PEOPLE,
    PLACES,
    SERVICES,
    THINGS,
    clock,
    reference,
    some,
)


def grep(random: Random) -> Case:
    """Lines that ``grep -n`` found: constants of several files, alike but for names and numbers."""
    services = some(random, SERVICES, random.randint(8, 14))
    lines, entries = [], []
    for service in services:
        number = 0
        for thing in some(random, THINGS, 3):
            number += random.randint(2, 60)
            value = random.randint(3, 999)
            head = f"src/{service}/{thing}.py:{number}:"
            entry = f"{service.upper()}_{thing.upper()} = {value}"
            lines.append(head + random.choice(["", "    "]) + entry + "  # seconds")
            entries.append((service, thing, head, entry))
    service, thing, head, entry = random.choice(entries)
    marked = random.randrange(len(lines))
    path = lines[marked].split(":")[0]
    ticket = f"FIXME {reference(random)} wrong unit"
    lines[marked] = lines[marked].replace("# seconds", f"# {ticket}")
    return Case(
        "grep",
        "\n".join(lines) + "\n",
        f"What is the value of {service.upper()}_{thing.upper()}, and where is it set?",
        (entry, head),
        (ticket, path),
    )


def chat(random: Random) -> Case:
    """A group chat: small talk, a payment, a code, a ban and a train."""
    people = some(random, PEOPLE, 5)
    payer, ref = random.choice(people), reference(random)
    amount = f"{random.randint(2, 9)} {random.randint(100, 999)} kr"
    code, town = f"{random.randint(0, 9)}-{random.randint(1000, 9999)}#", random.choice(PLACES)
    thing, train = random.choice(THINGS), f"{random.randint(6, 11):02d}:{random.randint(10, 59)}"
    platform = random.randint(3, 9)
    telling = [
        (payer, f"I paid!! {amount}, ref. {ref} 👍"),
        (people[1], f"Key is in the box by the door, code {code}"),
        (people[2], f"Do not bring the {thing}, the landlord said NO"),
        (people[3], f"Train to {town} leaves {train} from platform {platform}, not 2"),
    ]
    talk = [
        "lol ok",
        "🎉🎉 thank you!!",
        "who brings the tent?",
        "not yet 😅",
        "see you all Friday",
    ]
    talk += ["can someone drive?", "I will be late again", "so excited", "💯", "what about food?"]
    said = telling + [(random.choice(people), words) for words in random.choices(talk, k=14)]
    random.shuffle(said)
    times = clock(random, len(said))
    looks = ["[04/03/2031, {}] {}: {}", "04.03.31, {} - {}: {}", "<{}> {}: {}"]
    look = random.choice(looks)
    lines = [look.format(time, *line) for time, line in zip(times, said, strict=True)]
    asked = random.choice(
        [
            ("What is the code of the key box?", (code,)),
            ("Who paid, and how much?", (payer, amount)),
            (f"When does the train to {town} leave?", (train,)),
            ("What must not be brought?", (thing, "not")),
        ]
    )
    facts = (amount, ref, code, train, f"platform {platform}")
    return Case("chat", "\n".join(lines) + "\n", *asked, facts)


def colour(random: Random) -> Case:
    """A test run in ANSI colours: all pass but one."""
    names = [f"src/{s}/{t}.test.ts" for s in some(random, SERVICES, 6) for t in THINGS[:3]]
    random.shuffle(names)
    bad = random.randrange(2, len(names) - 2)
    wanted, got = random.sample(range(100, 999), 2)
    lines = []
    for at, name in enumerate(names):
        if at == bad:
            lines += [
                f"\x1b[31mFAIL\x1b[0m {name} \x1b[2m({random.randint(3, 90)} ms)\x1b[22m",
                f"  \x1b[31mExpected:\x1b[0m {wanted}",
                f"  \x1b[31mReceived:\x1b[0m {got}",
            ]
        else:
            lines.append(f"\x1b[32mPASS\x1b[0m {name} \x1b[2m({random.randint(3, 90)} ms)\x1b[22m")
    lines.append(f"\x1b[1mTests:\x1b[22m 1 failed, {len(names) - 1} passed, {len(names)} total")
    facts = (names[bad], str(wanted), str(got))
    asked = random.choice([("Which test failed?", facts[:1]), ("What was received?", facts[2:])])
    return Case("colour", "\n".join(lines) + "\n", *asked, facts)
