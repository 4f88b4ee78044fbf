"""What the window's own actions do; those of other rooms are connected in their modules."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from medview.core.words import tr
from medview.gui.actions import ROWS
from medview.gui.dialogs.files import ask_files, ask_folder
from medview.gui.views.commands import VIEW_ACTIONS

if TYPE_CHECKING:
    from medview.gui.window import MainWindow


class ActionWork:
    """Connects the table of actions to the window and to its active view."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._connect_files()
        self._connect_looks()
        self._connect_view()

    def _connect_files(self) -> None:
        window, on = self._window, self._window.actions_.connect
        on("file.open_folder", self._ask_folder)
        on("file.open_files", self._ask_files)
        on("file.open_demo", window.open_demo)
        on("file.save_report", window.sidebar.save_report)
        on("file.save_objects", window.sidebar.save_objects)
        on("file.anonymize", window.show_anonymize)
        on("file.close_patient", window.close_patient)
        on("file.settings", window.preferences.ask)
        on("file.doctor", window.examine_shown)
        on("file.quit", window.close)
        on("models.analyse", window.analyse)
        on("models.cancel", window.cancel)
        on("help.palette", window.show_palette)
        on("help.keys", window.notices.show_keys)
        on("help.messages", window.notices.show_messages)
        on("help.about", window.notices.show_about)

    def _connect_looks(self) -> None:
        window, on, preferences = (
            self._window,
            self._window.actions_.connect,
            self._window.preferences,
        )
        on("view.left_panel", partial(preferences.fold, "left_panel", window.studies))
        on("view.right_panel", partial(preferences.fold, "right_panel", window.sidebar))
        on("view.overlay", preferences.set_overlay)
        on("view.corner_text", preferences.set_corner_text)
        on("view.letters", preferences.set_letters)
        on("view.theme", preferences.set_theme)
        on("view.full_screen", self._set_full_screen)
        on("view.language", preferences.next_language)

    def _connect_view(self) -> None:
        """What is about one view is done in the active one."""
        actions = self._window.actions_
        for row in ROWS:
            if row.id in VIEW_ACTIONS and not row.switch:
                actions.connect(row.id, partial(self._in_view, row.id))
        for name, step in (("next", 1), ("previous", -1)):
            actions.connect(f"layout.{name}_tile", partial(self._step_tile, step))
            actions.connect(f"layout.{name}_part", partial(self._step_part, step))
        actions.connect("edit.undo", self._window.reactions.undo)
        actions.connect("edit.redo", self._window.reactions.redo)
        actions.connect("view.suv_unit", self._window.reactions.next_unit)

    def _in_view(self, action_id: str) -> None:
        self._window.grid.active_view.commands.perform(action_id)

    def _step_tile(self, step: int) -> None:
        """The keys to the next view, round about."""
        grid = self._window.grid
        stops = [(tile, view) for tile in grid.tiles if (view := tile.focus_view) is not None]
        if not stops:
            return
        focused = (n for n, (_, view) in enumerate(stops) if view.hasFocus())
        active = (n for n, (tile, _) in enumerate(stops) if tile is grid.active_tile)
        at = next(focused, next(active, -step))
        tile, view = stops[(at + step) % len(stops)]
        grid.activate(tile)
        view.setFocus(Qt.FocusReason.TabFocusReason)

    def _step_part(self, step: int) -> None:
        """The keys to the next part of the window: bar, studies, views, panels, status."""
        window = self._window
        parts = [
            part
            for part in (window.top, window.studies, window.grid, window.sidebar, window.status)
            if part.isVisible() and _first_stop(part) is not None
        ]
        now = (n for n, part in enumerate(parts) if _holds(part, window.focusWidget()))
        part = parts[(next(now, -step) + step) % len(parts)]
        stop = window.grid.active_view if part is window.grid else _first_stop(part)
        if stop is not None:
            stop.setFocus(Qt.FocusReason.TabFocusReason)

    def _set_full_screen(self, on: bool) -> None:
        state = self._window.windowState()
        full = Qt.WindowState.WindowFullScreen
        self._window.setWindowState(state | full if on else state & ~full)

    def _ask_folder(self) -> None:
        ask_folder(self._window, tr("Open folder…"), lambda path: self._window.open_paths([path]))

    def _ask_files(self) -> None:
        ask_files(self._window, tr("Open files…"), self._window.open_paths)


def _holds(part: QWidget, focus: QWidget | None) -> bool:
    return focus is not None and part.isAncestorOf(focus)


def _first_stop(part: QWidget) -> QWidget | None:
    """The first widget of a part that takes the keys."""
    return next(
        (
            widget
            for widget in part.findChildren(QWidget)
            if widget.isVisible()
            and widget.isEnabled()
            and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        ),
        None,
    )
