"""Start the window: ``python -m examples.desktop [FILE]``."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from examples.desktop.window import Window
from PySide6.QtWidgets import QApplication


def main() -> int:
    """Run until the window is closed."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Qt's loop never comes back to Python's
    app = QApplication(sys.argv)
    app.setApplicationName("edgelingua")
    app.setStyle("Fusion")
    window = Window()
    window.show()
    for path in app.arguments()[1:2]:
        window.open(Path(path))
    return app.exec()


if __name__ == "__main__":
    sys.exit(main())
