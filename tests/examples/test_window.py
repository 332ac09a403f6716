"""The window of the desktop example, where Qt is installed: off the screen, with the real parts."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgelingua import Budget, Prompt, load_compressor
from tests.conftest import DOCUMENT

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
try:
    import PySide6.QtWidgets  # noqa: F401
except ImportError as error:  # without it, or without what it needs of the system
    pytest.skip(str(error), allow_module_level=True)
pytest.importorskip("pypdf")
pytest.importorskip("bs4")

from examples.desktop import theme
from examples.desktop.document_view import DocumentView, in_utf16
from examples.desktop.window import Window
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

pytestmark = pytest.mark.long
QUESTION = "Which city had a devastating fire?"


@pytest.fixture(scope="module")
def app() -> QApplication:
    found = QApplication.instance()
    return found if isinstance(found, QApplication) else QApplication([])


def until(app: QApplication, holds: Callable[[], object]) -> None:
    """Let the window do what it does until something holds."""
    end = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < end
        app.processEvents()
        time.sleep(0.01)


@pytest.fixture
def window(app: QApplication, gguf: Path) -> Iterator[Window]:
    made = Window(reader=gguf)
    made.show()
    until(app, lambda: made.idle)
    yield made
    made.close()
    until(app, lambda: not made.worker.works)


def marked(view: DocumentView, colour: str) -> list[str]:
    return [
        mark.cursor.selectedText()
        for mark in view.extraSelections()
        if mark.format.background().color() == QColor(colour)
    ]


def test_a_document_is_opened_asked_and_marked(
    app: QApplication, window: Window, tmp_path: Path
) -> None:
    path = tmp_path / "grant.txt"
    path.write_text(DOCUMENT.read_text(encoding="utf-8")[:1500], encoding="utf-8")
    window.open(path)
    until(app, lambda: window.idle)
    assert window.paper.name.text() == "grant.txt"
    window.desk.keep.setCurrentIndex(1)
    QTest.keyClicks(window.desk.question, QUESTION)
    QTest.keyClick(window.desk.question, Qt.Key.Key_Return)
    assert window.desk.stop.isVisible()
    until(app, lambda: window.idle)
    assert window.desk.talk.answer.strip()
    assert "became" in window.paper.figures.text()
    assert any("Boston" in text for text in marked(window.paper.view, theme.colours().kept))
    kept = window.paper.view
    window.paper.only.setChecked(True)
    app.processEvents()
    assert 0 < len(kept.toPlainText()) < 1000
    assert not kept.extraSelections()

    window.open(tmp_path / "none.pdf")
    until(app, lambda: window.idle)
    assert window.desk.banner.isVisible()


def test_what_is_cancelled_can_be_asked_again(app: QApplication, window: Window) -> None:
    window.desk.question.setText("word " * 700)  # takes a while to read
    window.ask()
    window.worker.cancel()
    until(app, lambda: window.idle)
    assert window.desk.question.text() == ("word " * 700).strip()
    assert window.desk.ask.isVisible()


def test_it_is_light_or_dark_wide_or_narrow(app: QApplication, window: Window) -> None:
    for scheme, look in ((Qt.ColorScheme.Dark, theme.DARK), (Qt.ColorScheme.Light, theme.LIGHT)):
        theme.dress(app, scheme)
        assert theme.colours() is look
    for width, across in ((600, Qt.Orientation.Vertical), (1100, Qt.Orientation.Horizontal)):
        window.resize(width, 700)
        app.processEvents()
        assert window.width() == width
        assert window.splitter.orientation() == across


def test_marks_stand_where_the_words_are(app: QApplication) -> None:
    text = "😀 A fire burned Boston. 👨‍👩‍👧 Nothing else happened at all, says 𝒳."
    compressed = load_compressor().compress(Prompt.build(text), Budget(tokens=6))
    view = DocumentView()
    view.resize(600, 400)
    view.show_text(text)
    view.show_kept(compressed)
    app.processEvents()
    assert "".join(marked(view, theme.colours().kept)) == compressed.text
    assert in_utf16(compressed.spans, "x" * len(text)).tolist() == compressed.spans.tolist()


def test_a_long_document_is_marked_where_it_is_scrolled_to(app: QApplication) -> None:
    text = "".join(f"Line {number} says that the harbour is open.\n" for number in range(3000))
    compressed = load_compressor("truncate").compress(Prompt.build(text), Budget(rate=0.9))
    view = DocumentView()
    view.resize(500, 300)
    view.show()
    view.show_text(text)
    view.show_kept(compressed)
    bar = view.verticalScrollBar()
    for place in (0, 1500, 40, 2999):
        bar.setValue(place)
        app.processEvents()
        seen = "".join(marked(view, theme.colours().kept))
        assert (f"Line {place} " in seen) == (place < 2000)
