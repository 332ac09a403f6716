"""A causal LM that asks: fine-tuned on texts, answers and their questions, then sampled."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from edgelingua_export.errors import ExportError
from edgelingua_export.reports import Report
from edgelingua_export.train.descent import rate_at
from edgelingua_export.train.recipe import Schedule

ANSWER_IS, QUESTION_IS = "\n\nAnswer:", "\nQuestion:"
"""What stands before an answer, and before its question."""


@dataclass(frozen=True)
class Lesson:
    """Texts, and what is to be said about them: an answer and its question; of none, all of it."""

    about: tuple[str, ...]
    said: str


_Row = tuple[list[int], int]
"""Tokens of a lesson, and where what is to be said begins."""


class Asker:
    """Learns to say an answer and a question about texts, and says some.

    Parameters
    ----------
    model, tokenizer
        A causal LM; it is changed. Moved to a CUDA device if there is one.
    seed
        Of the order of the lessons, and of what is drawn.
    longest
        Most tokens of a lesson; longer ones are left out. Of texts to ask about that are longer,
        the end is.

    Raises
    ------
    ExportError
        The tokenizer has no token for the end of a text.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerFast,
        seed: int,
        longest: int,
    ) -> None:
        self._model = model.to("cuda" if torch.cuda.is_available() else "cpu")
        self._tokenizer, self._seed, self._longest = tokenizer, seed, longest
        if tokenizer.eos_token_id is None:
            raise ExportError(
                f"{tokenizer.name_or_path}: its tokenizer names no token for the end of a text "
                "(eos_token); choose another causal LM"
            )
        self._end = tokenizer.eos_token_id

    def learn(
        self,
        lessons: Sequence[Lesson],
        epochs: float,
        learning_rate: float,
        report: Report,
        batch: int,
    ) -> None:
        """Fine-tune on the lessons, ``batch`` a step; the loss is that of what is said.

        The learning rate rises over a tenth of the steps, and falls to 0 over the others.

        Raises
        ------
        ExportError
            All lessons are too long.
        """
        rows = [row for each in lessons if len((row := self._row(each))[0]) <= self._longest]
        if not rows:
            raise ExportError(
                f"no text with its question has at most {self._longest} tokens; give sets of "
                "shorter texts"
            )
        if len(rows) < len(lessons):
            report(f"{len(lessons) - len(rows):,} of more than {self._longest} tokens are left out")
        rng = np.random.default_rng(self._seed)
        steps = math.ceil(len(rows) * epochs / batch)
        order = np.concatenate([rng.permutation(len(rows)) for _ in range(int(epochs) + 1)])
        optimizer = torch.optim.AdamW(
            self._model.parameters(),
            lr=learning_rate,
            weight_decay=0.01,
            fused=self._model.device.type == "cuda",
        )
        schedule = Schedule(warmup=0.1)
        rate = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: rate_at(step, steps, schedule)
        )
        self._model.train()
        for step in range(steps):
            chosen = [
                rows[i] for i in order.take(range(step * batch, (step + 1) * batch), mode="wrap")
            ]
            value = self._loss(chosen)
            optimizer.zero_grad(set_to_none=True)
            value.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
            optimizer.step()
            rate.step()
            if step % _EVERY == 0 or step == steps - 1:
                report(f"asking, step {step + 1} of {steps}: loss {value.item():.3f}")
        self._model.eval()

    def _loss(self, rows: Sequence[_Row]) -> Tensor:
        ids = pad_sequence(
            [torch.tensor(row) for row, _ in rows], batch_first=True, padding_value=self._end
        )
        wanted = torch.zeros(ids.shape, dtype=torch.bool)
        for marks, (row, said_from) in zip(wanted, rows, strict=True):
            marks[said_from : len(row)] = True
        device = self._model.device
        ids, wanted = ids.to(device), wanted.to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            # Padding stands behind: no token sees it, and none of it is asked for.
            hidden = self._model.get_decoder()(input_ids=ids, use_cache=False).last_hidden_state
            logits = self._model.get_output_embeddings()(hidden[:, :-1][wanted[:, 1:]])
        return cross_entropy(logits.float(), ids[wanted])

    def ask(
        self, subjects: Sequence[tuple[str, ...]], report: Report, batch: int, most: int = 64
    ) -> list[str]:
        """Say something about each of some tuples of texts; drawn, so each time something else.

        ``most`` tokens of it at most, the 100 likeliest each time (Fan et al. 2018,
        arXiv:1805.04833).

        On a GPU sixteen times ``batch`` at once: reading takes much less memory than learning.
        Fewer where memory turns out to be short, which draws something else.
        """
        torch.manual_seed(self._seed)
        prompts = [self._prompt(about) for about in subjects]
        # Alike lengths together: what is padded costs time.
        order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
        said = [""] * len(prompts)
        if self._model.device.type == "cuda":
            self._model.to(torch.bfloat16)
            batch *= 16
        start = 0
        while start < len(order):
            chosen = order[start : start + batch]
            try:
                drawn = self._drawn([prompts[i] for i in chosen], most)
            except torch.OutOfMemoryError:
                if len(chosen) == 1:
                    raise
                batch = -(-len(chosen) // 2)
                report(f"out of memory: {batch:,} at once from here on")
                continue
            for place, text in zip(chosen, drawn, strict=True):
                said[place] = text
            start += len(chosen)
            report(f"asked {start:,} of {len(order):,}")
        return said

    @torch.no_grad()
    def _drawn(self, prompts: Sequence[Sequence[int]], most: int) -> list[str]:
        """Draw what comes behind each prompt."""
        rows = [torch.tensor(prompt) for prompt in prompts]
        ids = pad_sequence(rows, batch_first=True, padding_value=self._end, padding_side="left")
        sizes = torch.tensor([len(row) for row in rows])
        mask = torch.arange(ids.shape[1]) >= (ids.shape[1] - sizes)[:, None]
        device = self._model.device
        drawn = self._model.generate(
            input_ids=ids.to(device), attention_mask=mask.long().to(device), do_sample=True,
            top_k=100, temperature=0.9, max_new_tokens=most, eos_token_id=self._end,
            pad_token_id=self._end,
        )  # fmt: skip
        texts: list[str] = self._tokenizer.batch_decode(
            drawn[:, ids.shape[1] :], skip_special_tokens=True
        )
        return texts

    def _row(self, lesson: Lesson) -> _Row:
        prompt = self._prompt(lesson.about)
        return [*prompt, *self._ids(lesson.said), self._end], len(prompt)

    def _prompt(self, about: Sequence[str]) -> list[int]:
        if not about:
            return [self._end]
        asked = self._ids(ANSWER_IS)
        return [*self._ids("\n\n".join(about))[: self._longest], *asked]

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids


_EVERY = 50
