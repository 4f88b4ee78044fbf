"""The tools of the bar: those with a button of their own, and groups behind one button."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QMenu, QToolButton

from medview.core.words import tr
from medview.gui.actions import ROWS, Actions

PLAIN = ("tool.window", "tool.pan", "tool.zoom", "tool.scroll", "tool.crosshair")
_MEASURE = (
    "tool.length", "tool.bidirectional", "tool.angle", "tool.cobb", "tool.ctr", "tool.arrow",
    "tool.text", "tool.calibrate",
)  # fmt: skip
_ROI = (
    "tool.ellipse", "tool.rectangle", "tool.freehand", "tool.spline", "tool.livewire",
    "tool.sphere", "tool.suv_peak", "tool.probe", "tool.nodule",
)  # fmt: skip
_ICON_PX = 16


def tool_groups() -> dict[str, tuple[str, ...]]:
    """Every tool of the table that has no button of its own, by group, in the groups' order."""
    known = [row.id for row in ROWS if row.group == "tool"]
    groups = {"measure": _MEASURE, "roi": _ROI}
    named = {*PLAIN, *_MEASURE, *_ROI}
    found = {name: tuple(tool for tool in tools if tool in known) for name, tools in groups.items()}
    found["edit"] = tuple(tool for tool in known if tool not in named)
    return {name: tools for name, tools in found.items() if tools}


def group_title(name: str) -> str:
    """What a group of tools is called in the current language."""
    return {"measure": tr("Measure"), "roi": tr("Region"), "edit": tr("Edit")}[name]


class ActionButton(QToolButton):
    """An action in the bar: an icon, with its name while it is named."""

    def __init__(self, name: str, actions: Actions) -> None:
        super().__init__()
        actions.dress([name])
        self.setIconSize(QSize(_ICON_PX, _ICON_PX))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setDefaultAction(actions[name])
        self.show_named(is_named=False)

    def show_named(self, *, is_named: bool) -> None:
        """With its name, or the icon alone where it has one."""
        style = Qt.ToolButtonStyle
        if self.defaultAction().icon().isNull():
            self.setToolButtonStyle(style.ToolButtonTextOnly)
        else:
            self.setToolButtonStyle(
                style.ToolButtonTextBesideIcon if is_named else style.ToolButtonIconOnly
            )
        self.setAccessibleName(self.defaultAction().iconText())


class ToolGroup(ActionButton):
    """Tools behind one button: a click takes the one used last, the arrow shows all."""

    def __init__(self, name: str, tools: Sequence[str], actions: Actions) -> None:
        self.name = name
        self._tools, self._all = tools, actions
        super().__init__(tools[0], actions)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        menu = QMenu(self)
        actions.list_in(menu, [actions[tool] for tool in tools])
        self.setMenu(menu)

    def show_tool(self, tool: str, *, is_wide: bool) -> None:
        """Look like the active tool where it is one of these."""
        if tool in self._tools:
            self._all.dress([tool])
            self.setDefaultAction(self._all[tool])
        self.show_named(is_named=is_wide and tool in self._tools)

    def show_named(self, *, is_named: bool) -> None:
        """With the tool's name; its accessible name says the group too."""
        super().show_named(is_named=is_named)
        self.setAccessibleName(f"{group_title(self.name)}: {self.defaultAction().iconText()}")
