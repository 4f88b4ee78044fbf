"""The bar at the top: one row that never wraps; what does not fit goes into the last button."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QToolButton, QWidget

from medview.core.words import tr
from medview.gui.actions import ROWS, Actions
from medview.gui.bar_tools import PLAIN, ActionButton, ToolGroup, group_title, tool_groups
from medview.gui.cards import button
from medview.gui.menus import group_menu, program_menu
from medview.gui.style import GRID, TOP_BAR, icon, tokens

_NARROW = 1150
_LEAST = 320  # pixels of a bar that still can be used
_WIDE_SEARCH = 220
Part = TypeVar("Part", bound=QWidget)
_TOOLS = tuple(row.id for row in ROWS if row.group == "tool")


class TopBar(QWidget):
    """Menu, open, layout, tools, presets, cine, state of the analysis process, search."""

    preset_chosen = Signal(int)  # 0 automatic, 1 as in the file, 2... presets of the modality
    search_asked = Signal()

    def __init__(self, actions: Actions, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFixedHeight(TOP_BAR)
        self._actions = actions
        self._active_tool = "window"
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(2 * GRID, 0, 2 * GRID, 0)
        self._layout.setSpacing(GRID // 2)
        self._menu_button = self._menu_tool()
        self._open = self._button("folder-open", actions["file.open_folder"].trigger)
        self.layout_button = self._menu_tool()
        self._separator()
        self.tool_buttons = {tool: self._add(ActionButton(tool, actions)) for tool in PLAIN}
        self.tool_groups = {
            name: self._add(ToolGroup(name, tools, actions))
            for name, tools in tool_groups().items()
        }
        self._separator()
        self._presets = self._menu_tool()
        self._cine = self._add(ActionButton("cine.toggle", actions))
        self._separator()
        self._worker = self._button("sparkles", actions["models.analyse"].trigger)
        self._layout.addStretch(1)
        self._more = self._menu_tool()
        self._more.setMenu(QMenu(self._more))
        self._more.menu().aboutToShow.connect(self._fill_more)
        self._search = self._add(button("", "", self.search_asked.emit))
        # What goes first where there is no room, with what stands for it in the last menu.
        self._goes: tuple[tuple[QWidget, QAction | QToolButton], ...] = (
            *((self.tool_buttons[tool], actions[tool]) for tool in reversed(PLAIN[1:])),
            (self._worker, actions["models.analyse"]),
            (self._cine, actions["cine.toggle"]),
            *((group, group) for group in reversed(self.tool_groups.values())),
            (self.layout_button, self.layout_button),
            (self._presets, self._presets),
            (self._search, actions["help.palette"]),
        )
        self._gone: tuple[QWidget, ...] = ()
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._fit)
        self.retranslate()

    def open_menu(self, group: str) -> None:
        """A group's menu, below the program's button."""
        menu = group_menu(self._actions, group, self)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self._menu_button.mapToGlobal(self._menu_button.rect().bottomLeft()))
        menu.setActiveAction(next(iter(menu.actions())))

    def show_preset(self, text: str, numbers: str) -> None:
        """Name of the window in use and its numbers."""
        self._presets.setText(f"{text}   {numbers}".strip())
        self._soon.start()

    @property
    def preset_menu(self) -> QMenu | None:
        """The windows that can be chosen now."""
        return self._presets.menu()

    def set_presets(self, names: list[str], of_file: Sequence[str] = ()) -> None:
        """The windows to choose from; the place in the list is the number of the key.

        of_file: every window and VOI LUT of the file, chosen as FROM_FILE and its place.
        """
        from medview.gui.views.windowing import FROM_FILE  # numpy: not before the window is seen

        menu = QMenu(self._presets)
        for number, name in enumerate(names):
            keys = f"\t{number}" if number < 10 else ""
            menu.addAction(f"{name}{keys}", partial(self.preset_chosen.emit, number))
        if of_file:
            menu.addSection(tr("As in the file"))
        for place, name in enumerate(of_file):
            menu.addAction(name, partial(self.preset_chosen.emit, FROM_FILE + place))
        _open_by(self._presets, menu)

    def show_worker(self, words: str, state: str) -> None:
        """State of the analysis process, in words and with a tint."""
        tint = {"ready": tokens().good, "busy": tokens().accent, "dead": tokens().bad}
        self._worker.setText(words)
        self._worker.setAccessibleName(words)
        self._worker.setStyleSheet(f"color: {tint.get(state, tokens().muted)};")
        self._worker.setIcon(icon("sparkles", tint.get(state, tokens().muted)))
        self._soon.start()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        for made, sign, words in (
            (self._menu_button, "menu", tr("Menu")),
            (self.layout_button, "layout-grid", tr("Layout")),
            (self._presets, "", tr("Window presets")),
            (self._more, "chevron-right", tr("More")),
        ):
            if sign:
                made.setIcon(icon(sign))
            made.setToolTip(words)
            made.setAccessibleName(words)
        self._open.setIcon(icon("folder-open"))
        self._open.setText(tr("Open"))
        self._open.setAccessibleName(self._actions["file.open_folder"].iconText())
        self._open.setToolTip(self._actions["file.open_folder"].toolTip())
        self._worker.setToolTip(self._actions["models.analyse"].toolTip())
        _open_by(self._menu_button, program_menu(self._actions, self._menu_button))
        self._fit_what_is_seen()

    def show_cine(self, *, is_playing: bool) -> None:
        """Whether a cine plays: the button then stops it."""
        self._actions["cine.toggle"].setChecked(is_playing)
        self._cine.setIcon(icon("pause" if is_playing else "play"))

    def set_layout_menu(self, menu: QMenu) -> None:
        """What the layout's button opens."""
        self.layout_button.setMenu(menu)

    def show_layout(self, name: str) -> None:
        """The layout in use, as `2x3`."""
        self.layout_button.setText(name.replace("x", " × "))
        self._soon.start()

    def show_tool(self, name: str) -> None:
        """Mark one tool as the active one; it alone carries its name."""
        self._active_tool = name
        for tool in _TOOLS:
            self._actions[tool].setChecked(tool == f"tool.{name}")
        self._fit_what_is_seen()

    def minimumSizeHint(self) -> QSize:
        """What does not fit goes into the last menu: the bar asks for little."""
        return QSize(_LEAST, TOP_BAR)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """On a narrow window words go first, then buttons."""
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        """Another type or style: other widths."""
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._soon.start()
        super().changeEvent(event)

    # -- what fits -----------------------------------------------------------------------------

    def _fit_what_is_seen(self) -> None:
        """Before the bar is shown its width is none: showing it fits it."""
        if self.isVisible():
            self._fit()

    def _fit(self) -> None:
        is_wide = self.width() >= _NARROW
        active = f"tool.{self._active_tool}"
        for tool, made in self.tool_buttons.items():
            made.show_named(is_named=is_wide and tool == active)
        for group in self.tool_groups.values():
            group.show_tool(active, is_wide=is_wide)
        self._name_search(is_wide=is_wide)
        shown = [each for each, _ in self._goes if each is not self._presets or self._has_preset]
        gone: list[QWidget] = []
        needed = self._needed(shown)
        for each, _ in self._goes:
            if needed <= self.width():
                break
            if each in shown:
                shown.remove(each)
                gone.append(each)
                needed -= _width(each) + self._layout.spacing()
        for each, _ in self._goes:
            each.setVisible(each in shown)
        self._more.setVisible(bool(gone))
        self._gone = tuple(gone)

    @property
    def _has_preset(self) -> bool:
        return bool(self._presets.text())

    def _needed(self, shown: list[QWidget]) -> int:
        """The width of the bar with these parts, the last menu's button included."""
        known = {each for each, _ in self._goes}
        margins = self._layout.contentsMargins()
        needed = margins.left() + margins.right()
        for number in range(self._layout.count()):
            item = self._layout.itemAt(number)
            widget = None if item is None else item.widget()
            if item is None or (widget is not None and widget in known and widget not in shown):
                continue
            width = item.sizeHint().width() if widget is None else _width(widget)
            needed += width + self._layout.spacing()
        return needed

    def _fill_more(self) -> None:
        """What does not fit, as it is when the menu is opened."""
        menu = self._more.menu()
        menu.clear()
        for each, stands in reversed(self._goes):
            if each not in self._gone:
                continue
            if isinstance(stands, QAction):
                self._actions.dress([stands.objectName()])
                menu.addAction(stands)
                continue
            inner = stands.menu()
            if inner is not None:
                title = stands.accessibleName()
                if isinstance(stands, ToolGroup):
                    title = group_title(stands.name)
                inner.setTitle(title)
                menu.addMenu(inner)

    def _name_search(self, *, is_wide: bool) -> None:
        whole = tr("Search actions and studies")
        keys = self._actions.keys_of(self._actions["help.palette"])
        self._search.setAccessibleName(whole)
        self._search.setToolTip(f"{whole}  {keys}".rstrip())
        self._search.setMinimumWidth(_WIDE_SEARCH if is_wide else 0)
        self._search.setText(f"{whole if is_wide else tr('Search')}    {keys}".rstrip())

    # -- parts -----------------------------------------------------------------------------------

    def _add(self, made: Part) -> Part:
        self._layout.addWidget(made)
        return made

    def _button(self, sign: str, on_click: Callable[[], object]) -> QToolButton:
        made = self._add(QToolButton())
        made.setIcon(icon(sign))
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        made.clicked.connect(lambda _checked=False: on_click())
        return made

    def _menu_tool(self) -> QToolButton:
        made = self._add(QToolButton())
        made.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        return made

    def _separator(self) -> None:
        line = QFrame()
        line.setProperty("role", "line")
        line.setFixedSize(1, 20)
        self._layout.addSpacing(GRID // 2)
        self._layout.addWidget(line)
        self._layout.addSpacing(GRID // 2)


def _open_by(button: QToolButton, menu: QMenu) -> None:
    """A menu in the place of the one that a button opened."""
    before = button.menu()
    button.setMenu(menu)
    if before is not None:
        before.deleteLater()


def _width(widget: QWidget) -> int:
    return max(widget.sizeHint().width(), widget.minimumWidth())
