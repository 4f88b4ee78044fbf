"""Opening and closing the second window, and what of it is remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication

from medview.core.layout import layout_named
from medview.gui.second_window import SecondWindow

if TYPE_CHECKING:
    from medview.gui.window import MainWindow


class SecondWork:
    """Keeps the action, the grid's second pane and the window in step."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self.second: SecondWindow | None = None
        window.actions_.connect("layout.second_window", self._turn)
        window.closing.connect(self._leave)
        if window.session.settings.second_open and len(QGuiApplication.screens()) > 1:
            # After the first window: the reader waits for that one.
            QTimer.singleShot(0, window, window.actions_["layout.second_window"].toggle)

    def _turn(self, on: bool) -> None:
        if on and self.second is None:
            self._open()
        elif not on and self.second is not None:
            self.second.close()

    def _open(self) -> None:
        settings = self._window.session.settings
        pane = self._window.grid.set_second(is_open=True)
        if pane is None:
            return
        pane.shape = layout_named(settings.second_layout) or (1, 1)
        pane.arrange()
        self.second = SecondWindow(self._window, pane)
        self.second.closing.connect(self._closed)
        self.second.place(settings.second_place)
        self.second.show()

    def _closed(self) -> None:
        self._remember(is_open=False)
        second, self.second = self.second, None
        self._window.grid.set_second(is_open=False)
        self._window.actions_["layout.second_window"].setChecked(False)
        if second is not None:
            second.deleteLater()

    def _leave(self) -> None:
        """MedView ends: the second window goes with the first and comes again with it."""
        self._remember()
        if self.second is not None:
            self.second.closing.disconnect(self._closed)
            self.second.close()

    def _remember(self, *, is_open: bool = True) -> None:
        """Where the window stands and how many views it has; nothing of what they show."""
        if self.second is None:
            return
        state = self._window.grid.state.second
        layout = f"{state.rows}x{state.columns}" if state is not None else "1x1"
        self._window.preferences.remember(
            second_open=is_open, second_place=self.second.geometry_text(), second_layout=layout
        )
