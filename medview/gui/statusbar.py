"""The bar at the bottom: what is running and how far, memory, the worker, the notice."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QWidget

from medview.core.words import tr
from medview.gui.cards import ElidedLabel, ElidedLink, button, label
from medview.gui.style import BOTTOM_BAR, GRID, tokens

_GB = 1 << 30
_INFO_MS = 8000  # what only informs goes by itself; what is wrong stays until the next message


class StatusBar(QWidget):
    """Never a dialog: progress and messages stand here."""

    cancel_asked = Signal()
    messages_asked = Signal()
    recording_clicked = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFixedHeight(BOTTOM_BAR)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 0, 3 * GRID, 0)
        layout.setSpacing(3 * GRID)
        self._what = ElidedLabel("", "small")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(120)
        self._count = label("", "small", wrap=False)
        self._cancel = button("", "link", self.cancel_asked.emit)
        self._memory = label("", "small", wrap=False)
        self._worker = label("", "small", wrap=False)
        self._message = ElidedLink("")
        self._message.clicked.connect(self.messages_asked)
        self._said = ""
        self._volumes = (0, 0)
        self._old = QTimer(self, singleShot=True, interval=_INFO_MS)
        self._old.timeout.connect(lambda: self._show_text(""))
        self._recording = button("", "link", self.recording_clicked.emit)
        self._steps: int | None = None
        self._notice = label("", "warn", wrap=False)
        for widget in (
            self._what, self._bar, self._count, self._cancel, self._memory, self._worker,
        ):  # fmt: skip
            layout.addWidget(widget)
        layout.addWidget(self._message, 1)
        layout.addWidget(self._recording)
        layout.addWidget(self._notice)
        self.show_progress("", 0, 0)
        self.retranslate()

    def show_progress(self, what: str, done: int, total: int, *, is_share: bool = False) -> None:
        """What is running; an empty `what` means nothing is. is_share: told in per cent."""
        is_running = bool(what)
        for widget in (self._what, self._bar, self._count, self._cancel):
            widget.setVisible(is_running)
        self._what.setText(what)
        self._bar.setRange(0, max(0, total))
        self._bar.setValue(done)
        count = f"{100 * done // max(1, total)} %" if is_share else f"{done} / {total}"
        self._count.setText(count if total else "")

    def show_memory(self, held: int, budget: int) -> None:
        """Bytes of volumes in memory and what they may take."""
        self._volumes = (held, budget)
        text = tr("Volumes {held} / {budget}", held=_size(held), budget=_size(budget))
        self._memory.setText(text if held else "")

    def show_worker(self, words: str) -> None:
        """State of the analysis process in words."""
        self._worker.setText(words)

    def show_message(self, text: str, level: str) -> None:
        """The last message, tinted by level (info, warn, bad); a click shows all of them."""
        self._said = text
        tints = {"warn": tokens().warn, "bad": tokens().bad}
        tint = tints.get(level, tokens().muted)
        self._message.setStyleSheet(f"color: {tint};")
        self._show_text(text)
        if level in tints:
            self._old.stop()
        else:
            self._old.start()

    def show_recording(self, steps: int | None) -> None:
        """How many steps were recorded; None: nothing is being recorded."""
        self._steps = steps
        self._recording.setVisible(steps is not None)
        if steps is not None:
            self._recording.setText(tr("Recording · {count}", count=steps))
            self._recording.setStyleSheet(f"color: {tokens().bad};")

    def _show_text(self, text: str) -> None:
        self._message.show_text(text)
        self._message.setAccessibleName(text or tr("Messages"))

    @property
    def message(self) -> str:
        """The last message in full, also after it went from the bar."""
        return self._said

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.show_memory(*self._volumes)
        self._cancel.setText(tr("Stop"))
        self._recording.setToolTip(tr("Stop recording"))
        self._recording.setAccessibleName(tr("Stop recording"))
        self.show_recording(self._steps)
        self._message.setAccessibleName(self._message.toolTip() or tr("Messages"))
        self._notice.setText(tr("Not for diagnostic use"))


def _size(count: int) -> str:
    """Bytes for people: a single film is no 0.0 GB."""
    return f"{count / _GB:.1f} GB" if count >= _GB // 10 else f"{max(1, count >> 20)} MB"
