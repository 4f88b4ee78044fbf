"""A second window of the same session, for a second screen: views and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, Qt, Signal
from PySide6.QtGui import QAction, QCloseEvent, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QMainWindow

if TYPE_CHECKING:
    from medview.gui.pane import Pane
    from medview.gui.window import MainWindow

_SIZE = (1000, 800)  # where there is no second screen
_ITS_OWN = "view.full_screen"  # an action that each window does for itself


class SecondWindow(QMainWindow):
    """Shows a pane of the grid; keys and shortcuts mean what they mean in the first window, which
    is its parent and answers for its views."""

    closing = Signal()

    def __init__(self, window: MainWindow, pane: Pane) -> None:
        super().__init__(window, Qt.WindowType.Window)
        self._window = window
        self.setCentralWidget(pane)
        self.addActions([each for each in window.actions() if each.objectName() != _ITS_OWN])
        full = QAction(self)
        full.setShortcuts([QKeySequence(key) for key in window.actions_.bindings.keys(_ITS_OWN)])
        full.triggered.connect(self._turn_full)
        self.addAction(full)
        self.setWindowTitle("MedView 2")

    def place(self, geometry: str) -> None:
        """Stand where it stood last, else fill a screen that the first window does not use."""
        if geometry and self.restoreGeometry(QByteArray.fromBase64(geometry.encode())):
            return
        screens = QGuiApplication.screens()
        other = next((each for each in screens if each is not self._window.screen()), None)
        if other is None:
            self.resize(*_SIZE)
        else:
            self.setGeometry(other.availableGeometry())
            self.setWindowState(Qt.WindowState.WindowMaximized)

    def geometry_text(self) -> str:
        """Where it stands, for the settings."""
        return bytes(self.saveGeometry().toBase64().data()).decode()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Its views go back to the first window."""
        self.closing.emit()
        super().closeEvent(event)

    def _turn_full(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)
