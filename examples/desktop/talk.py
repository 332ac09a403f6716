"""What was said, from top to bottom; answers grow while they are written."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QScrollArea, QVBoxLayout, QWidget

MOST = 200
"""Messages that are shown: the oldest go, as they do from the model's memory long before."""


class Talk(QScrollArea):
    """Questions, answers and figures."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setAccessibleName("Conversation")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._inside = QWidget()
        self._inside.setObjectName("talk")
        self._lines = QVBoxLayout(self._inside)
        self._lines.setSpacing(4)
        self._lines.addStretch()
        self.setWidget(self._inside)
        self._answer: QLabel | None = None
        self._follow = True
        bar = self.verticalScrollBar()
        bar.valueChanged.connect(self._moved)
        bar.rangeChanged.connect(self._grown)

    @property
    def answer(self) -> str:
        """What was written so far of the last answer."""
        return self._answer.text() if self._answer else ""

    def ask(self, question: str) -> None:
        """Show a question, and begin the answer to it."""
        self._follow = True
        self._add(question, "question", "You asked")
        self._answer = self._add("", "answer", "Answer")

    def write(self, piece: str) -> None:
        """Go on with the answer."""
        if self._answer:
            self._answer.setText(self._answer.text() + piece)

    def end(self, figures: str) -> None:
        """End the answer, and say what it took."""
        if self._answer and not self._answer.text().strip():
            self._answer.setText("–")
        self._add(figures, "figures", "Figures")

    def take_back(self) -> None:
        """Take the last question away: nothing was answered."""
        for _ in range(2 if self._answer else 0):
            self._drop(self._lines.count() - 2)
        self._answer = None

    def clear(self) -> None:
        """Show nothing."""
        while self._lines.count() > 1:
            self._drop(0)
        self._answer = None

    def _add(self, text: str, kind: str, name: str) -> QLabel:
        line = QLabel(text, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        line.setObjectName(kind)
        line.setAccessibleName(name)
        line.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._lines.insertWidget(self._lines.count() - 1, line)
        if self._lines.count() > MOST:
            self._drop(0)
        return line

    def _drop(self, place: int) -> None:
        item = self._lines.takeAt(place)
        if item and (widget := item.widget()):
            widget.deleteLater()

    def _moved(self, value: int) -> None:
        """Follow what is written, unless it was scrolled up."""
        self._follow = value >= self.verticalScrollBar().maximum() - 4

    def _grown(self, _least: int, most: int) -> None:
        if self._follow:
            self.verticalScrollBar().setValue(most)
