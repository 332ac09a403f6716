"""A model behind an endpoint that runs already: Ollama, LM Studio, llama-server, our own."""

from __future__ import annotations

from typing import Any

from edgelingua.errors import InputError, ReaderError
from edgelingua.readers.endpoint import Endpoint
from edgelingua.readers.heard import whole
from edgelingua.readers.reader import Asked
from edgelingua.readers.remote_reading import RemoteModel, RemoteReading, some
from edgelingua.text.counting import ESTIMATE, Count, Counting, NamedCount, counted_in, counter


class RemoteReader:
    """Answers through an OpenAI-compatible endpoint.

    The model and its cache are the endpoint's: caps, policies, sessions and memories are not for
    it. Tokens are counted by the endpoint's ``/tokenize`` where it has one (llama-server,
    ``edgelingua serve``), else as ``count`` says.

    Parameters
    ----------
    url
        ``http://127.0.0.1:11434/v1``; without a path, ``/v1`` is meant.
    model
        Which of its models; empty: the one it has.
    api_key
        What it wants to be told; ``None``: nothing. It stands in no error.
    count
        Counts tokens instead, see `Budget`; ``None``: the endpoint, or else an estimate that is
        rather too high.
    seconds
        Longest silence; reading a long text takes one.

    Attributes
    ----------
    counted_in
        Whose tokens `count` counts.
    window
        Tokens of the endpoint's context; ``None`` where it does not say.

    Raises
    ------
    InputError
        The address or the key cannot be one, or it is not clear which model is meant.
    ReaderError
        The endpoint cannot be reached, refuses, or is none.
    MissingExtraError
        httpx is not installed.
    """

    def __init__(
        self,
        url: str,
        model: str = "",
        *,
        api_key: str | None = None,
        count: Counting | None = None,
        seconds: float = 600.0,
    ) -> None:
        endpoint = Endpoint(url, api_key, seconds)
        entries = _models(endpoint)
        name = model or _only(endpoint.url, tuple(entries))
        counting = _counter(endpoint) if count is None else counter(count)
        window = _window(entries.get(name, {}), endpoint)
        self._model = RemoteModel(endpoint, name, tuple(entries), window, counting)
        self.url = endpoint.url
        self.model = name
        self.window = window
        self.counted_in = counted_in(counting)

    @property
    def name(self) -> str:
        """The model, and where it is."""
        return f"{self.model} at {self.url}"

    def count(self, text: str) -> int:
        """Return the number of tokens of a text."""
        return self._model.count(text)

    def reading(self, asked: Asked) -> RemoteReading:
        """Return an answer to be; nothing is sent yet."""
        return RemoteReading(self._model, asked)


def _models(endpoint: Endpoint) -> dict[str, dict[str, Any]]:
    """Return the endpoint's models by their names; none if it has no list."""
    listed = endpoint.json(f"{endpoint.url}/models")
    data = listed.get("data") if isinstance(listed, dict) else None
    if listed is not None and not isinstance(data, list):
        raise ReaderError(
            f"{endpoint.url}: lists no models; expected OpenAI's interface, as at "
            "http://HOST:PORT/v1"
        )
    entries = [each for each in data or () if isinstance(each, dict)]
    return {each["id"]: each for each in entries if isinstance(each.get("id"), str)}


def _counter(endpoint: Endpoint) -> Count:
    """Return the endpoint's own count, or an estimate where it has none, or one that cannot be."""
    url = f"{endpoint.root}/tokenize"

    def count(text: str) -> int:
        found = endpoint.json(url, {"content": text, "add_special": False})
        tokens = found.get("tokens") if isinstance(found, dict) else None
        if not isinstance(tokens, list):
            raise ReaderError(f"{url}: it does not count tokens; name a tokenizer (--count)")
        return len(tokens)

    try:
        counts = 0 < count("a") < count("Any tokenizer has more for a sentence.")
    except ReaderError:
        counts = False
    return NamedCount(url, count) if counts else ESTIMATE


def _window(entry: dict[str, Any], endpoint: Endpoint) -> int | None:
    """Tokens of the context: ours and vLLM tell it of a model, llama-server of its slots."""
    told = whole(entry.get("context_window")) or whole(entry.get("max_model_len"))
    if told is not None:
        return told
    try:
        found = endpoint.json(f"{endpoint.root}/props")
    except ReaderError:
        return None
    settings = found.get("default_generation_settings") if isinstance(found, dict) else None
    return whole(settings.get("n_ctx")) if isinstance(settings, dict) else None


def _only(url: str, names: tuple[str, ...]) -> str:
    """Return the one model that there is."""
    if len(names) == 1:
        return names[0]
    if not names:
        raise InputError(f"{url}: names no model; say which: model=…, --reader-model")
    raise InputError(f"{url}: has {len(names)} models; say which: {some(names)} (--reader-model)")
