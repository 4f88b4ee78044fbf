"""The search field of the record panel: as one types, with a count, forward and back."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from medview.core.words import tr
from medview.gui.cards import button, label
from medview.gui.style import GRID

_PAUSE_MS = 120  # between the last letter and the search


class SearchBar(QWidget):
    """Asks for a search after each letter; Enter goes on, Shift+Enter back, Esc clears."""

    asked = Signal(str)
    stepped = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.field = _Field()
        self.field.textChanged.connect(self._typed)
        self.field.stepped.connect(self.stepped)
        self.field.left.connect(self.clear)
        self.count = label("", "small", wrap=False)
        self.back = button("‹", "chip", lambda: self.stepped.emit(-1))
        self.forward = button("›", "chip", lambda: self.stepped.emit(1))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID + 2)
        layout.addWidget(self.field, 1)
        for part in (self.count, self.back, self.forward):
            layout.addWidget(part)
        self._later = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._later.timeout.connect(lambda: self.asked.emit(self.field.text()))
        self.show_count(0, 0)

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.field.setPlaceholderText(tr("Search documents and reports (Ctrl+Alt+F)"))
        self.field.setAccessibleName(tr("Search the record"))
        for made, said in (
            (self.back, tr("Previous hit (Shift+Enter)")),
            (self.forward, tr("Next hit (Enter)")),
        ):
            made.setToolTip(said)
            made.setAccessibleName(said)

    def show_count(self, number: int, total: int, *, is_more: bool = False) -> None:
        """Which hit is shown, of how many; is_more: there are more than were looked for."""
        has_query = bool(self.field.text().strip())
        said = tr("no hit") if not total else f"{number} / {total}{'+' if is_more else ''}"
        self.count.setText(said if has_query else "")
        for made in (self.back, self.forward):
            made.setVisible(has_query)
            made.setEnabled(total > 0)

    def clear(self) -> None:
        """No search any more."""
        self.field.clear()

    def _typed(self, _text: str) -> None:
        self._later.start()


class _Field(QLineEdit):
    stepped = Signal(int)
    left = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter and Shift+Enter step, as do the arrows; Esc clears."""
        is_back = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.stepped.emit(-1 if is_back else 1)
        elif event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self.stepped.emit(1 if event.key() == Qt.Key.Key_Down else -1)
        elif event.key() == Qt.Key.Key_Escape and self.text():
            self.left.emit()
        else:
            super().keyPressEvent(event)
