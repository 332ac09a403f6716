"""The token loop of llmlingua 0.2.2: window after window, each judged behind what was kept.

The method is that of LLMLingua (Jiang et al. 2023, arXiv:2310.05736, section 3.3) and, with a
question, the contrastive perplexity of LongLLMLingua (arXiv:2310.06839, section 4.2). Oddities kept
on purpose: a token is judged by the surprise of the one behind it, thresholds are taken over all
losses, those of earlier windows included, and a tail shorter than a window stays whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import InputError
from tests.oracle.cache import TokenCache
from tests.oracle.losses import Ids, Losses, TextLosses
from tests.oracle.windows import Window

Flags = NDArray[np.bool_]

_SPLIT = 13
"""A line break in Llama 2's vocabulary; the reference takes this id whatever the tokenizer."""
_KEPT_IN_CACHE = 10
"""Positions at the front that stay when the cache overflows, the question's not counted."""


@dataclass(frozen=True, eq=False)
class Pruned:
    """What is left of a sequence of tokens.

    ``ids`` are the tokens kept, int64 ``(n,)``; ``places`` where in the sequence each stood,
    ``(n,)``; ``margins`` ``(T,)``, in nats, how near each token of the sequence came to the other
    decision (infinite where there was none): what a difference of rounding could change.
    """

    ids: Ids
    places: NDArray[np.int64]
    margins: NDArray[np.float64]


@dataclass(frozen=True)
class LoopOptions:
    """``window``: tokens judged at a time. ``start``: tokens in front that are the question's.

    ``compare``: judge by how much the question lowers a token's loss. ``keep_split``: leave pairs
    of split tokens alone.
    """

    window: int
    start: int = 0
    compare: bool = False
    keep_split: bool = False


def prune(losses: TextLosses, ids: Ids, plan: Sequence[Window], options: LoopOptions) -> Pruned:
    """Prune tokens.

    Parameters
    ----------
    losses
        The causal LM.
    ids
        Shape ``(T,)``.
    plan
        Per window, its stretches and their rates.
    options
        See `LoopOptions`.

    Raises
    ------
    InputError
        There is no token, or a window does not fit the model.
    """
    if not len(ids):
        raise InputError("the prompt has no token that could be compressed")
    return _Loop(losses, ids, options).run(plan)


class _Track:
    """Losses of the sequence so far, with the question in front or without it."""

    def __init__(self, cache: TokenCache, longest: int) -> None:
        self.cache = cache
        self.longest = longest
        self.losses: Losses | None = None
        self.ready = 0  # losses before this one are not computed again

    def update(self, ids: Ids, end: int) -> int:
        """Compute losses up to token ``end``; return how many."""
        behind = len(self.cache)
        new = self.cache.extend(ids[behind : min(end, behind + self.longest)])
        if self.losses is None or not len(new):
            self.losses = new if self.losses is None else self.losses
            return len(new)
        old = self.losses
        if end - 1 > len(old):
            old = np.concatenate([old, np.zeros_like(new)[: end - 1 - len(old)]])
        place = old[self.ready : end - 1]
        if len(place) != len(new):
            raise InputError(
                f"a window of {end - behind} tokens, the model takes {self.longest}: make "
                "iterative_size smaller; llmlingua 0.2.2 fails here too"
            )
        place[:] = new
        self.losses = old
        return len(new)

    def forget(self, count: int, protected: int) -> None:
        """Make room in the cache: ``count`` positions go, those behind the protected ones."""
        self.cache.cut(protected, protected + count)
        self.ready -= count


