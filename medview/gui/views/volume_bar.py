"""The small row of tools in the volume view; seen while the view has the pointer or the keys."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QHBoxLayout, QMenu, QSlider, QToolButton, QWidget

from medview.core.words import tr
from medview.gui.actions.bindings import shown_keys
from medview.gui.actions.row import Row
from medview.gui.actions.volume_rows import VOLUME_ROWS
from medview.gui.style import GRID, icon, style_sheet, swatch
from medview.gui.views.ink import INK
from medview.gui.views.keys import default_bindings, who_answers
from medview.gui.views.volume_commands import VolumeCommands
from medview.gui.views.volume_painter import blend_names

_BY_ID = {row.id.removeprefix("volume."): row for row in VOLUME_ROWS}
_BUTTONS = ("light", "editor", "box", "lasso_remove", "spin", "reset_view")
_OPACITIES = (100, 70, 40, 20)  # percent
_MENUS = {
    "cuts": ("cut_axial", "cut_coronal", "cut_sagittal", "cut_free", "flip_cuts", "cut_deeper",
             "cut_shallower", "lasso_keep", "reset_box", "no_cuts", "undo", "redo"),
    "views": ("from_a", "from_p", "from_l", "from_r", "from_h", "from_f", "slices"),
}  # fmt: skip
_SWITCHES = ("cut_axial", "cut_coronal", "cut_sagittal", "cut_free", "lasso_keep")
_STEPS = 40  # of the shift slider to either side
_SIDE = 24
_WIDE = 440  # pixels of a view from which the slider has room


class VolumeBar(QWidget):
    """Looks, shift, projection, light, box, scissors, cuts, surfaces, sides, spin."""

    def __init__(self, commands: VolumeCommands, parent: QWidget) -> None:
        super().__init__(parent)
        self._commands = commands
        self._view = parent
        self._stage = commands.stage
        self._moved = 0  # where the slider was last
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setObjectName("volume-bar")
        # It lies on the picture, which is black in every theme.
        own = f"#volume-bar {{ background: {INK.surface_1}; border-radius: 4px; }}"
        self.setStyleSheet(style_sheet(INK) + own)
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
        self.surfaces = self._menu_button(row, "shapes")
        self.views = self._menu_button(row, "box")
        for name in _BUTTONS[4:]:
            self._button(row, name)
        self.retranslate()

    @property
    def has_focus(self) -> bool:
        """Whether one of its tools has the keys, or its menu is open."""
        focus = QApplication.focusWidget()
        menus = (self.looks, self.blends, self.cuts, self.surfaces, self.views)
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
            keys = self._keys_of(_BY_ID[name])
            title = tr(_BY_ID[name].title)
            _name(button, f"{title}  {keys}" if keys else title, title)
        _name(self.looks, tr("Looks  1–9"), tr("Looks"))
        _name(self.blends, tr("Projection  M"), tr("Projection"))
        _name(self.cuts, tr("Cuts"), tr("Cuts"))
        _name(self.surfaces, tr("Surfaces"), tr("Surfaces"))
        _name(self.views, tr("Sides and slices"), tr("Sides and slices"))
        _name(self.shift, tr("Shift the look along the values  [ ]"), tr("Shift of the look"))

    def _keys_of(self, row: Row) -> str:
        answering = who_answers(self)
        bindings = default_bindings() if answering is None else answering.bindings
        return ", ".join(shown_keys(bindings.keys(row.id)))

    def _button(self, row: QHBoxLayout, name: str) -> None:
        made = _tool(_BY_ID[name].icon)
        made.setCheckable(name not in ("reset_view",))
        made.clicked.connect(partial(self._run, name))
        self.buttons[name] = made
        row.addWidget(made)

    def _run(self, name: str, _checked: bool = False) -> None:
        if not self.has_focus:
            self._view.setFocus(Qt.FocusReason.MouseFocusReason)  # Esc ends what begins
        answering = who_answers(self)
        if answering is None:
            self._commands.run(name)
        else:  # the window does it, so that a script hears of it too
            answering.perform_action(f"volume.{name}")
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
            self._fill_looks(menu)
        elif button is self.blends:
            shown = self._stage.look
            for blend, name in blend_names().items():
                is_on = shown is not None and shown.blend == blend
                _entry(menu, name, partial(self._commands.set_blend, blend), is_on=is_on)
        elif button is self.surfaces:
            self._fill_surfaces(menu)
        else:
            for name in _MENUS["cuts" if button is self.cuts else "views"]:
                self._command(menu, name, has_mark=name in _SWITCHES)

    def _fill_looks(self, menu: QMenu) -> None:
        for number, look in enumerate(self._stage.looks):
            name = look.name if look.is_own else tr(look.name)
            keys = f"\t{number + 1}" if number < 9 else ""
            is_on = number == self._stage.state.number
            _entry(menu, name + keys, partial(self._commands.choose_look, number), is_on=is_on)

    def _fill_surfaces(self, menu: QMenu) -> None:
        self._command(menu, "surfaces", has_mark=True)
        extras = self._stage.extras
        for surface in extras.surfaces:
            is_on = surface.key not in extras.hidden
            action = _entry(menu, tr(surface.name), partial(self._hide, surface.key), is_on=is_on)
            action.setIcon(swatch(surface.colour))
        menu.addSeparator()
        for percent in _OPACITIES if extras.surfaces else ():
            share = percent / 100
            is_on = abs(extras.surface_opacity - share) < 0.01
            words = tr("{percent} % opaque", percent=percent)
            deed = partial(self._stage.show_beside, surface_opacity=share)
            _entry(menu, words, deed, is_on=is_on)
        menu.addSeparator()
        self._command(menu, "volume", has_mark=True)
        if extras.surfaces:
            menu.addAction(tr("Save surfaces as STL…"), self._commands.save_asked.emit)

    def _hide(self, key: tuple[str, int]) -> None:
        hidden = self._stage.extras.hidden
        self._stage.show_beside(hidden=hidden - {key} if key in hidden else hidden | {key})

    def _command(self, menu: QMenu, name: str, *, has_mark: bool) -> None:
        row = _BY_ID[name]
        keys = self._keys_of(row)
        words = f"{tr(row.title)}\t{keys}" if keys else tr(row.title)
        is_on = self._commands.is_on(name) if has_mark else None
        _entry(menu, words, partial(self._run, name), is_on=is_on)

    def _shift(self, value: int) -> None:
        by, self._moved = value - self._moved, value
        self._commands.shift(by)


def _entry(menu: QMenu, words: str, deed: Callable[[], object], *, is_on: bool | None) -> QAction:
    """A line of a menu; is_on: its mark, None for a line without."""
    action = menu.addAction(words)
    action.triggered.connect(lambda _checked=False: deed())
    action.setCheckable(is_on is not None)
    action.setChecked(bool(is_on))
    return action


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
