"""Words and identifiers that the generated texts are made of."""

from __future__ import annotations

from random import Random

_SERVICES = """
billing catalog courier depot ferry gauge harvest ingest ledger lighthouse mailer meter orchard
parcel permit quarry relay roster sluice tariff ticket turbine vault weather
"""
SERVICES = _SERVICES.split()
_PEOPLE = """
Amara Bjarne Celia Dmitri Esther Farid Greta Hamid Ingrid Jonas Katya Lukas Mireille Nadia Oskar
Priya Quentin Rosa Soren Tamsin Ulrike Vikram Wanda Xavier Yusuf Zelda
"""
PEOPLE = _PEOPLE.split()
_PLACES = """
Aldbury Brenholm Castria Dunmoor Elverum Farrow Glenby Holmen Iverness Jarrow Kestrel Lindholt
Marwick Northolt Osmund Penrose Quarrel Ravnsby Stenvik Thornby Ulvik Varden Westerly Yarm
"""
PLACES = _PLACES.split()
_THINGS = """
anchor barrel compass dynamo engine filter gasket hammer inverter jack kettle lantern magnet nozzle
oar pulley radiator spindle tripod valve winch
"""
THINGS = _THINGS.split()
COLOURS = ["amber", "black", "cobalt", "green", "ivory", "maroon", "ochre", "silver", "violet"]
FAULTS = [
    ("access denied for role {}-writer", "AccessDenied"),
    ("connection to {} refused after 3 attempts", "ConnRefused"),
    ("certificate of {} has expired", "CertExpired"),
    ("disk of {} is full", "NoSpace"),
    ("checksum of {} does not match", "BadChecksum"),
    ("quota of {} is used up", "QuotaExceeded"),
    ("schema of {} has no field 'amount'", "SchemaError"),
]
"""What can go wrong with a service, and the name of the error."""


def some(random: Random, words: list[str], number: int) -> list[str]:
    """Different ones of some words, in any order; with numbers behind them when they run out."""
    rounds = range(-(-number // len(words)))
    pool = [f"{word}{turn or ''}" for turn in rounds for word in words]
    return random.sample(pool, number)


def hexadecimal(random: Random, length: int) -> str:
    """Hexadecimal digits, at least one of them a letter."""
    digits = "".join(random.choices("0123456789abcdef", k=length - 1))
    return random.choice("abcdef") + digits


def reference(random: Random) -> str:
    """Make a reference such as ``KD-4821-Q``."""
    letters = "".join(random.choices("BCDFGHKLMNPRTVXZ", k=3))
    return f"{letters[:2]}-{random.randint(1000, 9999)}-{letters[2]}"


def fault(random: Random) -> tuple[str, str, str]:
    """Choose a service, what went wrong with it, and the name of the error."""
    service = random.choice(SERVICES)
    message, name = random.choice(FAULTS)
    return service, message.format(service), name


def clock(random: Random, number: int) -> list[str]:
    """Times of one day, ascending and all different, to the second."""
    seconds = sorted(random.sample(range(6 * 3600, 22 * 3600), number))
    return [f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in seconds]
