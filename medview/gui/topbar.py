"""The bar at the top: one row that never wraps; what does not fit goes into the menu."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QToolButton, QWidget

from medview.core.words import tr
from medview.gui.actions import Actions
from medview.gui.actions.measuring import TOOLS as MORE_TOOLS
from medview.gui.cards import button
from medview.gui.menus import group_menu, program_menu
from medview.gui.style import GRID, TOP_BAR, icon, tokens

TOOLS = ("window", "pan", "zoom", "scroll", "crosshair", "length", "ellipse", "probe")
_NARROW = 1150
_LEAST, _LEAST_SEARCH = 60, 120  # pixels that a button with words keeps


class TopBar(QWidget):
    """Menu, open, layout, tools, presets, state of the analysis process, search."""

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
        self._layout.addWidget(self._menu_button)
        self._open = self._tool(actions["file.open_folder"], named=True)
        self.layout_button = self._layout_tool()
        self._separator()
        self.tool_buttons = {name: self._tool(actions[f"tool.{name}"]) for name in TOOLS}
        self._measure = self._measure_tool()
        self._cine = self._tool(actions["cine.toggle"])
        self._separator()
        self._presets = QToolButton()
        self._presets.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._layout.addWidget(self._presets)
        self._separator()
        self._layout.addWidget(self._analysis_tool(actions["models.analyse"]))
        self._layout.addStretch(1)
        self._search = button("", "", self.search_asked.emit)
        self._layout.addWidget(self._search)
        # On a narrow window these are cut before the window is widened.
        self._search.setMinimumWidth(_LEAST_SEARCH)
        self._presets.setMinimumWidth(_LEAST)
        self._worker.setMinimumWidth(_LEAST)
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
        self._presets.setVisible(bool(text or numbers))

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
        self._presets.setMenu(menu)

    def show_worker(self, words: str, state: str) -> None:
        """State of the analysis process, in words and with a tint."""
        tint = {"ready": tokens().good, "busy": tokens().accent, "dead": tokens().bad}
        self._worker.setText(words)
        self._worker.setStyleSheet(f"color: {tint.get(state, tokens().muted)};")
        self._worker.setIcon(icon("sparkles", tint.get(state, tokens().muted)))

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self._menu_button.setIcon(icon("menu"))
        self._menu_button.setToolTip(tr("Menu"))
        self._menu_button.setAccessibleName(tr("Menu"))
        self._open.setText(tr("Open"))
        self._show_measure()
        self._name_search()
        self._presets.setToolTip(tr("Window presets"))
        self._presets.setAccessibleName(tr("Window presets"))
        self.layout_button.setIcon(icon("layout-grid"))
        self.layout_button.setToolTip(tr("Layout"))
        self.layout_button.setAccessibleName(tr("Layout"))
        menu = program_menu(self._actions, self._menu_button)
        self._menu_button.setMenu(menu)

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

    def show_tool(self, name: str) -> None:
        """Mark one tool as the active one; it alone carries its name."""
        self._active_tool = name
        self._show_measure()
        for other, tool in self.tool_buttons.items():
            self._actions[f"tool.{other}"].setChecked(other == name)
            is_named = other == name and self.width() >= _NARROW
            tool.setToolButtonStyle(
                Qt.ToolButtonStyle.ToolButtonTextBesideIcon
                if is_named
                else Qt.ToolButtonStyle.ToolButtonIconOnly
            )

    def _measure_tool(self) -> QToolButton:
        """The measuring tools that have no button of their own, behind one button."""
        made = self._menu_tool()
        menu = QMenu(made)
        menu.addActions([self._actions[line.id] for line in MORE_TOOLS])
        made.setMenu(menu)
        made.setCheckable(True)
        made.setIconSize(QSize(16, 16))
        self._layout.addWidget(made)
        return made

    def _show_measure(self) -> None:
        """The button of further tools looks like the one that is active."""
        row = next((r for r in MORE_TOOLS if r.id == f"tool.{self._active_tool}"), None)
        for other in MORE_TOOLS:
            self._actions[other.id].setChecked(other is row)
        is_wide = self.width() >= _NARROW
        name = tr("Measure") if row is None else tr(row.title)
        self._measure.setIcon(icon("bidirectional" if row is None else row.icon))
        self._measure.setText(name if is_wide else "")
        self._measure.setChecked(row is not None)
        self._measure.setToolTip(tr("More measuring tools"))
        self._measure.setAccessibleName(name)
        style = Qt.ToolButtonStyle
        self._measure.setToolButtonStyle(
            style.ToolButtonTextBesideIcon if is_wide else style.ToolButtonIconOnly
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        """On a narrow window words go, icons stay."""
        is_wide = self.width() >= _NARROW
        self._search.setVisible(self.width() >= 800)
        self._search.setMinimumWidth(220 if is_wide else _LEAST_SEARCH)
        self._name_search()
        self._presets.setVisible(self.width() >= 700 and bool(self._presets.text()))
        self.show_tool(self._active_tool)
        super().resizeEvent(event)

    def _name_search(self) -> None:
        whole = tr("Search actions and studies")
        self._search.setAccessibleName(whole)
        self._search.setToolTip(whole)
        words = whole if self.width() >= _NARROW else tr("Search")
        self._search.setText(f"{words}    Ctrl K")

    def _tool(self, action: QAction, *, named: bool = False) -> QToolButton:
        made = QToolButton()
        made.setDefaultAction(action)
        made.setIconSize(QSize(16, 16))
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        if named:
            made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._layout.addWidget(made)
        return made

    def _menu_tool(self) -> QToolButton:
        made = QToolButton()
        made.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        return made

    def _layout_tool(self) -> QToolButton:
        made = self._menu_tool()
        made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._layout.addWidget(made)
        return made

    def _analysis_tool(self, action: QAction) -> QToolButton:
        self._worker = QToolButton()
        self._worker.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._worker.clicked.connect(action.trigger)
        self._worker.setIcon(icon("sparkles"))
        return self._worker

    def _separator(self) -> None:
        line = QFrame()
        line.setProperty("role", "line")
        line.setFixedSize(1, 20)
        self._layout.addSpacing(GRID // 2)
        self._layout.addWidget(line)
        self._layout.addSpacing(GRID // 2)
