"""What can be done with the measurement that is selected in the active view."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QGuiApplication

from medview.core.geometry import PatientPoint
from medview.core.results import Measurement
from medview.core.words import say, tr
from medview.gui.dialogs.asking import ask_text
from medview.imaging import roi
from medview.session import measures
from medview.session.work import WorkBook

if TYPE_CHECKING:
    from medview.gui.window import MainWindow

_OFFERED = ("edit.delete", "measure.label", "measure.go_to", "measure.copy", "measure.hide")


class ChosenWork:
    """Carries out the actions on the selected measurement; says so where none is selected."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        on = window.actions_.connect
        for name, does in (
            ("label", self._rename),
            ("go_to", self._go_to),
            ("copy", self._copy),
            ("hide", self._hide),
            ("label_back", self._put_label_back),
        ):
            on(f"measure.{name}", partial(self._with_chosen, does))
        on("measure.show_hidden", self._show_hidden)

    def offered(self, measurement_id: str) -> tuple[str, ...]:
        """The actions that a right click on a measurement offers, the commonest first."""
        book = self._window.session.book
        if book is None:
            return ()
        known = {m.id: m for m in book.work.measurements}
        hidden = ("measure.show_hidden",) if book.work.hidden_measurements else ()
        if measurement_id not in known:
            return hidden
        back = ("measure.label_back",) if known[measurement_id].label_shift else ()
        return (*_OFFERED, *back, *hidden)

    def _with_chosen(self, does: Callable[[WorkBook, Measurement], object]) -> None:
        book = self._window.session.book
        chosen = self._window.grid.active_view.stage.measuring.selected
        found = () if book is None else book.work.measurements
        measurement = next((m for m in found if m.id == chosen), None)
        if book is None or measurement is None:
            self._window.reactions.say(say("Click on a measurement first."))
        else:
            does(book, measurement)

    def _rename(self, book: WorkBook, chosen: Measurement) -> None:
        ask_text(self._window, tr("Label"), chosen.text, partial(measures.rename, book, chosen.id))

    def _go_to(self, _book: WorkBook, chosen: Measurement) -> None:
        """Every view shows its middle."""
        middle = [sum(parts) / len(parts) for parts in zip(*chosen.points, strict=True)]
        self._window.grid.go_to(PatientPoint(*middle))

    def _copy(self, _book: WorkBook, chosen: Measurement) -> None:
        QGuiApplication.clipboard().setText(roi.as_text(chosen))
        self._window.reactions.say(say("The numbers are on the clipboard."))

    def _hide(self, book: WorkBook, chosen: Measurement) -> None:
        self._window.grid.active_view.stage.measuring.select("")
        measures.hide(book, chosen.id)

    def _put_label_back(self, book: WorkBook, chosen: Measurement) -> None:
        measures.put_label_back(book, chosen.id)

    def _show_hidden(self) -> None:
        book = self._window.session.book
        if book is None or not book.work.hidden_measurements:
            self._window.reactions.say(say("No measurement is hidden."))
        else:
            measures.show_again(book, book.work.hidden_measurements)
