"""LLMLingua-2 as llmlingua 0.2.2 computes it, its oddities included.

The method is Pan et al. 2024, arXiv:2403.12968; what differs here from `compressors.llmlingua2` is
what the released library does with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgelingua.compat.options import Engine, Llmlingua2Options
from edgelingua.compat.quirks_words import (
    Forcing,
    WordMerger,
    Words,
    mean_probability,
    split_words,
)
from edgelingua.compat.result import summary, with_list
from edgelingua.errors import InputError
from edgelingua.scorers import ClassifierScorer

MAX_LENGTH = 512
"""Tokens of a chunk, its special tokens included; the reference has no other length."""

# The reference writes these names around a chunk whatever the tokenizer calls its own.
_FIRST, _LAST, _PAD = "[CLS]", "[SEP]", "[PAD]"


@dataclass(frozen=True)
class _Pruned:
    """A context or a chunk: what is left of it, its words, and 1 for those that stayed."""

    text: str
    words: list[str]
    labels: list[int]


class QuirksLlmlingua2:
    """Compresses with a token classifier, word for word like llmlingua 0.2.2.

    Parameters
    ----------
    engine
        A ``classifier`` bundle. Its manifest's word boundary chooses the reference's family:
        ``wordpiece`` for BERT, ``space`` for XLM-R. Forced tokens that are not one piece need the
        added tokens ``[NEW0]`` … in the vocabulary: those it lacks are read as the unknown token,
        where the reference would draw an embedding at random.
    """

    def __init__(self, engine: Engine) -> None:
        if not isinstance(engine.scorer, ClassifierScorer):
            raise InputError("LLMLingua-2 needs a classifier bundle")
        self._scorer = engine.scorer
        self._count = engine.count
        self._added = engine.added_tokens
        self._tokenizer = engine.tokenizer
        boundary = engine.bundle.manifest.tokens.word_boundary
        self._merger = WordMerger(boundary, self._tokenizer.special_tokens)

    def compress(self, context: Sequence[str], options: Llmlingua2Options) -> dict[str, Any]:
        """Compress contexts.

        Raises
        ------
        InputError
            The reference fails on this input too: more forced tokens than there is room for, a
            rate that keeps nothing, a chunk without a word.
        """
        self._scorer.warn_if_untrained()
        forcing = self._forcing(options)
        ends = {*options.chunk_end_tokens}
        ends |= {forcing.stand_ins[e] for e in options.chunk_end_tokens if e in forcing.stand_ins}
        tokens_in = sum(self._count(text) for text in context)
        chunks = [self._chunks(forcing.protect(text), ends) for text in context]
        job = _Job(self, options, forcing)
        if options.use_context_level_filter and len(context) != 1:
            return job.with_context_filter(chunks, tokens_in)
        rate = options.rate
        if options.target_token > 0:
            rate = _share(options.target_token, tokens_in)
        pruned = job.prune(chunks, rate if options.use_token_level_filter else 1)
        words = [word for one in pruned for word in one.words]
        labels = [label for one in pruned for label in one.labels]
        return job.result(pruned, tokens_in, words, labels)

    def _forcing(self, options: Llmlingua2Options) -> Forcing:
        tokens = options.force_tokens
        if len(tokens) > len(self._added):
            raise InputError(
                f"force_tokens: {len(tokens)} tokens, max_force_token is {len(self._added)}"
            )
        stand_ins = {
            token: added
            for token, added in zip(tokens, self._added, strict=False)
            if len(self._tokenizer.tokens(token)) != 1
        }
        return Forcing(tokens, stand_ins, options.force_reserve_digit)

    def _chunks(self, text: str, ends: set[str]) -> list[str]:
        """Cut a text behind the last ``ends`` token before a chunk is full."""
        pieces = self._tokenizer.tokens(text)
        room = MAX_LENGTH - 2
        chunks = []
        start = 0
        while start < len(pieces):
            # One more than there is room for: a chunk without an end overflows by a token.
            last = start + room
            if last >= len(pieces):
                last = len(pieces) - 1
            else:
                candidates = range(last, start, -1)
                last = next((at for at in candidates if pieces[at] in ends), last)
            chunks.append(self._tokenizer.join(pieces[start : last + 1]))
            start = last + 1
        return chunks

    def _words(self, chunk: str, forcing: Forcing) -> Words:
        """Words of a chunk and the probabilities of their pieces."""
        pieces = [_FIRST, *self._tokenizer.tokens(chunk), _LAST][:MAX_LENGTH]
        seen = np.asarray([piece != _PAD for piece in pieces])
        ids, names = self._tokenizer.known(pieces)
        keep = self._scorer.probabilities(np.asarray(ids, dtype=np.int64), seen.astype(np.int64))
        visible = [name for name, shown in zip(names, seen, strict=True) if shown]
        return self._merger.merge(visible, list(keep[seen]), forcing)


class _Job:
    """One call: its options, and the words of the chunks scored so far."""

    def __init__(
        self, compressor: QuirksLlmlingua2, options: Llmlingua2Options, forcing: Forcing
    ) -> None:
        self._compressor = compressor
        self._count = compressor._count
        self._merger = compressor._merger
        self._options = options
        self._forcing = forcing
        self._scored: dict[str, Words] = {}  # the context filter and the pruning need the same
        self._sizes: dict[str, int] = {}

    def with_context_filter(self, contexts: list[list[str]], tokens_in: int) -> dict[str, Any]:
        """Drop the contexts whose words are kept least, then words of the others."""
        options = self._options
        worth = [self._worth(chunks) for chunks in contexts]
        cut = 100 * (1 - self._context_rate(len(contexts), tokens_in))
        threshold = _percentile(worth, int(cut))
        chosen = [
            value >= threshold or index in options.force_context_ids
            for index, value in enumerate(worth)
        ]
        reserved = [chunks for chunks, stays in zip(contexts, chosen, strict=True) if stays]
        rate = options.rate
        if options.target_token >= 0:
            size = sum(self._count(chunk) for chunks in reserved for chunk in chunks)
            rate = _share(options.target_token, size)
        pruned = self.prune(reserved, rate if options.use_token_level_filter else 1)
        words: list[str] = []
        labels: list[int] = []
        following = iter(pruned)
        for chunks, stays in zip(contexts, chosen, strict=True):
            if stays:
                one = next(following)
                words += one.words
                labels += one.labels
            else:
                dropped = [word for chunk in chunks for word in self._shown(chunk)]
                words += dropped
                labels += [0] * len(dropped)
        return self.result(pruned, tokens_in, words, labels)

    def _worth(self, chunks: list[str]) -> Any:
        """Mean probability of a context's words, nothing forced."""
        values = [
            mean_probability(pieces, self._options.token_to_word)
            for chunk in chunks
            for pieces in self._score(chunk).unforced
        ]
        if not values:
            raise InputError("a context without a word cannot be ranked, in llmlingua 0.2.2 too")
        return sum(values) / len(values)

    def _context_rate(self, contexts: int, tokens_in: int) -> float:
        options = self._options
        rate, target = options.context_level_rate, options.context_level_target_token
        if options.target_context <= 0 and rate >= 1 and target <= 0:
            fine = options.use_token_level_filter
            if options.target_token < 0 and options.rate < 1:
                rate = (options.rate + 1.0) / 2 if fine else options.rate
            if options.target_token >= 0:
                target = options.target_token * 2 if fine else options.target_token
        if options.target_context >= 0:
            rate = _share(options.target_context, contexts)
        if target >= 0:
            rate = _share(target, tokens_in)
        return rate

    def prune(self, contexts: list[list[str]], rate: float) -> list[_Pruned]:
        """Drop words of every chunk; a rate of 1 or more leaves all, and asks no model."""
        reduce = max(0, 1 - rate)
        one = self._whole if reduce <= 0 else lambda chunk: self._prune(chunk, reduce)
        pruned = []
        for chunks in contexts:
            parts = [one(chunk) for chunk in chunks]
            words = [word for part in parts for word in part.words]
            labels = [label for part in parts for label in part.labels]
            pruned.append(_Pruned("".join(part.text for part in parts), words, labels))
        return pruned

    def _whole(self, chunk: str) -> _Pruned:
        text = self._forcing.restore(chunk)
        words = split_words(text)
        return _Pruned(text, words, [1] * len(words))

    def _prune(self, chunk: str, reduce: float) -> _Pruned:
        scored = self._score(chunk)
        words = scored.words
        worth = [mean_probability(p, self._options.token_to_word) for p in scored.forced]
        if self._options.drop_consecutive:
            self._forget_repeated(words, worth, _percentile(worth, int(100 * reduce)))
        # A word weighs as much as it has tokens in the generator's eyes.
        weighted = [
            w for word, w in zip(words, worth, strict=True) for _ in range(self._size(word))
        ]
        threshold = _percentile(weighted, int(100 * reduce + 1))
        kept: list[str] = []
        labels = []
        for word, value in zip(words, worth, strict=True):
            stays = bool(value > threshold or (threshold == 1.0 and value == threshold))
            if self._options.drop_consecutive and word in self._forcing.tokens:
                stays = stays and kept[-1:] != [word]
            if stays:
                kept.append(word)
            labels.append(int(stays))
        return _Pruned(self._compressor._tokenizer.join(kept), self._shown(chunk), labels)

    def _forget_repeated(self, words: list[str], worth: list[Any], threshold: Any) -> None:
        """Set a forced word's worth to 0 where it follows itself with no kept word between."""
        between = False
        previous = None
        for index, word in enumerate(words):
            if word not in self._forcing.tokens:
                between |= bool(worth[index] > threshold)
                continue
            if not between and word == previous:
                worth[index] = 0.0
            between = False
            previous = word

    def result(
        self, pruned: list[_Pruned], tokens_in: int, words: list[str], labels: list[int]
    ) -> dict[str, Any]:
        """Return the reference's dictionary."""
        texts = [one.text for one in pruned]
        tokens_out = sum(self._count(text) for text in texts)
        result = with_list(summary("\n\n".join(texts), tokens_in, tokens_out), texts)
        if self._options.return_word_label:
            pairs = zip(words, labels, strict=True)
            lines = [f"{word}{self._options.label_sep}{label}" for word, label in pairs]
            result["fn_labeled_original_prompt"] = self._options.word_sep.join(lines)
        return result

    def _score(self, chunk: str) -> Words:
        if chunk not in self._scored:
            self._scored[chunk] = self._compressor._words(chunk, self._forcing)
        return self._scored[chunk]

    def _shown(self, chunk: str) -> list[str]:
        """Words as labels show them."""
        return [self._merger.shown(word) for word in self._score(chunk).words]

    def _size(self, word: str) -> int:
        if word not in self._sizes:
            self._sizes[word] = self._count(word)
        return self._sizes[word]


def _share(part: float, whole: int) -> float:
    """Return the fraction that a target is of what there is, at most 1."""
    if whole == 0:
        raise InputError("a target for a prompt without tokens; in llmlingua 0.2.2 it fails too")
    return min(part / whole, 1.0)


def _percentile(values: list[Any], rank: int) -> Any:
    """Percentile in the values' own precision: ties decide, so rounding must be the reference's."""
    if not values:
        raise InputError("a chunk without a word has no threshold, in llmlingua 0.2.2 neither")
    if not 0 <= rank <= 100:
        raise InputError(
            f"the rate asks for percentile {rank}, expected 0 to 100; llmlingua 0.2.2 cannot keep "
            "nothing either: raise the rate"
        )
    return np.percentile(values, rank)
