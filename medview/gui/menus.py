"""Menus made from the table of actions: the program's, a group's, and that of an image view."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QMenu, QWidget

from medview.core.words import tr
from medview.gui.actions import GROUPS, Actions

_OF_A_VIEW = ("tool", "window", "colours", "view")  # what a right click offers


def group_menu(actions: Actions, group: str, parent: QWidget) -> QMenu:
    """The actions of one group; its letter opens it with Alt."""
    menu = QMenu(tr(GROUPS[group]), parent)
    actions.list_in(menu, list(actions.group(group)))
    return menu


def program_menu(actions: Actions, parent: QWidget) -> QMenu:
    """Every group as a menu of its own."""
    menu = QMenu(parent)
    for group in GROUPS:
        inner = group_menu(actions, group, menu)
        if not inner.isEmpty():
            menu.addMenu(inner)
    return menu


def view_menu(actions: Actions, parent: QWidget, first: Sequence[str] = ()) -> QMenu:
    """What a right click in an image view offers; first what is under the mouse."""
    menu = QMenu(parent)
    actions.list_in(menu, [actions[name] for name in first])
    if first:
        menu.addSeparator()
    actions.list_in(menu, [actions["models.analyse"]])
    menu.addSeparator()
    for group in _OF_A_VIEW:
        menu.addMenu(group_menu(actions, group, menu))
    return menu
