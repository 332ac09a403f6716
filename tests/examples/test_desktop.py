"""The desktop example without its window: files become texts, and the worker does as told."""

from __future__ import annotations

import io
import queue
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgelingua.errors import CancelledError, InputError
from edgelingua.prompt import MAX_CHARACTERS
from tests.conftest import DOCUMENT

pypdf = pytest.importorskip("pypdf")
pytest.importorskip("bs4")

from examples.desktop import documents, events  # noqa: E402
from examples.desktop.worker import Worker  # noqa: E402

if TYPE_CHECKING:
    from examples.desktop.conversation import Conversation
    from pypdf import PdfWriter

QUESTION = "Which city had a devastating fire?"


def pdf(*pages: str) -> bytes:
    """A PDF with these lines; an empty one is a page without text, as scanners make."""
    writer = pypdf.PdfWriter()
    name, kind = pypdf.generic.NameObject, pypdf.generic.DictionaryObject
    font = kind({name("/Type"): name("/Font"), name("/Subtype"): name("/Type1")})
    font[name("/BaseFont")] = name("/Helvetica")
    for text in pages:
        page = writer.add_blank_page(300, 300)
        if text:
            content = pypdf.generic.DecodedStreamObject()
            content.set_data(f"BT /F1 12 Tf 20 200 Td ({text}) Tj ET".encode())
            page[name("/Contents")] = writer._add_object(content)
            page[name("/Resources")] = kind({name("/Font"): kind({name("/F1"): font})})
    return written(writer)


