"""The window: what can be asked for, and what is told of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from examples.desktop import events, panes, theme
from examples.desktop.worker import Worker
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QKeySequence,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QInputDialog,
    QLineEdit,
    QMainWindow,
    QSplitter,
)

from edgelingua.compressed import Compressed

if TYPE_CHECKING:
    from examples.desktop.conversation import Conversation

FILES = "Documents (*.pdf *.txt *.md *.html *.htm);;All files (*)"
NARROW = 820
"""Below so many pixels, the conversation is under the document and not beside it."""


def _conversation() -> Conversation:
    """Load llama.cpp and onnxruntime in the worker's thread: the window is there before."""
    from examples.desktop.conversation import Conversation

    return Conversation()


class Told(QObject):
    """Brings events from the worker's thread to the window's."""

    happened = Signal(object)


class Window(QMainWindow):
    """Asks a `Worker` for everything, and never waits for it.

    ``reader``: the GGUF file that answers; none: the one that came along, or the default one.
    """

    def __init__(self, reader: Path | None = None) -> None:
        super().__init__()
        self._told = Told()
        self._told.happened.connect(self._on, Qt.ConnectionType.QueuedConnection)
        self.worker = Worker(self._told.happened.emit, _conversation)
        self._pending = 0
        self._opened = ""
        self._compressed: Compressed | None = None
        self._asked = ""
        self._seconds = 0.0

        self.setWindowTitle("edgelingua")
        self.setMinimumSize(480, 460)
        self.resize(1100, 720)
        self.setAcceptDrops(True)
        self.paper, self.desk = panes.Paper(), panes.Desk()
        self.splitter = QSplitter()
        self.splitter.addWidget(self.paper)
        self.splitter.addWidget(self.desk)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setSizes([560, 540])
        self.setCentralWidget(self.splitter)
        self._connect()
        self._dress(Qt.ColorScheme.Unknown)
        self._begin(reader=reader)

    @property
    def idle(self) -> bool:
        """Whether all that was asked for is done."""
        return not self._pending

    def open(self, path: Path, password: str = "") -> None:
        """Read a document and show it."""
        self._pend()
        self.worker.open(path, password)

    def ask(self) -> None:
        """Ask what stands in the field."""
        question = self.desk.question.text().strip()
        if not question or self._pending:
            return
        self._asked = question
        self.desk.question.clear()
        self.desk.talk.ask(question)
        about = self._opened if self.desk.about.isChecked() else ""
        self._compressed = None
        self._pend()
        self.worker.ask(question, about, self.desk.keep.currentData())

    def _connect(self) -> None:
        desk = self.desk
        self.paper.open.clicked.connect(self._choose_document)
        self.paper.only.toggled.connect(self.paper.view.show_only_kept)
        desk.question.returnPressed.connect(self.ask)
        desk.ask.clicked.connect(self.ask)
        desk.stop.clicked.connect(self.worker.cancel)
        desk.new.clicked.connect(self._begin)
        desk.cap.activated.connect(self._begin)
        self._menus()
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._dress)

    def _menus(self) -> None:
        bar = self.menuBar()
        file, chat, view = (bar.addMenu(name) for name in ("&File", "&Chat", "&View"))
        file.addAction("&Open document…", QKeySequence.StandardKey.Open, self._choose_document)
        file.addAction("Choose &model…", self._choose_reader)
        file.addSeparator()
        file.addAction("&Quit", "Ctrl+Q", self.close)
        chat.addAction("&Type a question", "Ctrl+L", self.desk.question.setFocus)
        chat.addAction("&New chat", QKeySequence.StandardKey.New, self._begin)
        chat.addAction("&Stop", "Esc", self.worker.cancel)
        view.addAction("&Only what is kept", "Ctrl+K", self.paper.only.toggle)
        view.addSeparator()
        for name, scheme in theme.SCHEMES.items():
            view.addAction(name, partial(self._dress, scheme))

    def _dress(self, scheme: Qt.ColorScheme) -> None:
        app = QApplication.instance()
        if isinstance(app, QApplication):
            theme.dress(app, scheme)

    def _begin(self, *_: object, reader: Path | None = None) -> None:
        self.worker.cancel()
        self.desk.talk.clear()
        self._pend()
        self.worker.begin(self.desk.cap.currentData(), reader)

    def _choose_document(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a document", "", FILES)
        if path:
            self.open(Path(path))

    def _choose_reader(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Choose a model", "", "Models (*.gguf)")
        if path:
            self._begin(reader=Path(path))

    def _pend(self) -> None:
        self._pending += 1
        self.desk.banner.hide()
        self.desk.show_busy(busy=True)

    def _on(self, event: events.Happened) -> None:
        """Show what happened."""
        desk, paper = self.desk, self.paper
        match event:
            case events.Working(what, done, total):
                desk.show_progress(what, done, total)
            case events.Ready(reader, cap):
                desk.show_reader(reader, cap)
            case events.Opened(document):
                self._opened = document.text
                paper.show_document(document)
                desk.about.setEnabled(True)
                desk.about.setChecked(True)
                desk.question.setFocus()
            case events.Locked(path, why):
                self._unlock(path, why)
            case events.Kept(compressed, seconds):
                self._compressed, self._seconds = compressed, seconds
                paper.show_kept(compressed, seconds)
            case events.Piece(text):
                desk.show_progress("Answering", 0, 0)
                desk.talk.write(text)
            case events.Answered():
                desk.show_answered(event)
                self._asked = ""
                if self._compressed:
                    paper.view.show_cited(desk.talk.answer)
            case events.Failed(why):
                desk.banner.show_error(why)
                self._give_back()
            case events.Cancelled():
                self._give_back()
            case events.Done():
                self._pending -= 1
                desk.show_busy(busy=self._pending > 0)

    def _give_back(self) -> None:
        """Nothing was answered: the question stands in the field again."""
        if self._asked and not self.desk.talk.answer:
            self.desk.talk.take_back()
            self.desk.question.setText(self._asked)
        self._asked = ""

    def _unlock(self, path: Path, why: str) -> None:
        password, given = QInputDialog.getText(
            self, "Locked PDF", f"{why}.\nPassword:", QLineEdit.EchoMode.Password
        )
        if given:
            self.open(path, password)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Put the panes beside or above each other."""
        super().resizeEvent(event)
        narrow = event.size().width() < NARROW
        across = Qt.Orientation.Vertical if narrow else Qt.Orientation.Horizontal
        if self.splitter.orientation() != across:
            self.splitter.setOrientation(across)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        """Take files."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        """Open the first file that was dropped."""
        files = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        self.open(Path(files[0]))

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """End the worker with the window."""
        self.worker.close()
        super().closeEvent(event)
