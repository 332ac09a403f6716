"""``edgelingua run --reader http://…``: answers of an endpoint that runs already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from edgelingua.cli.console import usage
from edgelingua.cli.options import name
from edgelingua.cli.output import say
from edgelingua.errors import InputError
from edgelingua.system.addresses import check_url
from edgelingua.text.counting import ESTIMATE

if TYPE_CHECKING:
    from edgelingua.readers.remote import RemoteReader

ReaderModel = Annotated[
    str | None,
    typer.Option(
        "--reader-model",
        help="With --reader URL: which of the endpoint's models; default: the only one.",
        callback=name,
    ),
]
ApiKey = Annotated[
    str | None,
    typer.Option(
        envvar="EDGELINGUA_READER_KEY",
        help="With --reader URL: what the endpoint wants to be told. On the command line others "
        "on this machine can read it: better set the variable.",
        show_envvar=True,
    ),
]
Seconds = Annotated[
    float | None,
    typer.Option(help="With --reader URL: longest silence; default 600.", min=0.1),
]


def remote_reader(
    url: str,
    model: str | None,
    *,
    api_key: str | None,
    count: str | None,
    seconds: float | None,
) -> RemoteReader:
    """Return the reader at an address; say so where tokens are estimated."""
    with usage("--reader"):
        check_url(url, "the reader")
    from edgelingua.readers.remote import RemoteReader

    try:
        reader = RemoteReader(
            url, model or "", api_key=api_key, count=count, seconds=seconds or 600.0
        )
    except InputError as error:
        raise typer.BadParameter(str(error)) from None
    if reader.counted_in == ESTIMATE.name:
        say(
            f"warning: tokens are estimated, rather too high: {reader.url} does not count them; "
            "name a tokenizer (--count)"
        )
    return reader
