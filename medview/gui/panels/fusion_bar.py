"""The bar below the views while something lies over them: how much of it, in which colours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QSlider,
    QToolButton,
    QWidget,
)

from medview.core.numbers import unit_text
from medview.core.words import Sentence, tr
from medview.gui.actions import Actions
from medview.gui.cards import ElidedLabel, button, label
from medview.gui.style import GRID, icon
from medview.imaging import colour_maps
from medview.imaging.fusion import MAPS, UpperLayer

_HEIGHT = 40
_STEPS = 100


class FusionBar(QWidget):
    """Blend, colours, threshold and what window tool and measures are about; or why not fused."""

    changed = Signal(object)  # UpperLayer
    register_asked = Signal()
    closed = Signal()

    def __init__(self, actions: Actions, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFixedHeight(_HEIGHT)
        self._layer: UpperLayer | None = None
        self._name = ""
        self._said: Sentence | None = None
        self._title = ElidedLabel("", "small")
        self.blend = QSlider(Qt.Orientation.Horizontal)
        self.blend.setRange(0, _STEPS)
        self.blend.setMinimumWidth(80)
        self.blend.setMaximumWidth(160)
        self._share = label("", "small", wrap=False)
        self._share.setMinimumWidth(36)
        self.maps = QComboBox()
        self.maps.setMinimumContentsLength(8)
        self.maps.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.threshold = QDoubleSpinBox()
        self.threshold.setRange(0.0, 1e6)
        self.threshold.setFixedWidth(112)
        self._switches = [self._switch(actions, name) for name in ("window", "measure")]
        self.register = button("", "", self.register_asked.emit)
        self._close = QToolButton()
        self._close.clicked.connect(self.closed)
        self._lay_out()
        self.blend.valueChanged.connect(self._blended)
        self.maps.activated.connect(self._coloured)
        self.threshold.valueChanged.connect(self._cut)
        self.retranslate()
        self.hide()

    def _switch(self, actions: Actions, name: str) -> QToolButton:
        made = QToolButton()
        made.setDefaultAction(actions[f"fusion.{name}"])
        made.setIconSize(QSize(16, 16))
        return made

    def _lay_out(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 0, 2 * GRID, 0)
        layout.setSpacing(2 * GRID)
        self._title.setMinimumWidth(80)
        layout.addWidget(self._title, 2)
        layout.addWidget(self.blend, 1)
        for widget in (self._share, self.maps, self.threshold, *self._switches):
            layout.addWidget(widget)
        layout.addWidget(self.register)
        layout.addWidget(self._close)

    @property
    def title(self) -> str:
        """What lies over the views, or why nothing does."""
        return self._title.toolTip()

    # -- what is shown -----------------------------------------------------------------

    def show_layer(self, name: str, layer: UpperLayer) -> None:
        """What lies over the views, with its settings."""
        self._layer, self._name, self._said = layer, name, None
        self._fill()
        self._show_parts()

    def show_refusal(self, said: Sentence) -> None:
        """Why nothing lies over the views, and the offer to register."""
        self._layer, self._said = None, said
        self._show_parts()

    def show_nothing(self) -> None:
        """Nothing lies over the views any more, and nothing of it is held."""
        self._layer, self._name, self._said = None, "", None
        self.hide()

    def _show_parts(self) -> None:
        is_fused = self._layer is not None
        for widget in (self.blend, self._share, self.maps, self.threshold, *self._switches):
            widget.setVisible(is_fused)
        self.register.setVisible(not is_fused)
        words = self._name if self._said is None else str(self._said)
        self._title.setText(words)
        self._title.setToolTip(words)
        self.show()

    def _fill(self) -> None:
        layer = self._layer
        if layer is None:
            return
        blocked = [QSignalBlocker(each) for each in (self.blend, self.maps, self.threshold)]
        share = round(layer.blend * _STEPS)
        self.blend.setValue(share)
        self._share.setText(f"{share} %")
        self.maps.setCurrentIndex(max(0, self.maps.findData(layer.colour_map)))
        self.threshold.setSuffix(f" {unit_text(layer.volume.unit)}".rstrip())
        self.threshold.setSingleStep(max(layer.window.width / 60.0, 0.01))
        self.threshold.setValue(layer.threshold or 0.0)
        del blocked

    def retranslate(self) -> None:
        """Every word in the current language."""
        titles = dict(colour_maps.MAPS)
        blocked = QSignalBlocker(self.maps)
        self.maps.clear()
        for name in MAPS:
            self.maps.addItem(tr(titles[name]), name)
        del blocked
        named: tuple[tuple[QWidget, str], ...] = (
            (self.blend, tr("Share of the upper series")),
            (self.maps, tr("Colours of the upper series")),
            (self.threshold, tr("Hide values of the upper series below this")),
            (self._close, tr("Take the upper series away")),
        )
        for widget, words in named:
            widget.setAccessibleName(words)
            widget.setToolTip(words)
        self.blend.setToolTip(tr("Share of the upper series") + "  , .")
        self.threshold.setSpecialValueText(tr("no threshold"))
        self.register.setText(tr("Register"))
        self.register.setAccessibleName(tr("Register"))
        self.register.setToolTip(tr("Find by the images how the two series lie to each other"))
        self._close.setIcon(icon("x"))
        if self._layer is not None:
            self._fill()
        if self._said is not None:
            self._title.setText(str(self._said))

    # -- what the reader does ------------------------------------------------------------

    def _tell(self, change: Callable[[UpperLayer], UpperLayer]) -> None:
        if self._layer is not None:
            self._layer = change(self._layer)
            self.changed.emit(self._layer)

    def _blended(self, value: int) -> None:
        self._share.setText(f"{value} %")
        self._tell(lambda layer: layer.with_blend(value / _STEPS))

    def _coloured(self, number: int) -> None:
        name = str(self.maps.itemData(number))
        self._tell(lambda layer: replace(layer, colour_map=name))

    def _cut(self, value: float) -> None:
        self._tell(partial(replace, threshold=value or None))
