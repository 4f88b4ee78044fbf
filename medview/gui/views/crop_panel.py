"""The crop box in numbers: for the keyboard, and for who knows what he wants."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QSpinBox, QWidget

from medview.core.words import tr
from medview.gui.style import GRID, style_sheet
from medview.gui.views.ink import INK
from medview.gui.views.volume_stage import VolumeStage
from medview.imaging.letters import letters, opposite


class CropPanel(QWidget):
    """From and to along each axis of the grid, in percent of its length."""

    def __init__(self, stage: VolumeStage, parent: QWidget) -> None:
        super().__init__(parent)
        self._stage = stage
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setObjectName("crop-panel")
        # It lies on the picture, which is black in every theme.
        own = f"#crop-panel {{ background: {INK.surface_1}; border-radius: 4px; }}"
        self.setStyleSheet(style_sheet(INK) + own)
        table = QGridLayout(self)
        table.setContentsMargins(2 * GRID, GRID, 2 * GRID, GRID)
        table.setSpacing(GRID)
        self._names = [QLabel() for _ in range(3)]
        self.fields = [(QSpinBox(), QSpinBox()) for _ in range(3)]
        for axis, (low, high) in enumerate(self.fields):
            table.addWidget(self._names[axis], axis, 0)
            for column, field in enumerate((low, high), 1):
                field.setRange(0, 100)
                field.setSuffix(" %")
                field.setKeyboardTracking(False)
                field.setFixedWidth(76)
                field.valueChanged.connect(partial(self._set, axis, column == 2))
                table.addWidget(field, axis, column)

    def refresh(self) -> None:
        """Show the box as it is."""
        space, box = self._stage.space, self._stage.state.box
        if space is None or self.isHidden():
            return
        for axis, fields in enumerate(self.fields):
            end = letters(space.axes[axis])[:1]
            self._names[axis].setText(f"{opposite(end)} – {end}")
            names = (
                tr("Crop box from {side}", side=opposite(end)),
                tr("Crop box to {side}", side=end),
            )
            for field, name, share in zip(
                fields, names, (box.low[axis], box.high[axis]), strict=True
            ):
                field.setAccessibleName(name)
                field.setToolTip(name)
                field.blockSignals(True)
                field.setValue(round(share * 100))
                field.blockSignals(False)

    def _set(self, axis: int, is_high: bool, percent: int) -> None:
        state = self._stage.state
        box = state.box.with_face(axis, is_high=is_high, share=percent / 100)
        self._stage.change(replace(state, box=box))
        self.refresh()
