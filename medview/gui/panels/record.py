"""The record panel: documents with what was found in them, lists, what is known, a search."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from medview.core.observation import Observation
from medview.core.words import current_language, tr
from medview.gui.bridge import SessionBridge
from medview.gui.growing import GrowingColumn, Maker
from medview.gui.panels.record_body import Body, totals_of
from medview.gui.panels.record_document import DocumentCard
from medview.gui.panels.record_documents import DocumentCards
from medview.gui.panels.record_filters import ALL
from medview.gui.panels.record_finding import Searching
from medview.gui.panels.record_joining import JoinDialog
from medview.gui.panels.record_top import DOCUMENTS, SUMMARY, RecordTop
from medview.gui.style import tokens
from medview.record import Chart
from medview.session import Session
from medview.session.documents import OpenDocument, patient_key
from medview.session.dossiers import Dossier, chart_of_dossier, dossiers, known_of_dossier
from medview.session.events import (
    ActiveChanged,
    DocumentsChanged,
    Event,
    HoldingsChanged,
    KnowledgeChanged,
    ShowSource,
)
from medview.session.timeline import IN_LIBRARY, happenings

if TYPE_CHECKING:
    from medview.library import StudyEntry

_AT_ONCE = 20  # documents; a card lays out its text in the window's thread
Run = Callable[[Callable[[], object], Callable[[object], None]], None]


@dataclass(frozen=True, slots=True)
class Reckoned:
    """What is known in one dossier, and the lists made of it."""

    key: str = ""
    known: tuple[Observation, ...] = ()
    chart: Chart = field(default_factory=Chart)


def wait(work: Callable[[], object], then: Callable[[object], None]) -> None:
    """Do something slow, then hand its result on."""
    then(work())


class RecordPanel(QWidget):
    """Shows a patient's documents and what is known; asks the session for both.

    run: does slow work and hands its result on; that of the window in a thread.
    """

    report_asked = Signal()
    study_asked = Signal(object)  # a StudyEntry of the library, to be opened

    def __init__(
        self,
        session: Session,
        parent: QWidget | None = None,
        today: Callable[[], dt.date] = dt.date.today,
        run: Run = wait,
    ) -> None:
        super().__init__(parent)
        self.session, self._today, self.run = session, today, run
        self._filter, self._view, self._chosen = ALL, DOCUMENTS, ""
        self._shown: object = None
        self._number, self._reckoned = 0, Reckoned()
        self._room, self._asked = _AT_ONCE, ""
        self._priors: tuple[str, tuple[StudyEntry, ...]] = ("", ())  # of which patient
        self.top = RecordTop()
        self.filters = self.top.filters
        self.filters.chosen.connect(self.choose)
        self.top.view_chosen.connect(self.show_view)
        self.top.dossier_chosen.connect(self.choose_dossier)
        self._column = GrowingColumn()
        self._body = Body(self)
        self._documents = DocumentCards(self, self._column)
        self.searching = Searching(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.top)
        layout.addWidget(self._column, 1)
        self._later = QTimer(self, singleShot=True)
        self._later.timeout.connect(self._refresh)
        SessionBridge(session, self).heard.connect(self._hear)
        self.retranslate()

    @property
    def dossier(self) -> Dossier | None:
        """Whose record is shown, None while nothing is open."""
        people = dossiers(self.session)
        return next((d for d in people if d.key == self._chosen), people[0] if people else None)

    @property
    def documents(self) -> tuple[OpenDocument, ...]:
        """The documents of whose record is shown, newest first."""
        return () if self.dossier is None else self.dossier.documents

    @property
    def is_whole(self) -> bool:
        """Whether every card of the view is there; they are made one after the other."""
        return self._column.is_whole and self._documents.is_whole

    @property
    def view(self) -> str:
        """Which part of the record is shown."""
        return self._view

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self._column.setAccessibleName(tr("Record"))
        self.top.retranslate()
        self._refresh()

    def choose(self, group: str) -> None:
        """Underline only one group (`all`, or one of record.summary.GROUPS)."""
        self._filter = group
        self._room, self._asked = _AT_ONCE, ""
        self._show()

    def choose_dossier(self, key: str) -> None:
        """Show the record of another patient whom documents name."""
        self._chosen = key
        self._filter, self._room, self._asked = ALL, _AT_ONCE, ""
        self._refresh()
        self.searching.again()

    def show_view(self, view: str) -> None:
        """Show documents, lists or the timeline."""
        self._view = view
        self._show()

    def show_document(self, document_id: str) -> None:
        """Scroll to a document."""
        card = self._reach(document_id)
        if card is not None:
            QTimer.singleShot(0, card, lambda: self._scroll_to(card, 0))

    def show_source(self, locator: str) -> None:
        """Scroll to the words of `document:<id>:<start>:<end>` and mark them."""
        _, _, rest = locator.partition(":")
        document_id, start, end = [*rest.split(":"), "0", "0"][:3]
        card = self._reach(document_id)
        if card is None:
            return
        span = int(start), int(end)
        card.point_at(*span)
        # The card takes its new height first.
        QTimer.singleShot(0, card, lambda: self._scroll_to(card, card.point_at(*span)))

    def show_widget(self, widget: QWidget) -> None:
        """Scroll to a part of a card."""
        self._column.ensureWidgetVisible(widget)

    def ask_source(self, locator: str) -> None:
        """Have a source shown, wherever it is."""
        if locator.startswith(IN_LIBRARY):
            uid = locator.removeprefix(IN_LIBRARY)
            for entry in self._earlier():
                if entry.uid == uid:
                    self.study_asked.emit(entry)
            return
        self.session.events.send(ShowSource(locator))

    def show_priors(self, found: Sequence[StudyEntry]) -> None:
        """Studies that the library knows of the patient who is open, for the timeline."""
        if self.session.patient is not None:
            self._priors = (patient_key(self.session.patient), tuple(found))
            self._later.start(0)

    def _earlier(self) -> tuple[StudyEntry, ...]:
        patient, (whose, found) = self.session.patient, self._priors
        return found if patient is not None and patient_key(patient) == whose else ()

    @property
    def cards(self) -> Mapping[str, DocumentCard]:
        """The cards of documents that are shown, by document."""
        return self._documents.cards

    def card_of(self, document_id: str) -> DocumentCard:
        """The card of a document that is shown. Raises KeyError."""
        return self.cards[document_id]

    def show_more(self) -> None:
        """Show more documents."""
        self._room += _AT_ONCE
        self._show()

    def ask_whose(self, document_id: str) -> None:
        """Ask whether a document of somebody else is this patient's; a yes can be undone."""
        patient = self.session.patient
        item = next((d for d in self._refused() if d.document.id == document_id), None)
        if patient is None or item is None:
            return
        dialog = JoinDialog(item, self)
        dialog.accepted.connect(lambda: self.session.documents.confirm(document_id, patient))
        dialog.open()

    def part(self, document_id: str) -> None:
        """Keep a document apart again that the reader had taken for this patient."""
        if self.session.patient is not None:
            self.session.documents.part(document_id, self.session.patient)

    def _reach(self, document_id: str) -> DocumentCard | None:
        """The card of a document, made where it stands below the button; None without one."""
        for dossier in dossiers(self.session):
            if any(item.document.id == document_id for item in dossier.documents):
                self._chosen = dossier.key
        if self._view != DOCUMENTS or self._filter != ALL or document_id not in self.cards:
            self._view, self._filter, self._asked = DOCUMENTS, ALL, document_id
        self._draw()
        return self.cards.get(document_id)

    def _hear(self, event: Event) -> None:
        if isinstance(event, DocumentsChanged | KnowledgeChanged | ActiveChanged | HoldingsChanged):
            # Several events come of one change: the cards are built once, after the last.
            self._later.start(0)

    def _refresh(self) -> None:
        """Reckon what is known anew, away from the window's thread, and draw again."""
        self._later.stop()
        self._number += 1
        number, dossier, today = self._number, self.dossier, self._today()

        def work() -> tuple[object, Reckoned]:
            known = known_of_dossier(self.session, dossier)
            chart = chart_of_dossier(self.session, known, today)
            return number, Reckoned(dossier.key if dossier else "", known, chart)

        self.run(work, self._take)

    def _take(self, found: object) -> None:
        if isinstance(found, tuple) and found[0] == self._number:
            self._reckoned = found[1]
            self._draw()

    def _show(self) -> None:
        """Draw again; where something changed that was not looked at yet, that goes before."""
        if self._later.isActive():
            self._refresh()
        else:
            self._draw()

    def _draw(self) -> None:
        """Draw again, where something that is shown changed."""
        people = dossiers(self.session)
        dossier = next((d for d in people if d.key == self._chosen), people[0] if people else None)
        key = dossier.key if dossier else ""
        reckoned = self._reckoned if self._reckoned.key == key else Reckoned(key)
        shown = () if dossier is None else dossier.documents
        refused, unread = self._refused(), self.session.documents.unread
        state = (
            [(id(d.note), d.document.id) for d in shown], [d.document.id for d in refused],
            unread, reckoned.known, self._filter, self._view, current_language(), tokens(),
            self.session.patient is None, self._room, self._asked,
            dict(self.session.settings.stale_days),
            [(d.key, d.name) for d in people], key, [entry.uid for entry in self._earlier()],
        )  # fmt: skip
        if state == self._shown:
            return
        self._shown = state
        self.top.setVisible(bool(shown))
        self.top.show_people(people, key)
        self.top.show_view(self._view)
        self.filters.fill(totals_of(shown), self._filter)
        made = self._makers(shown, reckoned.chart)
        if self._view == DOCUMENTS and self._filter == ALL:
            made += self._body.apart(refused[: self._room], len(refused), unread)
        self._column.grow(made or [partial(self._body.empty, has_documents=bool(shown))])
        self.searching.show_hits(self.cards)

    def _makers(self, shown: Sequence[OpenDocument], chart: Chart) -> list[Maker]:
        """What makes the cards of the view, from the top."""
        made: list[Maker] = list(self._body.contradictions(shown))
        if self._view != DOCUMENTS:
            self._documents.forget()
        if self._view == SUMMARY:
            return made + self._body.summary(chart)
        if self._view != DOCUMENTS:
            found = happenings(self.session, shown, chart, self._earlier())
            return made + self._body.timeline(found)
        made += self._documents.widgets(shown, self._filter, self._room, self._asked)
        made += self._body.more(self._documents.left)
        made += self._body.trends(chart, self._filter)
        return made + (self._body.known(chart) if self._filter == ALL else [])

    def _refused(self) -> tuple[OpenDocument, ...]:
        patient = self.session.patient
        return self.session.documents.refused_for(patient) if patient is not None else ()

    def _scroll_to(self, card: DocumentCard, height: int) -> None:
        bar = self._column.verticalScrollBar()
        bar.setValue(max(0, card.y() + height - 80))