class _Loop:
    def __init__(self, losses: TextLosses, ids: Ids, options: LoopOptions) -> None:
        self._options = options
        self._longest = losses.longest
        self._ids = ids
        self._places = np.arange(len(ids))
        self._margins = np.full(len(ids), np.inf)
        self._left: list[tuple[Ids, NDArray[np.int64]]] = []  # what the cache has forgotten
        self._asked = _Track(losses.new_cache(), losses.longest)
        self._plain = _Track(losses.new_cache(), losses.longest) if options.compare else None
        self._splits = _split_pairs(ids) if options.keep_split else None

    def run(self, plan: Sequence[Window]) -> Pruned:
        window, start = self._options.window, self._options.start
        end = min(window + start, len(self._ids))
        step = 0
        while end <= len(self._ids):
            # The first pass sees everything; the second starts over, to fill the cache.
            if step > 1 and end > self._longest:
                end -= self._forget(end - self._longest)
            if not self._asked.update(self._ids, end if step else len(self._ids)):
                break
            self._rewind(self._asked, end - window, step)
            if self._plain:
                self._plain.update(self._ids[start:], end - start if step else len(self._ids))
                self._rewind(self._plain, end - window - start, step)
            for length, rate in self._stretches(plan, step):
                end = self._judge(end - window + length, length, rate) + window
            step += 1
        ids = np.concatenate([*(ids for ids, _ in self._left), self._ids])
        places = np.concatenate([*(places for _, places in self._left), self._places])
        return Pruned(ids[start:], places[start:], self._margins)

    def _rewind(self, track: _Track, settled: int, step: int) -> None:
        """Leave in the cache what comes before the window."""
        track.cache.truncate(settled if step else 0)
        track.ready = 0 if self._options.start and not step else settled

    def _stretches(self, plan: Sequence[Window], step: int) -> Window:
        if step >= len(plan):
            raise InputError(
                "the plan of windows ends before the tokens; llmlingua 0.2.2 fails too"
            )
        return plan[step]

    def _forget(self, count: int) -> int:
        """Take the first tokens out; but positions further back leave the cache."""
        protected = min(_KEPT_IN_CACHE + self._options.start, self._longest)
        self._left.append((self._ids[:count], self._places[:count]))
        self._ids, self._places = self._ids[count:], self._places[count:]
        if self._splits is not None:
            self._splits = self._splits[count:]
        self._asked.forget(count, protected)
        if self._plain:
            self._plain.forget(count, min(protected, len(self._plain.cache) - count))
        return count

    def _judge(self, end: int, length: int, rate: float) -> int:
        """Decide on the ``length`` tokens before ``end``; return where the window ends now."""
        start = self._options.start
        losses = _present(self._asked.losses)
        if self._plain:
            own = _present(self._plain.losses)
            if len(own) < len(losses) - start:
                raise InputError("the passes with and without the question differ in length")
            worth = own[: len(losses[start:])] - losses[start:]
            threshold = _threshold(worth, rate)
            worth = np.concatenate([np.full(start, np.inf, dtype=np.float32), worth])
            keep = np.append(worth > threshold, losses[:1] > 0)
            keep[:start] = losses[:start] > 0
        else:
            worth, threshold = losses, _threshold(losses, rate)
            keep = np.append(worth > threshold, losses[:1] > 0)
        keep[end:] = True
        keep[: end - length] = True
        self._note(worth, threshold, end, length)
        self._asked.losses = losses[keep[:-1]]
        if self._plain:
            keep = _fit(keep, max(len(keep), len(own) + start + 1))
            self._plain.losses = own[keep[start:-1]]
        keep = _fit(keep, len(self._ids))
        if self._splits is not None:
            keep[self._splits] = True
            self._drop_repeated_splits(keep, range(max(0, end - length), end))
            self._splits = self._splits[keep]
        self._ids, self._places = self._ids[keep], self._places[keep]
        return end - int(np.count_nonzero(~keep[:end]))

    def _note(self, worth: Losses, threshold: float, end: int, length: int) -> None:
        """Remember how near the window's tokens came to the threshold."""
        free = np.ones(min(len(worth), len(self._ids)), dtype=bool)
        free[end:] = False
        free[: end - length] = False
        distance = np.abs(worth.astype(np.float64) - threshold)
        # One token is the threshold: what matters is how near it is to the next.
        distance[distance == 0] = distance[distance > 0].min(initial=np.inf)
        places = self._places[: len(free)][free]
        nearest = np.minimum(self._margins[places], distance[: len(free)][free])
        self._margins[places] = nearest

    def _drop_repeated_splits(self, keep: Flags, window: range) -> None:
        """Keep one of several split tokens in a row, but for the pairs."""
        if self._splits is None:
            return
        last = -1
        for at in window:
            if not keep[at]:
                continue
            token = int(self._ids[at])
            if token == last == _SPLIT and not self._splits[at]:
                keep[at] = False
            else:
                last = token


def _threshold(worth: Losses, rate: float) -> float:
    """Return the loss above which a fraction of all lie; every loss is above it for a rate of 1."""
    if rate == 1.0:
        return float("-inf")
    _present(worth)
    count = max(0, min(len(worth) - 1, int(len(worth) * rate) - 1))
    return float(np.sort(worth)[::-1][count])


def _fit(keep: Flags, length: int) -> Flags:
    """Cut to a length, or go on with tokens that stay."""
    return np.append(keep, np.ones(max(0, length - len(keep)), dtype=bool))[:length]


def _split_pairs(ids: Ids) -> Flags:
    """Split tokens with another beside them."""
    split: Flags = ids == _SPLIT
    pairs = split[:-1] & split[1:]
    return np.append(pairs, False) | np.insert(pairs, 0, False)


def _present(losses: Losses | None) -> Losses:
    if losses is None or not len(losses):
        raise InputError("no token has a loss; llmlingua 0.2.2 fails here too")
    return losses
