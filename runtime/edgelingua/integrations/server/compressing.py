"""A text that a client wants compressed, and not answered."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from edgelingua.budget import Budget
from edgelingua.compressors import Compressor
from edgelingua.errors import BudgetError, CancelledError, EdgeLinguaError, InputError
from edgelingua.explain import explanation
from edgelingua.integrations.server import fields
from edgelingua.integrations.server.problems import ApiError
from edgelingua.integrations.server.values import (
    MOST_PINS,
    flag,
    json_object,
    number,
    said,
    strings,
    whole,
)
from edgelingua.prompt import Prompt, without_question
from edgelingua.scores import Progress
from edgelingua.text.ranges import Spans

_FIELDS = frozenset({"explain", "model", "pin", "preview", "question", "rate", "text", "tokens"})


@dataclass(frozen=True)
class Task:
    """What a client wants: a text compressed in the light of a question, explained or not.

    ``budgets`` are of the text, without the question; the smallest holds. A ``preview`` saves
    nobody anything.
    """

    model: str | None
    text: str
    question: str
    prompt: Prompt
    budgets: tuple[Budget, ...]
    explain: bool
    preview: bool

    def limit(self, tokens: int) -> int:
        """Return the most tokens allowed for a text of so many."""
        return max(1, min(budget.limit(tokens) for budget in self.budgets))


@dataclass(frozen=True, eq=False)
class Done:
    """What came of it: the reply, and the ``spans`` ``(n, 2)`` of the text that it keeps."""

    reply: dict[str, Any]
    spans: Spans
    preview: bool = False

    @property
    def left_out(self) -> int:
        """Tokens that the text has no longer."""
        return int(self.reply["tokens_before"] - self.reply["tokens_after"])


def task_of(body: Any, rate: float | None = None) -> Task:
    """Read the body of ``/v1/compress``.

    Parameters
    ----------
    body
        What the JSON said.
    rate
        The fraction of tokens to keep where it says nothing.

    Raises
    ------
    ApiError
        A field is missing, unknown, or has a wrong value.
    """
    body = json_object(body)
    fields.check(body, _FIELDS)
    text, question = said(body, "text"), said(body, "question", "")
    for pin in (pins := strings(body.get("pin"), "pin", MOST_PINS)):
        if pin not in text:
            raise ApiError(
                f"Invalid 'pin': a text of {len(pin):,} characters that does not occur in 'text'.",
                code="invalid_value",
                param="pin",
            )
    tokens, asked = whole(body, "tokens", 1), number(body, "rate", 0, 1)
    if tokens is None and asked is None:
        if rate is None:
            raise ApiError(
                "Missing: expected 'rate', the fraction of tokens to keep, or 'tokens', how many.",
                code="missing_required_parameter",
                param="rate",
            )
        asked = rate
    try:
        return Task(
            model=said(body, "model", "") or None,
            text=text,
            question=question,
            prompt=Prompt.build(text, question=question, pin=pins, structure="compress"),
            budgets=_budgets(tokens, asked),
            explain=flag(body, "explain"),
            preview=flag(body, "preview"),
        )
    except InputError as error:
        raise ApiError(str(error), code="invalid_value", param="text") from error
    except BudgetError as error:
        raise ApiError(str(error), code="invalid_value", param="rate") from error


def done(compressor: Compressor, task: Task, progress: Progress) -> Done:
    """Compress a text.

    Raises
    ------
    ApiError
        What must stay of it exceeds the budget, or the method needs a question.
    CancelledError
        As ``progress`` does.
    """
    started = time.perf_counter()
    count, text = compressor.count, task.text
    before = count(text)
    budget = Budget(task.limit(before), count=without_question(count, task.question))
    try:
        compressed = compressor.compress(task.prompt, budget, progress)
    except CancelledError:
        raise
    except (BudgetError, InputError) as error:
        param = "question" if isinstance(error, InputError) else "tokens"
        raise ApiError(str(error), code="invalid_value", param=param) from error
    except EdgeLinguaError as error:
        raise ApiError(str(error), status=500) from error
    spans = np.clip(compressed.spans, 0, len(text))
    spans = spans[spans[:, 0] < spans[:, 1]]
    left = compressed.between(0, len(text))
    reply = {
        "object": "compression",
        "text": left,
        "tokens_before": before,
        "tokens_after": count(left),
        "compressor": compressed.model,
        "seconds_compressing": round(time.perf_counter() - started, 3),
    }
    if task.explain:
        reply["explanation"] = asdict(explanation(compressed))
    return Done(reply, spans, task.preview)


def _budgets(tokens: int | None, rate: float | None) -> tuple[Budget, ...]:
    if tokens is None:
        return (Budget(rate=rate),)
    return (Budget(tokens), *([] if rate is None else [Budget(rate=rate)]))
