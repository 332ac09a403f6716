"""The two halves of the window: the document, and the conversation about it."""

from __future__ import annotations

from examples.desktop.document_view import DocumentView
from examples.desktop.documents import Document
from examples.desktop.events import Answered
from examples.desktop.talk import Talk
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from edgelingua.compressed import Compressed

CAPS = (512, 1024, 2048, 4096)
KEEPS = {"keep what fits": 0} | {f"keep {tokens} tokens": tokens for tokens in (100, 200, 400, 800)}


def label(text: str, kind: str = "faint") -> QLabel:
    """A line of text that may be cut off where there is no room for it."""
    made = QLabel(text)
    made.setObjectName(kind)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return made


def row(*widgets: QWidget, stretch: int = -1) -> QHBoxLayout:
    """Widgets beside each other; the one numbered ``stretch`` takes the room that is left."""
    made = QHBoxLayout()
    made.setSpacing(8)
    for number, widget in enumerate(widgets):
        made.addWidget(widget, int(number == stretch))
    return made


class Banner(QFrame):
    """An error, until something else is asked for or it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("banner")
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        close = QToolButton()
        close.setText("✕")
        close.setAutoRaise(True)
        close.setAccessibleName("Close the message")
        close.clicked.connect(self.hide)
        inside = row(self._text, close, stretch=0)
        inside.setContentsMargins(10, 6, 6, 6)
        self.setLayout(inside)
        self.hide()

    def show_error(self, why: str) -> None:
        """Say what went wrong."""
        self._text.setText(why)
        self.setAccessibleName(f"Error: {why}")
        self.show()


class Paper(QWidget):
    """The document."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("pane")
        self.name = label("No document", "title")
        self.figures = label("")
        self.open = QPushButton("&Open…")
        self.only = QCheckBox("Only what is &kept")
        self.only.setEnabled(False)
        self.view = DocumentView()
        lines = QVBoxLayout(self)
        lines.setContentsMargins(10, 8, 10, 10)
        lines.addLayout(row(self.name, self.open, stretch=0))
        lines.addWidget(self.view, 1)
        lines.addLayout(row(self.figures, self.only, stretch=0))

    def show_document(self, document: Document) -> None:
        """Show another document."""
        self.name.setText(document.name)
        self.name.setToolTip(document.name)
        about = f"{len(document.text):,} characters"
        self.figures.setText(f"{about}; {document.note}" if document.note else about)
        self.only.setChecked(False)
        self.only.setEnabled(False)
        self.view.show_text(document.text)

    def show_kept(self, compressed: Compressed, seconds: float) -> None:
        """Show what of the document goes to the model."""
        self.figures.setText(
            f"{compressed.tokens_in:,} tokens became {compressed.tokens_out:,} "
            f"({compressed.rate:.0%}) in {seconds:.1f} s"
        )
        self.only.setEnabled(True)
        self.view.show_kept(compressed)


class Desk(QWidget):
    """The conversation, and where to ask."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("pane")
        self.reader = label("", "title")
        self.cache = label("")
        self.new = QPushButton("&New chat")
        self.cap = QComboBox()
        for cap in CAPS:
            self.cap.addItem(f"{cap:,}", cap)
        self.cap.setCurrentIndex(CAPS.index(1024))
        self.cap.setToolTip("Tokens that the model remembers at most; another size is a new chat")
        cap_label = QLabel("Cac&he")
        cap_label.setBuddy(self.cap)
        self.talk = Talk()
        self.banner = Banner()
        self.about = QCheckBox("&About the document")
        self.about.setEnabled(False)
        self.keep = QComboBox()
        for name, tokens in KEEPS.items():
            self.keep.addItem(name, tokens)
        self.keep.setAccessibleName("How much of the document is kept")
        self.question = QLineEdit()
        self.question.setPlaceholderText("Ask a question")
        self.question.setAccessibleName("Question")
        self.question.setMaxLength(4000)
        self.ask, self.stop = QPushButton("Ask"), QPushButton("&Stop")
        self.ask.setObjectName("main")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.doing = label("")

        lines = QVBoxLayout(self)
        lines.setContentsMargins(10, 8, 10, 10)
        lines.addLayout(row(self.reader, cap_label, self.cap, self.new, stretch=0))
        lines.addWidget(self.talk, 1)
        lines.addWidget(self.banner)
        lines.addLayout(row(self.about, self.keep, self.cache, stretch=2))
        lines.addLayout(row(self.question, self.ask, self.stop, stretch=0))
        lines.addLayout(row(self.doing, self.progress, stretch=0))

    def show_busy(self, *, busy: bool) -> None:
        """Offer to ask, or to stop."""
        self.ask.setVisible(not busy)
        self.stop.setVisible(busy)
        self.progress.setVisible(busy)
        if not busy:
            self.doing.setText("")

    def show_progress(self, what: str, done: int, total: int) -> None:
        """Say what is being done, and how much of it is."""
        self.doing.setText(f"{what}…")
        self.progress.setRange(0, total)
        self.progress.setValue(done)

    def show_reader(self, reader: str, cap: int) -> None:
        """Say who answers."""
        self.reader.setText(reader)
        self.reader.setToolTip(reader)
        self.cache.setText(f"cache 0 of {cap:,}")

    def show_answered(self, answer: Answered) -> None:
        """Say what an answer took."""
        cut = "" if answer.complete else "stopped; "
        self.talk.end(
            f"{cut}{answer.read:,} tokens read, {answer.written:,} written, {answer.seconds:.1f} s"
        )
        gone = f", {answer.cache.evicted:,} evicted" if answer.cache.evicted else ""
        self.cache.setText(f"cache {answer.cache.used:,} of {answer.cache.cap:,}{gone}")
