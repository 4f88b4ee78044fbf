"""The editor of a look: its curve, the chosen point in numbers, save and reset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QColorDialog,
    QDoubleSpinBox,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from medview.core.words import tr
from medview.gui.style import GRID, style_sheet
from medview.gui.views.ink import INK
from medview.gui.views.keys import who_answers
from medview.gui.views.look_canvas import Axis, LookCanvas
from medview.gui.views.volume_commands import VolumeCommands
from medview.gui.views.volume_state import VolumeState
from medview.imaging.transfer import Look, coloured_point, moved_point


class LookEditor(QWidget):
    """Changes go to the stage at once, each an undoable step; a drag is one step."""

    save_asked = Signal(object)  # Look with the reader's name
    forget_asked = Signal(str)  # id of one of the reader's own looks

    def __init__(self, commands: VolumeCommands, parent: QWidget) -> None:
        super().__init__(parent)
        self._commands = commands
        self._stage = commands.stage
        self._before: VolumeState | None = None  # while a drag goes on
        self._axis: Axis | None = None
        self._colours: QColorDialog | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setObjectName("look-editor")
        # It lies on the picture, which is black in every theme.
        own = f"#look-editor {{ background: {INK.surface_1}; border-radius: 4px; }}"
        self.setStyleSheet(style_sheet(INK) + own)
        self.canvas = LookCanvas(self)
        self.value, self.opacity = QDoubleSpinBox(), QSpinBox()
        self.name = QLineEdit()
        self.buttons: dict[str, QPushButton] = {}
        self._lay_out()
        self.canvas.edited.connect(self._take)
        self.canvas.settled.connect(self._settle)
        self.canvas.chosen.connect(self._show_point)
        self.canvas.colour_asked.connect(self._ask_colour)
        self.value.valueChanged.connect(self._numbers)
        self.opacity.valueChanged.connect(self._numbers)
        self.name.returnPressed.connect(self._save)
        self.retranslate()

    def refresh(self) -> None:
        """Show the look as it is drawn now."""
        look, prepared = self._stage.look, self._stage.prepared
        if look is None or prepared is None or self.isHidden():
            return
        # The curve may reach beyond the values; while a point is dragged the axis stays.
        span = prepared.span
        room = 0.03 * (span[1] - span[0])
        low, high = min(span[0], look.low - room), max(span[1], look.high + room)
        if self._before is not None and self._axis is not None:
            low, high = self._axis.low, self._axis.high
        self._axis = Axis(low, high, prepared.counts, span)
        self.canvas.show_look(look, self._axis)
        self._show_point(self.canvas.number)
        self.buttons["forget"].setVisible(look.is_own)

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        words = {
            "add": tr("Add"), "remove": tr("Take away"), "colour": tr("Colour…"),
            "reset": tr("Reset"), "save": tr("Save"), "forget": tr("Forget"), "close": tr("Close"),
        }  # fmt: skip
        tips = {
            "add": tr("One point more, halfway to the next"),
            "remove": tr("Take the chosen point away"),
            "colour": tr("Another colour for the chosen point"),
            "reset": tr("The look as it was"),
            "save": tr("Keep this as a look of your own"),
            "forget": tr("Take this look of your own away"),
            "close": tr("Close the editor  G"),
        }
        for name, made in self.buttons.items():
            made.setText(words[name])
            made.setAccessibleName(tips[name])
            made.setToolTip(tips[name])
        for field, words_ in (
            (self.value, tr("Value of the chosen point")),
            (self.opacity, tr("Opacity of the chosen point")),
            (self.name, tr("Name of your own look")),
        ):
            field.setAccessibleName(words_)
            field.setToolTip(words_)
        self.name.setPlaceholderText(tr("Name of your own look"))
        self.canvas.retranslate()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * GRID, GRID, 2 * GRID, GRID)
        column.setSpacing(GRID)
        column.addWidget(self.canvas, 1)
        self.value.setRange(-1e6, 1e6)
        self.value.setDecimals(1)
        self.value.setKeyboardTracking(False)
        self.opacity.setRange(0, 100)
        self.opacity.setSuffix(" %")
        self.opacity.setKeyboardTracking(False)
        deeds: dict[str, Callable[[], object]] = {
            "add": self.canvas.add, "remove": self.canvas.remove, "colour": self._ask_colour,
            "reset": self._reset, "save": self._save, "forget": self._forget,
            "close": self._close,
        }  # fmt: skip
        for name, deed in deeds.items():
            made = QPushButton()
            made.setProperty("role", "chip")
            made.clicked.connect(lambda _checked=False, deed=deed: deed())
            self.buttons[name] = made
        rows: tuple[tuple[QWidget, ...], ...] = (
            (self.value, self.opacity, *(self.buttons[n] for n in ("add", "remove", "colour"))),
            (self.name, *(self.buttons[n] for n in ("save", "forget", "reset", "close"))),
        )
        for parts in rows:
            row = QHBoxLayout()
            row.setSpacing(GRID)
            for part in parts:
                row.addWidget(part, int(part is self.name))
            row.addStretch(0 if parts[0] is self.name else 1)
            column.addLayout(row)

    def _take(self, look: Look, goes_on: bool) -> None:
        state = self._stage.state
        edited = replace(state, edited=look, shift=0.0, blend=look.blend, is_lit=None)
        if goes_on:
            self._before = self._before or state
            self._stage.adjust(edited)
        else:
            self._stage.change(edited)

    def _settle(self) -> None:
        before, self._before = self._before, None
        if before is not None:
            self._stage.change(self._stage.state, before)

    def _show_point(self, number: int) -> None:
        look = self._stage.look
        if look is None or number >= len(look.points):
            return
        point = look.points[number]
        for field, shown in ((self.value, point.value), (self.opacity, round(point.opacity * 100))):
            field.blockSignals(True)
            if not field.hasFocus() or field.value() != shown:
                field.setValue(shown)  # type: ignore[arg-type]
            field.blockSignals(False)

    def _numbers(self) -> None:
        look, number = self._stage.look, self.canvas.number
        if look is not None and number < len(look.points):
            moved = moved_point(look, number, self.value.value(), self.opacity.value() / 100)
            self._take(moved, goes_on=False)

    def _ask_colour(self) -> None:
        look = self._stage.look
        if look is None:
            return
        self._colours = QColorDialog(QColor(look.points[self.canvas.number].colour), self)
        self._colours.setOption(QColorDialog.ColorDialogOption.DontUseNativeDialog)
        self._colours.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._colours.colorSelected.connect(self._colour)
        self._colours.open()

    def _colour(self, chosen: QColor) -> None:
        look = self._stage.look
        if look is not None:
            self._take(coloured_point(look, self.canvas.number, chosen.name()), goes_on=False)

    def _reset(self) -> None:
        self._commands.choose_look(self._stage.state.number)

    def _save(self) -> None:
        look, name = self._stage.look, " ".join(self.name.text().split())
        if look is None or not name:
            self.name.setFocus()
            return
        self.save_asked.emit(replace(look, name=name))
        self.name.clear()

    def _forget(self) -> None:
        look = self._stage.look
        if look is not None and look.is_own:
            self.forget_asked.emit(look.id)

    def _close(self) -> None:
        answering = who_answers(self)
        if answering is None:
            self._commands.run("editor")
        else:
            answering.perform_action("volume.editor")
