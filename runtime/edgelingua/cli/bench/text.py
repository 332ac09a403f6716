"""The text that `bench` works on: a message to Congress of 1872, in the public domain."""

from __future__ import annotations

from pathlib import Path

NAME = "grant-1872.txt"
QUESTION = "How much did the tribunal at Geneva award to the United States?"


def characters(size: int) -> str:
    """Return so many of its characters, from the beginning again where it ends."""
    here = Path(__file__).resolve()
    places = [here.parent / NAME, here.parents[4] / "examples" / "data" / NAME]  # wheel, clone
    text = next(place for place in places if place.is_file()).read_text(encoding="utf-8")
    return (text * (1 + size // len(text)))[:size]
