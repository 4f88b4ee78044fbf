"""The bar at the bottom: what is running and how far, memory, the worker, the notice."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QWidget

from medview.core.words import tr
from medview.gui.cards import button, label
from medview.gui.style import BOTTOM_BAR, GRID


class StatusBar(QWidget):
    """Never a dialog: progress and messages stand here."""

    cancel_asked = Signal()
    messages_asked = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFixedHeight(BOTTOM_BAR)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 0, 3 * GRID, 0)
        layout.setSpacing(3 * GRID)
        self._what = label("", "small", wrap=False)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(120)
        self._count = label("", "small", wrap=False)
        self._cancel = button("", "link", self.cancel_asked.emit)
        self._memory = label("", "small", wrap=False)
        self._worker = label("", "small", wrap=False)
        self._message = button("", "link", self.messages_asked.emit)
        self._notice = label("", "warn", wrap=False)
        for widget in (
            self._what, self._bar, self._count, self._cancel, self._memory, self._worker,
            self._message,
        ):  # fmt: skip
            layout.addWidget(widget)
        layout.addStretch(1)
        layout.addWidget(self._notice)
        self.show_progress("", 0, 0)
        self.retranslate()

    def show_progress(self, what: str, done: int, total: int) -> None:
        """What is running; an empty `what` means nothing is."""
        is_running = bool(what)
        for widget in (self._what, self._bar, self._count, self._cancel):
            widget.setVisible(is_running)
        self._what.setText(what)
        self._bar.setRange(0, max(0, total))
        self._bar.setValue(done)
        self._count.setText(f"{done} / {total}" if total else "")

    def show_memory(self, held: int, budget: int) -> None:
        """Bytes of volumes in memory and what they may take."""
        text = tr(
            "Volumes {held} / {budget} GB", held=f"{held / 1e9:.1f}", budget=f"{budget / 1e9:.0f}"
        )
        self._memory.setText(text if held else "")

    def show_worker(self, words: str) -> None:
        """State of the analysis process in words."""
        self._worker.setText(words)

    def show_message(self, text: str, level: str) -> None:
        """The last message; a click shows all of them."""
        self._message.setToolTip(text)
        self._message.setText(text if len(text) <= 90 else text[:88] + "…")
        self._message.setProperty("level", level)
        self._message.setAccessibleName(text)

    @property
    def message(self) -> str:
        """The last message in full."""
        return self._message.toolTip()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self._cancel.setText(tr("Stop"))
        self._notice.setText(tr("Not for diagnostic use"))
