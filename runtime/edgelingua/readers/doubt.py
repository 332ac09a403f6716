"""How unsure a model was of what it answered."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

_CANNOT_TELL = re.compile(
    r"\b(?:"
    r"(?:can(?: ?no|')t|could(?: no|n')t|unable to|(?:im|not )possible to) "
    r"(?:be )?(?:tell|told|say|said|determined?|answer(?:ed)?|find|found|know|provide)"
    r"|(?:do|does|did)(?: no|n')t (?:\w+ ){0,2}"
    r"(?:say|mention|specify|state|contain|provide|give|know|include|indicate|answer)"
    r"|(?:(?:is|are|was|were)(?: no|n')t|not) (?:\w+ )?"
    r"(?:mentioned|specified|stated|provided|given|known|included|indicated|clear|available)"
    r"|(?:not enough|insufficient|no) information|no (?:mention|answer)"
    r"|unknown|unclear|unspecified|(?:i'm|i am) sorry"
    r")\b",
    re.IGNORECASE,
)
"""What says that an answer is none, or might not be one."""


def cannot_tell(answer: str) -> bool:
    """Whether an answer says that there is none, or says nothing."""
    return not any(map(str.isalnum, answer)) or bool(
        _CANNOT_TELL.search(answer.replace("\u2019", "'"))
    )


def doubt_of(answer: str, log_probabilities: Sequence[float]) -> float:
    """Return how unsure a model was of an answer, 0 to 1.

    It is 1 less the geometric mean of how likely the answer's tokens were, which does not grow with
    the length of the answer, and 1 where the answer says that the model cannot tell.

    Parameters
    ----------
    answer
        What was written.
    log_probabilities
        Of its tokens ``(n,)``, in nats, among all tokens and before any sampling.
    """
    if cannot_tell(answer) or not len(log_probabilities):
        return 1.0
    return 1.0 - math.exp(min(0.0, math.fsum(log_probabilities) / len(log_probabilities)))
