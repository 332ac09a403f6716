"""Files as texts: PDF, HTML, Markdown and plain text, told apart by what is in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from edgelingua.errors import EdgeLinguaError, InputError
from edgelingua.files.safe import open_regular
from edgelingua.prompt import MAX_CHARACTERS, Prompt
from edgelingua.scores import Progress
from edgelingua.text.encodings import wide_encoding

MAX_BYTES = 500_000_000
"""Largest file: a PDF may be mostly pictures."""

_OTHERS = {
    b"PK\x03\x04": "an Office document or a ZIP archive",
    b"\xd0\xcf\x11\xe0": "an old Office document",
    b"{\\rtf": "rich text",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
}
EXPECTED = "PDF, HTML, Markdown or plain text"
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_LINES = ("br", "caption", "dd", "dt", "li", "option", "tr")
# fmt: off
_BLOCKS = (
    "address", "article", "aside", "blockquote", "details", "div", "dl", "fieldset", "figcaption",
    "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "main", "nav",
    "ol", "p", "pre", "section", "summary", "table", "title", "ul",
)
# fmt: on
_UNSEEN = ("noscript", "script", "style", "template")


class LockedError(InputError):
    """A PDF that opens with a password only: none was given, or another one."""


@dataclass(frozen=True)
class Document:
    """A file's text; ``note`` says what is not in it, or how it was read, if there is need."""

    name: str
    text: str
    note: str = ""


def read(path: Path, password: str = "", progress: Progress | None = None) -> Document:
    """Read a file.

    Parameters
    ----------
    path
        PDF, HTML, Markdown or plain text.
    password
        Opens a locked PDF.
    progress
        Called with ``(page, pages)`` while a PDF is read; may raise to end it.

    Raises
    ------
    LockedError
        A PDF that this password does not open.
    InputError
        It cannot be read, is of another kind, damaged, too long, or has no text.
    """
    name = path.name
    try:
        with open_regular(path) as file:
            size = path.stat().st_size
            if size > MAX_BYTES:
                raise InputError(
                    f"it has {size / 1e6:,.0f} MB, and {MAX_BYTES / 1e6:,.0f} are read at most"
                )
            text, note = _content(file, path.suffix.lower(), size, password, progress)
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        if not text.strip():
            raise InputError("there is no text in it")
        Prompt.build(text)  # not too long, and no half characters
    except OSError as error:
        raise InputError(f"{name}: cannot be read ({error.strerror or error})") from None
    except LockedError as error:
        raise LockedError(f"{name}: {error}") from None
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    return Document(name, text, note)


def _content(
    file: BinaryIO, suffix: str, size: int, password: str, progress: Progress | None
) -> tuple[str, str]:
    """Return the text and the note."""
    head = file.read(1024)
    file.seek(0)
    if b"%PDF-" in head:
        return _pdf(file, password, progress)
    for magic, kind in _OTHERS.items():
        if head.startswith(magic):
            raise InputError(f"this is {kind}, expected {EXPECTED}: save it as one of these")
    if size > 4 * MAX_CHARACTERS:  # no encoding needs more
        raise InputError(
            f"it has {size / 1e6:,.0f} MB, more than {MAX_CHARACTERS:,} characters: split it"
        )
    raw = file.read()
    if suffix in (".html", ".htm", ".xhtml") or re.match(rb"\s*<(!doctype )?html", head, re.I):
        return _html(raw), ""
    return _plain(raw)


def _plain(raw: bytes) -> tuple[str, str]:
    wide = wide_encoding(raw)
    # What is left is what Windows wrote before UTF-8.
    for encoding in (wide,) if wide else ("utf-8-sig", "cp1252"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if _CONTROLS.search(text):
            break
        note = "" if encoding == "utf-8-sig" else f"read as {encoding.replace('cp', 'Windows-')}"
        return text.removeprefix("\ufeff"), note
    raise InputError(f"this is binary, expected {EXPECTED}")


def _html(raw: bytes) -> str:
    """What a browser shows, a line for each block; tables a line for each row."""
    from bs4 import BeautifulSoup
    from bs4.element import NavigableString

    try:
        page = BeautifulSoup(raw, "html.parser")
        for tag in page(_UNSEEN):
            tag.decompose()
        for string in page.find_all(string=True):
            if type(string) is NavigableString and not string.find_parent("pre"):  # no comment
                string.replace_with(re.sub(r"\s+", " ", string))
        for tag in page(_LINES):
            tag.append("\n")
        for tag in page(_BLOCKS):
            tag.insert_before("\n\n")
            tag.append("\n\n")
        for tag in page(("td", "th")):
            tag.append("\t")
        text = page.get_text()
    except RecursionError:
        raise InputError("its elements are nested too deep") from None
    text = re.sub(r"[ \t]+\n|\n (?! )", "\n", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _pdf(file: BinaryIO, password: str, progress: Progress | None) -> tuple[str, str]:
    from pypdf import PdfReader

    try:
        pdf = PdfReader(file)
        if pdf.is_encrypted and not pdf.decrypt(password):
            raise LockedError("the password is wrong" if password else "needs a password")
        pages, total = [], 0
        for page in pdf.pages:
            pages.append(page.extract_text().strip())
            total += len(pages[-1])
            if total > MAX_CHARACTERS:
                raise InputError(f"it has more than {MAX_CHARACTERS:,} characters: split it")
            if progress:
                progress(len(pages), len(pdf.pages))
    except EdgeLinguaError:
        raise
    except Exception as error:  # pypdf's are many, and what is damaged raises others
        raise InputError(f"the PDF is damaged ({type(error).__name__}: {error})") from None
    blank = sum(not page for page in pages)
    if not pages:
        raise InputError("the PDF has no pages")
    if blank == len(pages):
        raise InputError(
            "no text on any page, only pictures: let a program for OCR read it, such as ocrmypdf"
        )
    text = "\n\n".join(page for page in pages if page)
    # Fonts without a table of characters leave halves of pairs, and NUL.
    text = text.encode("utf-8", "replace").decode().replace("\0", "")
    return text, f"{blank} of {len(pages)} pages have no text" if blank else ""
