"""A document, in which the words that were kept are marked."""

from __future__ import annotations

import numpy as np
from examples.desktop.theme import colours
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QTimer
from PySide6.QtGui import QColor, QResizeEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QTextEdit, QWidget

from edgelingua import Compressed

Spans = NDArray[np.int64]
"""Shape ``(K, 2)``: half-open ranges of characters, ascending."""

NONE: Spans = np.empty((0, 2), dtype=np.int64)


TELLING = 12
"""Characters from which a quotation is more than words that every text has."""


def in_utf16(spans: Spans, text: str) -> Spans:
    """Return ranges of characters as Qt counts them: those beyond U+FFFF are two."""
    codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    before = np.concatenate([[0], np.cumsum(codes > 0xFFFF)])
    return np.asarray(spans + before[spans], dtype=np.int64)


class DocumentView(QPlainTextEdit):
    """Shows a text, and once it was compressed what was kept, or nothing else.

    Marks are laid on what can be seen only, so that long documents scroll as short ones do.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setAccessibleName("Document")
        self.setPlaceholderText(
            "Open a PDF, HTML, Markdown or text file, or drop one here.\n\n"
            "Then ask: the words that matter to your question are marked, and only these are "
            "given to the model."
        )
        self._text = ""
        self._compressed: Compressed | None = None
        self._kept, self._cited = NONE, NONE
        self._only_kept = False
        # Not at once: laying marks may lay out lines, which scrolls.
        self._marking = QTimer(self, interval=0, singleShot=True)
        self._marking.timeout.connect(self._mark)
        self.verticalScrollBar().valueChanged.connect(self._marking.start)

    def show_text(self, text: str) -> None:
        """Show another document."""
        self._text, self._compressed = text, None
        self._kept = self._cited = NONE
        self._lay_out()

    def show_kept(self, compressed: Compressed) -> None:
        """Mark what was kept of the document."""
        self._compressed = compressed
        inside = np.clip(compressed.spans, 0, len(self._text))  # the question is behind it
        self._kept = in_utf16(inside[inside[:, 0] < inside[:, 1]], self._text)
        self._cited = NONE
        self._lay_out()

    def show_cited(self, answer: str) -> None:
        """Mark what an answer quotes, and scroll there."""
        if self._compressed is None or self._only_kept:
            return
        quoted = self._compressed.recover(answer).citations
        sources = [one.source for one in quoted if len(one.text) >= TELLING]
        if sources:
            self._cited = in_utf16(np.asarray(sorted(sources), dtype=np.int64), self._text)
            cursor = self.textCursor()
            cursor.setPosition(int(self._cited[0, 0]))
            self.setTextCursor(cursor)
            self.centerCursor()
        self._marking.start()

    def show_only_kept(self, only: bool) -> None:
        """Show what the model is given, or the whole document."""
        self._only_kept = only
        self._lay_out()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Take the colours of another appearance."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._marking.start()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Mark what comes into sight."""
        super().resizeEvent(event)
        self._marking.start()

    def _lay_out(self) -> None:
        at = self.verticalScrollBar().value()
        only = self._compressed if self._only_kept else None
        text = only.segment_texts()[0].strip() if only else self._text
        if text != self.toPlainText():
            self.setPlainText(text)
        else:
            self.verticalScrollBar().setValue(at)
        self._marking.start()

    def _mark(self) -> None:
        """Lay marks on the lines in sight."""
        marking = self._compressed is not None and not self._only_kept
        look = colours()
        if marking != self.property("marking"):
            self.setProperty("marking", marking)
            self.style().polish(self)  # the style sheet asks for the property
        marks = []
        if marking:
            first, last = self._in_sight()
            for spans, colour in ((self._kept, look.kept), (self._cited, look.cited)):
                style = QTextCharFormat()
                style.setBackground(QColor(colour))
                style.setForeground(QColor(look.ink))
                seen = spans[(spans[:, 1] > first) & (spans[:, 0] < last)]
                marks += [self._selection(style, *span) for span in seen.tolist()]
        self.setExtraSelections(marks)

    def _in_sight(self) -> tuple[int, int]:
        """Return the range of characters that can be seen."""
        area = self.viewport().rect()
        first, last = (self.cursorForPosition(at) for at in (area.topLeft(), area.bottomRight()))
        return first.position(), last.position() + 1

    def _selection(self, style: QTextCharFormat, start: int, end: int) -> QTextEdit.ExtraSelection:
        made = QTextEdit.ExtraSelection()
        cursor = QTextCursor(self.document())
        cursor.setPosition(start)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        made.cursor, made.format = cursor, style
        return made
