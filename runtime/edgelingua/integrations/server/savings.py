"""What was saved, for each day and model: what a server counts for its page."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from edgelingua.integrations.server.laid import Laid
    from edgelingua.integrations.server.written import Finish

SOME = 64
"""Tokens read at once that tell how fast a model reads: fewer take longer each."""

MOST = 1000
"""Rows that are kept, a day and model each; the oldest go."""


@dataclass
class Saved:
    """Sums of a day and model.

    ``tokens_left_out`` were not read because something was compressed, ``tokens_cached`` not
    because they had been read before; ``tokens_read`` were. ``tokens_timed`` of these were read in
    ``seconds_timed``, which says how fast the model reads.
    """

    answers: int = 0
    compressions: int = 0
    tokens_left_out: int = 0
    tokens_cached: int = 0
    tokens_read: int = 0
    tokens_written: int = 0
    seconds_compressing: float = 0.0
    tokens_timed: int = 0
    seconds_timed: float = 0.0

    def answered(self, laid: Laid, finishes: Sequence[Finish]) -> None:
        """Count an answer."""
        finish = finishes[0]  # the one for which the prompt was read
        self.answers += 1
        self.tokens_left_out += max(0, laid.before - len(laid.tokens))
        self.tokens_cached += finish.cached
        self.tokens_read += len(laid.tokens) - finish.cached
        self.tokens_written += sum(one.written for one in finishes)
        self.seconds_compressing += laid.seconds
        if (read := len(laid.tokens) - finish.cached) >= SOME:
            self.tokens_timed += read
            self.seconds_timed += finish.seconds_reading

    def compressed(self, tokens: int, seconds: float) -> None:
        """Count a compression that left out so many tokens, and took so long."""
        self.compressions += 1
        self.tokens_left_out += tokens
        self.seconds_compressing += seconds

    @property
    def seconds_saved(self) -> float | None:
        """What reading the rest would have taken at that speed, less the time of compressing.

        An estimate; ``None`` where the speed is not known.
        """
        if not self.seconds_timed:
            return None
        each = self.seconds_timed / self.tokens_timed
        return (self.tokens_left_out + self.tokens_cached) * each - self.seconds_compressing


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


class Savings:
    """Counts what was saved, in memory; not for several threads at a time.

    Parameters
    ----------
    today
        Returns the date, in UTC as it is.
    """

    def __init__(self, today: Callable[[], str] = _today) -> None:
        self._today = today
        self._rows: OrderedDict[tuple[str, str], Saved] = OrderedDict()

    def row(self, model: str) -> Saved:
        """Return the sums of today and a model, to be added to."""
        key = self._today(), model
        if key not in self._rows:
            if len(self._rows) >= MOST:
                self._rows.popitem(last=False)
            self._rows[key] = Saved()
        return self._rows[key]

    def listed(self) -> list[dict[str, Any]]:
        """Return all rows, the newest day first, as JSON has them."""
        ordered = sorted(self._rows.items(), key=lambda item: item[0][1])
        ordered.sort(key=lambda item: item[0][0], reverse=True)
        return [
            {"day": day, "model": model, **asdict(row), "seconds_saved": row.seconds_saved}
            for (day, model), row in ordered
        ]

    async def reply(self, _: Request) -> JSONResponse:
        """Serve `listed`."""
        return JSONResponse({"object": "list", "data": self.listed()})