def written(writer: PdfWriter) -> bytes:
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def locked(raw: bytes, password: str) -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(raw))
    writer.encrypt(password, algorithm="RC4-128")
    return written(writer)


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, bytes], Path]:
    def put(name: str, raw: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(raw)
        return path

    return put


Put = Callable[[str, bytes], Path]


@pytest.mark.parametrize(
    ("name", "raw", "text", "note"),
    [
        ("a.txt", "Fußgänger\r\ngehen.\r".encode(), "Fußgänger\ngehen.\n", ""),
        ("a.md", b"# Head\n\n- one\n", "# Head\n\n- one\n", ""),
        ("a.txt", "\ufeffé".encode(), "é", ""),
        ("a.txt", "Straße, 5 €".encode("cp1252"), "Straße, 5 €", "read as Windows-1252"),
        ("a.txt", "\ufeffGrün wächst das Gras.".encode("utf-16-le"), "Grün wächst das Gras.",
         "read as UTF-16"),
        ("a.html", b"<p>One <b>bo\nld</b></p><script>no()</script><ul><li>a</li> <li>b</li></ul>",
         "One bo ld\n\na\nb", ""),
        ("a.htm", b"<pre>def f():\n    pass</pre>x<br>y", "def f():\n    pass\n\nx\ny", ""),
        ("page", b"<!DOCTYPE html><html><title>T</title><!-- c --><body>x &amp; y",
         "T\n\nx & y", ""),
        ("a.html", b"<table><tr><td>a</td><td>1</td></tr><tr><td>b</td><td>2</td></tr></table>",
         "a\t1\nb\t2", ""),
        ("a.pdf", pdf("Boston burned."), "Boston burned.", ""),
        ("a.txt", pdf("By what is in it."), "By what is in it.", ""),
        ("a.pdf", pdf("One.", "", "Three."), "One.\n\nThree.", "1 of 3 pages have no text"),
        ("a.pdf", locked(pdf("Open to all."), ""), "Open to all.", ""),
    ],
)  # fmt: skip
def test_files_become_texts(put: Put, name: str, raw: bytes, text: str, note: str) -> None:
    assert documents.read(put(name, raw)) == documents.Document(name, text, note)


@pytest.mark.parametrize(
    ("name", "raw", "why"),
    [
        ("a.txt", b"", "no text in it"),
        ("a.txt", b" \n\t ", "no text in it"),
        ("a.html", b"<script>1</script>", "no text in it"),
        ("a.txt", bytes(range(256)), "binary"),
        ("a.docx", b"PK\x03\x04" + bytes(80), "Office document"),
        ("a.txt", b"\x89PNG\r\n" + bytes(80), "a picture"),
        ("a.rtf", b"{\\rtf1 x}", "rich text"),
        ("a.pdf", pdf("", ""), "no text on any page, only pictures: .*OCR"),
        ("a.pdf", pdf(), "the PDF has no pages"),
        ("a.pdf", pdf("Cut.")[:120], "damaged"),
        ("a.pdf", b"%PDF-1.7\n" + bytes(99), "damaged"),
        ("a.txt", b"a " * (MAX_CHARACTERS // 2 + 1), "at most 5,000,000"),
        ("a.txt", b"a" * (4 * MAX_CHARACTERS + 1), "20 MB"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_by_name(put: Put, name: str, raw: bytes, why: str) -> None:
    with pytest.raises(InputError, match=rf"{name}: .*{why}"):
        documents.read(put(name, raw))


def test_no_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.txt", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            documents.read(path)


def test_a_locked_pdf_wants_its_password(put: Put) -> None:
    path = put("a.pdf", locked(pdf("Behind a lock."), "sesame"))
    with pytest.raises(documents.LockedError, match="needs a password"):
        documents.read(path)
    with pytest.raises(documents.LockedError, match="wrong"):
        documents.read(path, "open")
    assert documents.read(path, "sesame").text == "Behind a lock."


@given(st.binary(max_size=300), st.sampled_from([b"", b"%PDF-1.4\n", b"<html>", b"\xff\xfe"]))
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes, head: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(head + raw)
    try:
        assert documents.read(path).text.strip()
    except InputError as error:
        assert str(error).startswith("any: ")


def test_reading_a_pdf_can_be_ended(put: Put) -> None:
    def stop(done: int, total: int) -> None:
        assert (done, total) == (1, 3)
        raise CancelledError("enough")

    with pytest.raises(CancelledError):
        documents.read(put("a.pdf", pdf("1", "2", "3")), progress=stop)


class Watched:
    """A worker, and what it tells, in order."""

    def __init__(self) -> None:
        self.told: queue.Queue[events.Happened] = queue.Queue()
        self.goes_on = Event()
        self.goes_on.set()
        self.worker = Worker(self.tell, self.make)

    def tell(self, event: events.Happened) -> None:
        self.told.put(event)
        if isinstance(event, events.Working) and event.done:
            self.goes_on.wait(60)

    def make(self) -> Conversation:
        from examples.desktop.conversation import Conversation

        return Conversation()

    def done(self) -> list[events.Happened]:
        """What was told until one thing was done."""
        told: list[events.Happened] = []
        while not told or told[-1] != events.Done():
            told.append(self.told.get(timeout=120))
        return [event for event in told[:-1] if not isinstance(event, events.Working)]


@pytest.fixture
def watched() -> Iterator[Watched]:
    made = Watched()
    yield made
    made.worker.close(timeout=60)
    assert not made.worker.works


def test_the_worker_opens_and_goes_on_after_what_fails(watched: Watched, put: Put) -> None:
    secret = put("s.pdf", locked(pdf("Secret."), "sesame"))
    watched.worker.open(put("b.bin", b"\0"))
    watched.worker.open(secret)
    watched.worker.open(secret, "sesame")
    (failed,), (asked,), (opened,) = watched.done(), watched.done(), watched.done()
    assert failed == events.Failed(
        "b.bin: this is binary, expected PDF, HTML, Markdown or plain text"
    )
    assert asked == events.Locked(secret, "s.pdf: needs a password")
    assert opened == events.Opened(documents.Document("s.pdf", "Secret."))


def test_what_waits_is_cancelled_too(watched: Watched, put: Put) -> None:
    path = put("long.pdf", pdf(*"abcdefgh" * 8))
    watched.goes_on.clear()
    for _ in range(3):
        watched.worker.open(path)
    while not isinstance(event := watched.told.get(timeout=60), events.Working) or not event.done:
        pass
    watched.worker.cancel()
    watched.goes_on.set()
    assert [watched.done() for _ in range(3)] == [[events.Cancelled()]] * 3
    watched.worker.open(path)
    assert isinstance(watched.done()[0], events.Opened)


def test_an_answer_comes_piece_by_piece_under_a_cap(watched: Watched, gguf: Path) -> None:
    watched.worker.begin(384, gguf)
    assert watched.done() == [events.Ready(gguf.stem, 384)]
    text = DOCUMENT.read_text(encoding="utf-8")
    watched.worker.ask(QUESTION, text[:1500], 100)
    kept, *pieces, answered = watched.done()
    assert isinstance(kept, events.Kept)
    assert 0 < kept.compressed.tokens_out <= 100 < kept.compressed.tokens_in
    assert "Boston" in kept.compressed.text  # it is found; a reader this small may miss it
    assert "".join(piece.text for piece in pieces if isinstance(piece, events.Piece)).strip()
    assert isinstance(answered, events.Answered)
    assert answered.cache.peak <= 384
    watched.worker.ask("Name a colour.")
    assert isinstance(watched.done()[-1], events.Answered)


def test_an_answer_is_cancelled_half_way(watched: Watched, gguf: Path) -> None:
    watched.worker.begin(384, gguf)
    watched.done()
    watched.worker.ask("Tell a long story about a ship and a storm.")
    while not isinstance(watched.told.get(timeout=60), events.Piece):
        pass
    watched.worker.cancel()
    (*_, answered) = watched.done()
    assert isinstance(answered, events.Answered)
    assert not answered.complete
    watched.worker.ask("word " * 500)  # more than the cap holds
    (failed,) = watched.done()
    assert isinstance(failed, events.Failed)
    assert "cap" in failed.why


@pytest.mark.llama
def test_without_a_model_a_question_is_refused(watched: Watched, put: Put) -> None:
    watched.worker.begin(384, put("no.gguf", b"GGUF"))
    watched.worker.ask("Who?")
    (loading,), (asking,) = watched.done(), watched.done()
    assert isinstance(loading, events.Failed)
    assert "no.gguf" in loading.why
    assert asking == events.Failed("there is no model yet that could answer: choose a GGUF file")
