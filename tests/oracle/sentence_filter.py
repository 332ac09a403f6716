"""The sentence filter of llmlingua 0.2.2."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

from edgelingua.errors import InputError
from tests.oracle.documents import Extent, extents
from tests.oracle.losses import TextLosses
from tests.oracle.options import OracleOptions, Segment
from tests.oracle.ranking import by_loss, rank
from tests.oracle.sentences import whole_sentences


def filter_sentences(
    losses: TextLosses,
    context: Sequence[str],
    parts: Sequence[Sequence[Segment]] | None,
    target: float,
    condition: str,
    options: OracleOptions,
) -> tuple[list[str], list[list[Extent]]]:
    """Keep the best sentences of all documents, and all that has an uncompressed part.

    Parameters
    ----------
    losses
        Judges sentences.
    context
        The documents.
    parts
        Their tagged parts; ``None`` where a prompt has no tags.
    target
        Tokens that may stay.
    condition
        ``none``, ``before`` or ``after``.
    options
        The call's.

    Returns
    -------
    tuple
        What is left of the documents, and of their stretches (no list where there are no tags).

    Raises
    ------
    InputError
        Sentences cannot be found again, or the parts are not the documents.
    """
    by_document = [whole_sentences(text) for text in context]
    sentences = [sentence for found in by_document for sentence in found]
    stretches = None
    if parts is not None:
        stretches = [
            stretch
            for found, own in zip(by_document, parts, strict=True)
            for stretch in _stretches(found, extents(own))
        ]
    if len(sentences) == 1:
        return list(context), stretches or []
    borders = [0, *accumulate(len(found) for found in by_document)]
    groups = [range(start, end) for start, end in pairwise(borders)]
    if options.rank_method == "longllmlingua":
        worth = [losses.mean(sentence, options.question, condition) for sentence in sentences]
        _favour(worth, groups, options)
        order = by_loss(worth, condition)
    else:
        order = rank(losses, sentences, options.question, options.rank_method, condition)
    stays = _within(order, [losses.size(sentence) for sentence in sentences], target, options)
    if stretches is not None:
        stays |= {i for i, own in enumerate(stretches) if not all(wanted for _, _, wanted in own)}
    kept = [[index for index in group if index in stays] for group in groups]
    texts = ["".join(sentences[index] for index in group) for group in kept]
    if stretches is None:
        return texts, []
    return texts, [[extent for index in group for extent in stretches[index]] for group in kept]


def _favour(worth: list[float], groups: Sequence[range], options: OracleOptions) -> None:
    """Add the bonus for high priority. Where the lowest loss is best, it counts against them."""
    bonus = options.high_priority_bonus
    for wanted in (
        slice(0, options.keep_first_sentence) if options.keep_first_sentence else None,
        slice(-options.keep_last_sentence, None) if options.keep_last_sentence else None,
    ):
        if wanted:
            worth[wanted] = [value + bonus for value in worth[wanted]]
    if options.keep_sentence_number:
        for group in groups:
            # The reference keeps a document's sentences in a set: ties fall in a set's order.
            for index in sorted(set(group), key=worth.__getitem__)[: options.keep_sentence_number]:
                worth[index] += bonus


def _within(
    order: Sequence[int], sizes: Sequence[int], target: float, options: OracleOptions
) -> set[int]:
    """Sentences in rank order until the budget is exceeded; the one that does it is in."""
    room = (target if target >= 0 else 100) * options.token_budget_ratio
    chosen = set()
    for index in order:
        room -= sizes[index]
        chosen.add(index)
        if room < 0:
            break
    return chosen


def _stretches(sentences: Sequence[str], parts: Sequence[Extent]) -> list[list[Extent]]:
    """Cut a document's stretches where its sentences end."""
    left = list(parts)
    found = []
    for sentence in sentences:
        remaining = len(sentence)
        own: list[Extent] = []
        while remaining:
            if not left:
                raise InputError("context_segs: together they are shorter than their context")
            length, rate, wanted = left.pop(0)
            taken = min(length, remaining)
            own.append((taken, rate, wanted))
            remaining -= taken
            if taken < length:
                left.insert(0, (length - taken, rate, wanted))
        found.append(own)
    return found
