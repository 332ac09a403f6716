"""Documents in a chat: read at once, compressed when the message comes that they are for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from edgelingua.budget import Budget
from edgelingua.chat import Chat
from edgelingua.cli.console import read_text
from edgelingua.cli.names import paths_and_number
from edgelingua.compressed import Compressed
from edgelingua.compressors import default_method, load_compressor
from edgelingua.errors import CapError, InputError
from edgelingua.ort.session import RunOptions
from edgelingua.prompt import SEPARATOR, Prompt, without_question
from edgelingua.scores import Progress
from edgelingua.system.measure import trim_memory


@dataclass(frozen=True)
class Documents:
    """Texts that wait for a message.

    Parameters
    ----------
    files
        What they are called.
    texts
        What is in them.
    budget
        Tokens that were asked for; ``None``: what the cap leaves.
    """

    files: tuple[str, ...]
    texts: tuple[str, ...]
    budget: Budget | None = None

    @classmethod
    def read(cls, arguments: str) -> Documents:
        """Read what ``/compress`` names: files, and perhaps a number of tokens.

        Raises
        ------
        InputError
            A file cannot be read, there is nothing in it to compress, or they are too long.
        BudgetError
            The number is zero.
        """
        paths, number = paths_and_number(arguments)
        budget = None if number is None else Budget(tokens=number)
        if Path("-") in paths:
            raise InputError("-: messages come from stdin, and no document; name a file")
        texts = tuple(read_text(str(path)) for path in paths)
        Prompt.build(texts)  # that they are not too long together
        return cls(tuple(map(str, paths)), texts, budget)

    def __str__(self) -> str:
        return ", ".join(self.files)

    def compress_for(
        self,
        message: str,
        chat: Chat,
        model: str | None,
        reply: int,
        progress: Progress | None = None,
    ) -> Compressed:
        """Compress the texts in the light of a message, which ends the compressed prompt.

        Parameters
        ----------
        message
            What is asked about them.
        chat
            Where it is asked.
        model
            Bundle that compresses; ``None``: the default one.
        reply
            Longest reply in tokens. Without a budget, cells are left free for it, half of the cap
            at most.
        progress
            Called while the texts are scored.

        Raises
        ------
        CapError
            The message leaves no room for them.
        """
        reader = chat.reader
        budget = self.budget or self._what_fits(message, chat, reply)
        # The budget is the documents': what is counted is without the message.
        budget = replace(budget, count=without_question(reader.count, message))
        compressor = load_compressor(
            default_method(model, question=True),
            model,
            count=reader.count,
            options=RunOptions(threads=reader.threads),
        )
        prompt = Prompt.build(self.texts, question=message)
        compressed = compressor.compress(prompt, budget, progress)
        del compressor
        trim_memory()
        return compressed

    def _what_fits(self, message: str, chat: Chat, reply: int) -> Budget:
        wanted, room = chat.reader.count(SEPARATOR + message), chat.room
        left = room - wanted - min(reply, chat.session.statistics.cap // 2)
        if left < 1:
            raise CapError(
                f"no room for {self} beside a message of {wanted} tokens and the reply: the cap "
                f"leaves {room} for all; say it in fewer words, or raise the cap"
            )
        return Budget(tokens=left)
