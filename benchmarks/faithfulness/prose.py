"""Prose whose statements are known: who does what to what, and what is denied."""

from __future__ import annotations

from random import Random

from benchmarks.faithfulness.cases import Case, Clause
from benchmarks.faithfulness.vocabulary import PEOPLE, PLACES, THINGS, some

_ACTS = """
repaired/repair/repairing painted/paint/painting measured/measure/measuring sold/sell/selling
bought/buy/buying moved/move/moving cleaned/clean/cleaning lent/lend/lending hid/hide/hiding
weighed/weigh/weighing tested/test/testing opened/open/opening shipped/ship/shipping
returned/return/returning counted/count/counting inspected/inspect/inspecting
photographed/photograph/photographing wrapped/wrap/wrapping
"""
ACTS = _ACTS.split()
"""Past, infinitive and participle."""

DENIALS = [
    ("did not {1}", "not"),
    ("never {0}", "never"),
    ("refused to {1}", "refused"),
    ("failed to {1}", "failed"),
    ("stopped {2}", "stopped"),
    ("avoided {2}", "avoided"),
    ("could no longer {1}", "no longer"),
    ("didn't {1}", "didn't"),
    ("declined to {1}", "declined"),
    ("has not {0}", "not"),
]
"""Ways to deny an act, and the word that denies."""

JOINS = [", and {}", ", but {}", "; {}", ", while {}", ". {}", ". {}", ", which surprised {}, who"]
"""How a clause goes on from the one before; the last one speaks about whom it surprised."""

_FILLERS = """
It was a quiet week otherwise, and the weather stayed as it usually is at this time of the year.
Everybody agreed that the arrangements had been made with great care by all those involved.
The usual report was filed in the usual place, where it can be looked at during office hours.
There was some talk about the summer, as there always is when people meet in the corridor.
"""
FILLERS = _FILLERS.strip().split("\n")


class Page:
    """A text that grows, and knows where what is added stands."""

    def __init__(self) -> None:
        self.text = ""

    def add(self, words: str) -> tuple[int, int]:
        """Put words at the end; where they stand."""
        self.text += words
        return len(self.text) - len(words), len(self.text)


def prose(random: Random) -> Case:
    """A report of who did what, and who did not; every person, act and thing stands once."""
    number = random.randint(7, 12)
    actors = some(random, PEOPLE, number)
    bystanders = [name for name in PEOPLE if name not in actors]
    acts, things = some(random, ACTS, number), some(random, THINGS, number)
    places, page = some(random, PLACES, number), Page()
    clauses: list[Clause] = []
    asked = random.randrange(number)
    for at in range(number):
        spans: dict[str, tuple[int, int]] = {}
        subject = at
        join = random.choice(JOINS) if at else "{}"
        if at and random.random() < 0.25:
            page.add(" and ")  # of the same person
            subject = clauses[-1].subject
        else:
            ends = join.startswith(".") or not at
            if ends and random.random() < 0.4:
                page.add((". " if at else "") + random.choice(FILLERS)[:-1])
                join = ". {}"
            if join.endswith("who"):
                page.add(", which surprised ")
                spans["subject"] = page.add(bystanders.pop())
                page.add(", who ")
            else:
                page.add(join.removesuffix("{}"))
                spans["subject"] = page.add(actors[at])
                page.add(" ")
        past, infinitive, participle = acts[at].split("/")
        if random.random() < 0.4:
            form, denial = random.choice(DENIALS)
            said = form.format(past, infinitive, participle)
            start, _ = page.add(said)
            spans["negation"] = start + said.index(denial), start + said.index(denial) + len(denial)
            verb = next(word for word in reversed(said.split()) if word in acts[at].split("/"))
            spans["verb"] = start + said.rindex(verb), start + said.rindex(verb) + len(verb)
        else:
            spans["verb"] = page.add(past)
        page.add(" the ")
        spans["object"] = page.add(things[at])
        page.add(f" {random.choice(['in', 'near', 'behind'])} ")
        spans["place"] = page.add(places[at])
        clauses.append(Clause(subject, spans))
    page.add(".\n")
    clause = clauses[asked]
    needed = tuple(page.text[slice(*clause.spans[role])] for role in clause.spans)
    facts = tuple(
        page.text[slice(*clauses[at].spans[role])]
        for at in random.sample(range(number), 3)
        for role in ("verb", "object")
    )
    question = f"What happened to the {things[asked]}?"
    return Case("prose", page.text, question, needed, facts, tuple(clauses))


UNITS = ["km", "kg", "kW", "ms", "MB", "hours", "days", "euros", "crowns", "litres"]


def figures(random: Random) -> Case:
    """Prose of settings and figures: numbers with units, ``key=value``, hedges."""
    services = some(random, ["gateway", "mailer", "indexer", "archive", "router", "cache"], 5)
    hedges = ["at least", "up to", "about", "at most", "exactly", "more than"]
    sentences, told = [], []
    for service in services:
        number, old = random.sample(range(11, 990), 2)
        unit, hedge = random.choice(UNITS), random.choice(hedges)
        thing, key = random.choice(THINGS), random.choice(["max_size", "timeout", "retries"])
        value = random.randint(2, 99)
        sentences.append(
            random.choice(
                [
                    f"The {service} needs {hedge} {number} {unit} for each {thing}, "
                    f"whereas the old one made do with {old} {unit}",
                    f"With {key}={value} the {service} took {number} {unit} for the {thing}; "
                    f"before that it had {key}={value + 1} and took {old} {unit}",
                    f"In {random.choice(PLACES)} the {service} was set to {key}: {value}, "
                    f"which saves {hedge} {number} {unit} a {thing}",
                ]
            )
            + "."
        )
        told.append((service, f"{number} {unit}"))
    for filler in random.sample(FILLERS, 2):
        sentences.insert(random.randint(0, len(sentences)), filler)
    service, amount = random.choice(told)
    question = f"What is said about the {service}?"
    facts = tuple(amount for _, amount in told[:3])
    return Case("figures", " ".join(sentences) + "\n", question, (service, amount), facts)
