"""A causal LM that asks: fine-tuned on texts, answers and their questions, then sampled."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from edgelingua_export.errors import ExportError

Report = Callable[[str], None]

ANSWER_IS, QUESTION_IS = "\n\nAnswer:", "\nQuestion:"
"""What stands before an answer, and before its question."""


@dataclass(frozen=True)
class Lesson:
    """Texts, and what is to be said about them: an answer and its question; of none, all of it."""

    about: tuple[str, ...]
    said: str


class Asker:
    """Learns to say an answer and a question about texts, and says some.

    Parameters
    ----------
    model, tokenizer
        A causal LM; it is changed. Moved to a CUDA device if there is one.
    seed
        Of the order of the lessons, and of what is drawn.
    longest
        Most tokens of the texts; of longer ones the end is left out.

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
        longest: int = 512,
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

        The learning rate rises over a tenth of the steps, while it falls to 0 over all of them.
        """
        rng = np.random.default_rng(self._seed)
        steps = math.ceil(len(lessons) * epochs / batch)
        order = np.concatenate([rng.permutation(len(lessons)) for _ in range(int(epochs) + 1)])
        optimizer = torch.optim.AdamW(
            self._model.parameters(),
            lr=learning_rate,
            weight_decay=0.01,
            fused=self._model.device.type == "cuda",
        )
        fall = max(1, steps)
        rate = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: min((step + 1) / (steps * _WARMUP + 1), 1 - step / fall)
        )
        self._model.train()
        for step in range(steps):
            chosen = [
                lessons[i] for i in order.take(range(step * batch, (step + 1) * batch), mode="wrap")
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

    def _loss(self, lessons: Sequence[Lesson]) -> Tensor:
        pairs = [(self._prompt(each.about), self._ids(each.said)) for each in lessons]
        rows = [torch.tensor([*prompt, *said, self._end]) for prompt, said in pairs]
        ids = pad_sequence(rows, batch_first=True, padding_value=self._end)
        wanted = torch.zeros(ids.shape, dtype=torch.bool)
        for row, (prompt, said) in zip(wanted, pairs, strict=True):
            row[len(prompt) : len(prompt) + len(said) + 1] = True
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
        """
        torch.manual_seed(self._seed)
        prompts = [self._prompt(about) for about in subjects]
        # Alike lengths together: what is padded costs time.
        order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
        said = [""] * len(prompts)
        device = self._model.device
        if device.type == "cuda":
            self._model.to(torch.bfloat16)
            batch *= 16
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            rows = [torch.tensor(prompts[i]) for i in chosen]
            ids = pad_sequence(
                rows, batch_first=True, padding_value=self._end, padding_side="left"
            ).to(device)
            sizes = torch.tensor([len(row) for row in rows], device=device)
            mask = torch.arange(ids.shape[1], device=device) >= (ids.shape[1] - sizes)[:, None]
            with torch.no_grad():
                drawn = self._model.generate(
                    input_ids=ids, attention_mask=mask.long(), do_sample=True, top_k=100,
                    temperature=0.9, max_new_tokens=most,
                    eos_token_id=self._end, pad_token_id=self._end,
                )  # fmt: skip
            texts = self._tokenizer.batch_decode(drawn[:, ids.shape[1] :], skip_special_tokens=True)
            for place, text in zip(chosen, texts, strict=True):
                said[place] = text
            report(f"asked {min(start + batch, len(order)):,} of {len(order):,}")
        return said

    def length(self, said: str) -> int:
        """Tokens of what is said, its end included."""
        return len(self._ids(said)) + 1

    def _prompt(self, about: Sequence[str]) -> list[int]:
        if not about:
            return [self._end]
        return [*self._ids("\n\n".join(about))[: self._longest], *self._ids(ANSWER_IS)]

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids


_WARMUP, _EVERY = 0.1, 50
