"""Texts in which each line is a record: logs, traces, grep, transcripts, a test run in colour."""

from __future__ import annotations

from random import Random

from benchmarks.faithfulness.cases import Case
from benchmarks.faithfulness.vocabulary import (
    PEOPLE,
    PLACES,
    SERVICES,
    THINGS,
    clock,
    fault,
    hexadecimal,
    reference,
    some,
)


def log(random: Random) -> Case:
    """A service's log: alike lines, one failure, and a warning that follows from it."""
    service, message, name = fault(random)
    times = clock(random, random.randint(20, 45))
    bad = random.randrange(4, len(times) - 4)
    start, lines = random.randint(1000, 8000), []
    for at, time in enumerate(times):
        head, batch = f"2031-03-{4 + bad % 20:02d}T{time}Z", start + at
        if at == bad:
            request = hexadecimal(random, 8)
            rest = f"ERROR [worker-{at % 4}] batch={batch} rows=0 {name}: {message} (req {request})"
        elif at == bad + 1:
            rest = f"WARN [worker-{at % 4}] batch={batch} moved to queue {service}-dlq, no retry"
        else:
            rows, spent = random.randint(100, 900), random.randint(12, 99)
            rest = f"INFO [worker-{at % 4}] batch={batch} rows={rows} flushed in {spent} ms"
        lines.append(f"{head} {rest}")
    return Case(
        "log",
        "\n".join(lines) + "\n",
        random.choice(["Why did a batch fail?", f"Which batch hit {name}?", "What went wrong?"]),
        (f"batch={start + bad}", name, message),
        (f"batch={start + bad}", name, request, f"{service}-dlq"),
    )


def trace(random: Random) -> Case:
    """A Java stack trace with two causes, between lines of a log."""
    service, message, name = fault(random)
    user, key = some(random, SERVICES, 2)

    def frames(package: str, number: int) -> list[str]:
        return [
            f"\tat org.{package}.{random.choice(THINGS).title()}.{random.choice(PLACES).lower()}"
            f"({package.title()}.java:{random.randint(20, 900)})"
            for _ in range(number)
        ]

    times = clock(random, 6)
    code = f"ERR-{random.randint(10000, 99999)}"
    cause = f"Caused by: org.{service}.{name}Exception: {code}: {message}"
    lines = [f"{time} INFO [main] {key} loaded part {i}" for i, time in enumerate(times[:4])]
    lines += [f"{times[4]} ERROR [main] start of {user} failed"]
    lines += [f"org.{user}.StartException: {user} could not start", *frames(user, 9)]
    lines += [f"Caused by: org.{key}.PoolException: no connection for {key}", *frames(key, 8)]
    lines += ["\t... 9 more", cause, *frames(service, 7), "\t... 17 more"]
    lines += [f"{times[5]} INFO [main] exit code {random.randint(2, 9)}"]
    return Case(
        "trace",
        "\n".join(lines) + "\n",
        random.choice(["What is the root cause?", f"Why did {user} not start?"]),
        (code, message),
        (code, name, f"org.{user}.StartException", f"start of {user} failed"),
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
    lines = [f"[04/03/2031, {t}] {who}: {what}" for t, (who, what) in zip(times, said, strict=True)]
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
