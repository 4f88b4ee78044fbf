"""The head of the record panel: whose record, search, what is shown of it, filters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QComboBox, QMenu, QPushButton, QVBoxLayout, QWidget

from medview.core.words import tr
from medview.gui.cards import button, row
from medview.gui.panels.record_filters import FilterChips
from medview.gui.panels.record_search import SearchBar
from medview.gui.style import GRID
from medview.session.dossiers import Dossier

DOCUMENTS, SUMMARY, TIMELINE = VIEWS = ("documents", "summary", "timeline")


class RecordTop(QWidget):
    """Stays where it is while the cards below it scroll."""

    dossier_chosen = Signal(str)
    view_chosen = Signal(str)
    action_asked = Signal(str)  # an action's name

    def __init__(self) -> None:
        super().__init__()
        self.people = QComboBox()
        self.people.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.people.activated.connect(
            lambda _n: self.dossier_chosen.emit(str(self.people.currentData()))
        )
        self.search = SearchBar()
        self.filters = FilterChips()
        self.views: dict[str, QPushButton] = {}
        for name in VIEWS:
            made = button("", "chip", partial(self.view_chosen.emit, name))
            made.setCheckable(True)
            made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            self.views[name] = made
        self.export = button("", "link", self._show_exports)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 0)
        layout.setSpacing(2 * GRID)
        layout.addWidget(self.people)
        layout.addWidget(self.search)
        layout.addWidget(row(*self.views.values(), None, self.export, spacing=GRID + 2))
        layout.addWidget(self.filters)

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.people.setAccessibleName(tr("Patient"))
        names = {
            DOCUMENTS: tr("Documents"),
            SUMMARY: tr("Summary"),
            TIMELINE: tr("Timeline"),
        }
        for name, made in self.views.items():
            made.setText(names[name])
            made.setAccessibleName(names[name])
        self.export.setText(tr("Save…"))
        self.export.setAccessibleName(tr("Save the record"))
        self.export.setToolTip(tr("As FHIR, or the notes that were corrected"))
        self.search.retranslate()

    def _show_exports(self) -> None:
        menu = QMenu(self)
        for title, name in (
            (tr("Save the record as FHIR…"), "record.export_fhir"),
            (tr("Save the corrected notes…"), "record.export_notes"),
        ):
            menu.addAction(title).triggered.connect(partial(self._ask, name))
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.export.mapToGlobal(QPoint(0, self.export.height())))

    def _ask(self, name: str, _checked: bool = False) -> None:
        self.action_asked.emit(name)

    def show_people(self, people: Sequence[Dossier], key: str) -> None:
        """Whose record may be chosen, where documents of several patients are open."""
        self.people.clear()
        for dossier in people:
            self.people.addItem(dossier.name or tr("Without a name"), dossier.key)
        self.people.setCurrentIndex(max(0, self.people.findData(key)))
        self.people.setHidden(len(people) < 2)

    def show_view(self, view: str) -> None:
        """Which part of the record is shown; filters hold for documents alone."""
        for name, made in self.views.items():
            made.setChecked(name == view)
        self.filters.setHidden(view != DOCUMENTS)
