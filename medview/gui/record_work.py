"""The record panel in the window: its keys, its slow work in threads, its way to the report."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from medview.gui.panels.record_top import VIEWS

if TYPE_CHECKING:
    from medview.gui.window import MainWindow


class RecordWork(QObject):
    """Joins the panel with the window's actions and operations."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._panel = window.sidebar.record
        self._panel.run = self._run  # type: ignore[method-assign]
        self._panel.report_asked.connect(partial(window.sidebar.show_tab, "report"))
        window.actions_.connect("record.search", self.search)
        for view in VIEWS:
            window.actions_.connect(f"record.{view}", partial(self.show_view, view))

    def search(self) -> None:
        """The cursor into the field of the record's search."""
        self._bring_forward()
        self._panel.searching.focus()

    def show_view(self, view: str) -> None:
        """One part of the record, in front."""
        self._bring_forward()
        self._panel.show_view(view)
        self._panel.top.views[view].setFocus()

    def _bring_forward(self) -> None:
        self._window.sidebar.setVisible(True)
        self._window.sidebar.show_tab("record")

    def _run(self, work: Callable[[], object], then: Callable[[object], None]) -> None:
        async def action() -> None:
            then(await self._window.operations.call(work))

        self._window.operations.start(action())
