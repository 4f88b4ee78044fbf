"""The small row of tools in the volume view; seen while the view has the pointer or the keys."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QApplication, QHBoxLayout, QMenu, QSlider, QToolButton, QWidget

from medview.core.words import tr
from medview.gui.style import GRID, icon
from medview.gui.views.ink import INK
from medview.gui.views.volume_commands import COMMANDS, Command, VolumeCommands
from medview.gui.views.volume_painter import blend_names

_BY_ID = {command.id: command for command in COMMANDS}
_BUTTONS = ("light", "editor", "box", "lasso_remove", "surfaces", "spin", "reset_view")
_MENUS = {
    "cuts": ("cut_axial", "cut_coronal", "cut_sagittal", "cut_free", "flip_cuts", "cut_deeper",
             "cut_shallower", "lasso_keep", "reset_box", "no_cuts", "undo", "redo"),
    "views": ("from_A", "from_P", "from_L", "from_R", "from_H", "from_F", "slices", "volume"),
}  # fmt: skip
_STEPS = 40  # of the shift slider to either side
_SIDE = 24
_WIDE = 440  # pixels of a view from which the slider has room


def tip_of(command: Command) -> str:
    """What a command is called, and its keys."""
    return f"{tr(command.title)}  {command.keys}" if command.keys else tr(command.title)


class VolumeBar(QWidget):
    """Looks, shift, projection, light, box, scissors, cuts, surfaces, sides, spin."""

    def __init__(self, commands: VolumeCommands, parent: QWidget) -> None:
        super().__init__(parent)
        self._commands = commands
        self._stage = commands.stage
        self._moved = 0  # where the slider was last
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setObjectName("volume-bar")
        self.setStyleSheet(f"#volume-bar {{ background: {INK.surface_1}; border-radius: 4px; }}")
        row = QHBoxLayout(self)
        row.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        row.setSpacing(0)
        self.looks = self._menu_button(row, "palette")
        self.shift = QSlider(Qt.Orientation.Horizontal)
        self.shift.setRange(-_STEPS, _STEPS)
        self.shift.setFixedWidth(72)
        self.shift.valueChanged.connect(self._shift)
        row.addWidget(self.shift)
        self.blends = self._menu_button(row, "layers")
        self.buttons: dict[str, QToolButton] = {}
        for name in _BUTTONS[:4]:
            self._button(row, name)
        self.cuts = self._menu_button(row, "slice")
        self._button(row, "surfaces")
        self.views = self._menu_button(row, "box")
        for name in _BUTTONS[5:]:
            self._button(row, name)
        self.retranslate()

    @property
    def has_focus(self) -> bool:
        """Whether one of its tools has the keys, or its menu is open."""
        focus = QApplication.focusWidget()
        menus = (self.looks, self.blends, self.cuts, self.views)
        is_open = any(each.menu() is not None and each.menu().isVisible() for each in menus)
        return is_open or (focus is not None and self.isAncestorOf(focus))

    def stand_in(self, size: QSize) -> None:
        """Take the lower right corner of a view of this size."""
        self.shift.setVisible(size.width() >= _WIDE)
        self.adjustSize()
        x = max(0, size.width() - self.width() - 2 * GRID)
        self.move(x, max(0, size.height() - self.height() - 2 * GRID))

    def refresh(self) -> None:
        """Show what is on."""
        for name, button in self.buttons.items():
            button.setChecked(self._commands.is_on(name))
        prepared = self._stage.prepared
        if prepared is not None:
            step = 0.02 * (prepared.span[1] - prepared.span[0])
            self._moved = max(-_STEPS, min(_STEPS, round(self._stage.state.shift / step)))
            self.shift.blockSignals(True)
            self.shift.setValue(self._moved)
            self.shift.blockSignals(False)

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        for name, button in self.buttons.items():
            _name(button, tip_of(_BY_ID[name]), tr(_BY_ID[name].title))
        _name(self.looks, tr("Looks  1–9"), tr("Looks"))
        _name(self.blends, tr("Projection  M"), tr("Projection"))
        _name(self.cuts, tr("Cuts"), tr("Cuts"))
        _name(self.views, tr("Sides and slices"), tr("Sides and slices"))
        _name(self.shift, tr("Shift the look along the values  [ ]"), tr("Shift of the look"))

    def _button(self, row: QHBoxLayout, name: str) -> None:
        command = _BY_ID[name]
        made = _tool(command.icon)
        made.setCheckable(name not in ("reset_view",))
        made.clicked.connect(partial(self._run, name))
        self.buttons[name] = made
        row.addWidget(made)

    def _run(self, name: str, _checked: bool = False) -> None:
        self._commands.run(name)
        self.refresh()

    def _menu_button(self, row: QHBoxLayout, icon_name: str) -> QToolButton:
        made = _tool(icon_name)
        made.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(made)
        menu.aboutToShow.connect(partial(self._fill, made, menu))
        made.setMenu(menu)
        row.addWidget(made)
        return made

    def _fill(self, button: QToolButton, menu: QMenu) -> None:
        """Menus are made anew each time: looks and states change."""
        menu.clear()
        if button is self.looks:
            for number, look in enumerate(self._stage.looks):
                name = look.name if look.is_own else tr(look.name)
                keys = f"\t{number + 1}" if number < 9 else ""
                action = menu.addAction(
                    f"{name}{keys}", partial(self._commands.choose_look, number)
                )
                action.setCheckable(True)
                action.setChecked(number == self._stage.state.number)
        elif button is self.blends:
            shown = self._stage.look
            for blend, name in blend_names().items():
                action = menu.addAction(name, partial(self._commands.set_blend, blend))
                action.setCheckable(True)
                action.setChecked(shown is not None and shown.blend == blend)
        else:
            for name in _MENUS["cuts" if button is self.cuts else "views"]:
                command = _BY_ID[name]
                keys = f"\t{command.keys}" if command.keys else ""
                action = menu.addAction(
                    f"{tr(command.title)}{keys}", partial(self._commands.run, name)
                )
                is_switch = name.startswith("cut_") and not name.startswith("cut_d")
                action.setCheckable((is_switch and name != "cut_shallower") or name == "volume")
                action.setChecked(self._commands.is_on(name))

    def _shift(self, value: int) -> None:
        by, self._moved = value - self._moved, value
        self._commands.shift(by)


def _tool(icon_name: str) -> QToolButton:
    made = QToolButton()
    made.setIcon(icon(icon_name, INK.text))
    made.setIconSize(QSize(16, 16))
    made.setFixedSize(_SIDE, _SIDE)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.setStyleSheet("padding: 0;")
    return made


def _name(widget: QWidget, tip: str, name: str) -> None:
    widget.setToolTip(tip)
    widget.setAccessibleName(name)
