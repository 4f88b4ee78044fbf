"""The bar below the views while a 4-D series is shown: which of its phases, by a slider."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSlider, QWidget

from medview.core.words import tr
from medview.gui.cards import label
from medview.gui.style import GRID

_HEIGHT = 32


class PhaseBar(QWidget):
    """A slider over the phases and the words of the one that is shown; hidden without phases."""

    chosen = Signal(int)  # the phase's number, from 0

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFixedHeight(_HEIGHT)
        self._keys = ""
        self._title = label("", "small", wrap=False)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setPageStep(1)
        self._words = label("", "small", wrap=False)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 0, 3 * GRID, 0)
        layout.setSpacing(2 * GRID)
        layout.addWidget(self._title)
        layout.addWidget(self.slider, 1)
        layout.addWidget(self._words)
        self.slider.valueChanged.connect(self.chosen)
        self.hide()

    def show_phase(self, number: int, count: int, words: str, keys: str) -> None:
        """Which of `count` phases is shown; keys: what steps through them."""
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, max(0, count - 1))
            self.slider.setValue(number)
        self._words.setText(words)
        self._keys = keys
        self.retranslate()
        self.setVisible(count > 1)

    def retranslate(self) -> None:
        """The bar's own words in the current language."""
        self._title.setText(tr("Phase"))
        self.slider.setAccessibleName(tr("Phase"))
        self.slider.setToolTip(f"{tr('Phase')}  {self._keys}".rstrip())
