"""Keeps tools from advising on the root logger, where an application's own messages go."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_advice() -> Iterator[None]:
    """Silence what is less than an error inside; what was silenced before stays so."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        yield
    finally:
        logging.disable(before)
