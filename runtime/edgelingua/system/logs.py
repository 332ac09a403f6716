"""The logger ``edgelingua``: what was loaded, chosen, evicted, and how long it took.

Nobody hears it who did not ask: ``logging.getLogger("edgelingua").setLevel("DEBUG")`` and a
handler. It tells numbers and the names of files and models, never a word of a text.
"""

from __future__ import annotations

import logging

logging.getLogger("edgelingua").addHandler(logging.NullHandler())


def logger(module: str) -> logging.Logger:
    """Return the logger of a module, by its ``__name__``."""
    return logging.getLogger(module)
