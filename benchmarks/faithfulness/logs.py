"""Logs of several looks, and stack traces."""

from __future__ import annotations

from random import Random

from benchmarks.faithfulness.cases import Case
from benchmarks.faithfulness.vocabulary import (
    PLACES,
    SERVICES,
    THINGS,
    clock,
    fault,
    hexadecimal,
    some,
)

_HEADS = [
    "2031-03-{day:02d}T{time}Z {level} [worker-{worker}]",
    "Mar {day:02d} {time} host-{worker} flusher[4711]: {level}:",
    "[2031-03-{day:02d} {time},{worker}12] [{level}]",
    "ts=2031-03-{day:02d}T{time}Z level={lower} worker={worker}",
]


def log(random: Random) -> Case:
    """A service's log: alike lines, one failure, and a warning that follows from it."""
    service, message, name = fault(random)
    times, head = clock(random, random.randint(20, 45)), random.choice(_HEADS)
    bad = random.randrange(4, len(times) - 4)
    start, lines = random.randint(1000, 8000), []
    for at, time in enumerate(times):
        level, batch = "INFO", start + at
        if at == bad:
            request, level = hexadecimal(random, 8), "ERROR"
            rest = f"batch={batch} rows=0 {name}: {message} (req {request})"
        elif at == bad + 1:
            level, rest = "WARN", f"batch={batch} moved to queue {service}-dlq, no retry"
        else:
            rows, spent = random.randint(100, 900), random.randint(12, 99)
            rest = f"batch={batch} rows={rows} flushed in {spent} ms"
        named = {"level": level, "lower": level.lower(), "time": time, "worker": at % 4}
        lines.append(f"{head.format(day=4 + bad % 20, **named)} {rest}")
    return Case(
        "log",
        "\n".join(lines) + "\n",
        random.choice(["Why did a batch fail?", f"Which batch hit {name}?", "What went wrong?"]),
        (f"batch={start + bad}", name, message),
        (f"batch={start + bad}", name, request, f"{service}-dlq"),
    )


def access(random: Random) -> Case:
    """A web server's log: one request ends in an error, with a place of its own."""
    times, service = clock(random, random.randint(15, 30)), random.choice(SERVICES)
    bad, status = random.randrange(len(times)), random.choice([500, 502, 503])
    lines, order = [], random.randint(10000, 99999)
    for at, time in enumerate(times):
        path = f"/{service}/{random.choice(THINGS)}?id={random.randint(1000, 9999)}"
        if at == bad:
            path = f"/{service}/checkout?order={order}"
        code, size = (status, 21) if at == bad else (200, random.randint(200, 9000))
        lines.append(
            f"10.0.{random.randint(0, 9)}.{random.randint(1, 99)} - - [04/Mar/2031:{time} +0000] "
            f'"GET {path} HTTP/1.1" {code} {size}'
        )
    facts = (f"order={order}", f" {status} ")
    return Case("access", "\n".join(lines) + "\n", "Which request failed?", facts, facts)


def trace(random: Random) -> Case:
    """A stack trace with its causes, between lines of a log; in Java, or in Python."""
    return random.choice([_java, _python])(random)


def _java(random: Random) -> Case:
    service, message, name = fault(random)
    user, key = some(random, SERVICES, 2)

    def frames(package: str, number: int) -> list[str]:
        return [
            f"\tat org.{package}.{random.choice(THINGS).title()}.{random.choice(PLACES).lower()}"
            f"({package.title()}.java:{random.randint(20, 900)})"
            for _ in range(number)
        ]

    code = f"ERR-{random.randint(10000, 99999)}"
    cause = f"Caused by: org.{service}.{name}Exception: {code}: {message}"
    lines = [f"org.{user}.StartException: {user} could not start", *frames(user, 9)]
    lines += [f"Caused by: org.{key}.PoolException: no connection for {key}", *frames(key, 8)]
    lines += ["\t... 9 more", cause, *frames(service, 7), "\t... 17 more"]
    return _between(random, lines, user, (code, message), (code, name, f"org.{user}.Start"))


def _python(random: Random) -> Case:
    service, message, name = fault(random)
    user, key = some(random, SERVICES, 2)

    def frames(package: str, number: int) -> list[str]:
        made = ["Traceback (most recent call last):"]
        for thing in some(random, THINGS, number):
            place = f'"/srv/{package}/{thing}.py", line {random.randint(20, 900)}'
            made += [
                f"  File {place}, in get_{thing}",
                f"    return load_{thing}({random.choice(THINGS)})",
            ]
        return made

    code = f"ERR-{random.randint(10000, 99999)}"
    direct = ["", "The above exception was the direct cause of the following exception:", ""]
    lines = [*frames(service, 5), f"{service}.{name}Error: {code}: {message}", *direct]
    lines += [*frames(key, 4), f"{key}.PoolError: no connection for {key}", *direct]
    lines += [*frames(user, 4), f"{user}.StartError: {user} could not start"]
    return _between(random, lines, user, (code, message), (code, name, f"{user}.StartError"))


def _between(
    random: Random, lines: list[str], user: str, needed: tuple[str, ...], facts: tuple[str, ...]
) -> Case:
    """Put a trace between lines of a log."""
    times = clock(random, 6)
    before = [f"{time} INFO [main] {user} loaded part {at}" for at, time in enumerate(times[:4])]
    before += [f"{times[4]} ERROR [main] start of {user} failed"]
    after = f"{times[5]} INFO [main] exit code {random.randint(2, 9)}"
    question = random.choice(["What is the root cause?", f"Why did {user} not start?"])
    text = "\n".join([*before, *lines, after]) + "\n"
    return Case("trace", text, question, needed, (*facts, f"start of {user} failed"))
