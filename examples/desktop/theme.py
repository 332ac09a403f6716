"""Colours, light and dark, and the looks of the widgets."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication


@dataclass(frozen=True)
class Colours:
    """``kept`` lies behind words that stay, ``faint`` are words that go; both are read well."""

    back: str
    paper: str
    ink: str
    faint: str
    line: str
    accent: str
    on_accent: str
    kept: str
    cited: str
    alarm: str


LIGHT = Colours(
    "#f4f5f7", "#ffffff", "#1b1d20", "#666c73", "#d5d9df", "#1c5fb0", "#ffffff", "#d3e5fa",
    "#ffe08a", "#fdecea",
)  # fmt: skip
DARK = Colours(
    "#16181b", "#1d2024", "#eceff1", "#8f979f", "#343a41", "#7db4ff", "#0d1a2b", "#1e3b62",
    "#7a5c00", "#4a2320",
)  # fmt: skip


SCHEMES = {
    "As the &system": Qt.ColorScheme.Unknown,
    "&Light": Qt.ColorScheme.Light,
    "&Dark": Qt.ColorScheme.Dark,
}


def colours() -> Colours:
    """Those that were put on last."""
    return DARK if QGuiApplication.palette().window().color().lightness() < 128 else LIGHT


def dress(app: QApplication, scheme: Qt.ColorScheme) -> None:
    """Put on light or dark; unknown: what the system says, else light."""
    hints = QGuiApplication.styleHints()
    if scheme != hints.colorScheme():
        hints.setColorScheme(scheme)  # not every desktop heeds it, so that it alone will not do
    if scheme == Qt.ColorScheme.Unknown:
        scheme = hints.colorScheme()
    look = DARK if scheme == Qt.ColorScheme.Dark else LIGHT
    app.setPalette(palette(look))
    app.setStyleSheet(sheet(look))


def palette(c: Colours) -> QPalette:
    """What style sheets do not reach: selections, placeholders, links."""
    made = QPalette()
    role = QPalette.ColorRole
    for one, colour in (
        (role.Window, c.back), (role.Base, c.paper), (role.AlternateBase, c.back),
        (role.Button, c.back), (role.WindowText, c.ink), (role.Text, c.ink),
        (role.ButtonText, c.ink), (role.ToolTipBase, c.paper), (role.ToolTipText, c.ink),
        (role.PlaceholderText, c.faint), (role.Highlight, c.accent),
        (role.HighlightedText, c.on_accent), (role.Link, c.accent), (role.Accent, c.accent),
    ):  # fmt: skip
        made.setColor(one, QColor(colour))
    for one in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, one, QColor(c.faint))
    return made


def sheet(c: Colours) -> str:
    """The style sheet."""
    return f"""
    QMainWindow, QWidget#pane {{ background: {c.back}; }}
    QLabel#title {{ font-weight: 600; }}
    QLabel#faint {{ color: {c.faint}; }}
    QPlainTextEdit, QLineEdit, QScrollArea, QPushButton {{
        background: {c.paper}; color: {c.ink}; border: 1px solid {c.line}; border-radius: 6px;
    }}
    QPlainTextEdit {{ padding: 8px; }}
    QPlainTextEdit[marking="true"] {{ color: {c.faint}; }}
    QLineEdit, QPushButton {{ padding: 5px 10px; min-height: 20px; }}
    QComboBox {{ min-height: 28px; }}
    QPushButton:hover {{ border-color: {c.accent}; }}
    QPushButton:pressed {{ background: {c.back}; }}
    QPushButton:disabled {{ color: {c.faint}; }}
    QPushButton#main {{ background: {c.accent}; color: {c.on_accent}; border-color: {c.accent}; }}
    QPushButton#main:disabled {{
        background: {c.back}; color: {c.faint}; border-color: {c.line};
    }}
    QPlainTextEdit:focus, QLineEdit:focus, QPushButton:focus, QScrollArea:focus {{
        border: 2px solid {c.accent};
    }}
    QWidget#talk {{ background: {c.paper}; }}
    QLabel#question {{ background: {c.back}; border-radius: 8px; padding: 8px 10px; }}
    QLabel#answer {{ padding: 2px 10px; }}
    QLabel#figures {{ color: {c.faint}; padding: 0 10px 6px 10px; }}
    QFrame#banner {{ background: {c.alarm}; border: 1px solid {c.line}; border-radius: 6px; }}
    QProgressBar {{
        background: {c.line}; border: none; border-radius: 3px; max-height: 6px; min-height: 6px;
    }}
    QProgressBar::chunk {{ background: {c.accent}; border-radius: 3px; }}
    QCheckBox::indicator:unchecked {{
        background: {c.paper}; border: 1px solid {c.faint}; border-radius: 3px;
    }}
    QSplitter::handle {{ background: {c.back}; }}
    QScrollBar:vertical {{ background: transparent; width: 12px; }}
    QScrollBar::handle:vertical {{
        background: {c.line}; border-radius: 4px; min-height: 32px; margin: 0 2px;
    }}
    QScrollBar::handle:vertical:hover {{ background: {c.faint}; }}
    QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page {{
        background: transparent; height: 0;
    }}
    """
