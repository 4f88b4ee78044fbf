"""The record panel: documents with what was found in them, trends, what is known."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QVBoxLayout, QWidget

from medview.core.observation import Bounds, Observation
from medview.core.words import current_language, tr
from medview.gui.bridge import SessionBridge
from medview.gui.cards import CardColumn, button, empty_state, label
from medview.gui.panels.record_cards import (
    DocumentCard,
    KnownCard,
    RefusedCard,
    TrendCard,
    unread_card,
)
from medview.gui.panels.record_filters import ALL, FilterChips
from medview.gui.style import GRID, tokens
from medview.record import groups_of, known_of, observations, trends
from medview.record.summary import GROUPS
from medview.session import Session
from medview.session.documents import OpenDocument
from medview.session.events import (
    ActiveChanged,
    DocumentsChanged,
    Event,
    HoldingsChanged,
    KnowledgeChanged,
    ShowSource,
)

_AT_ONCE = 20  # a card lays out its whole text in the window's thread


class RecordPanel(QWidget):
    """Shows the active patient's documents and what is known; asks the session for both."""

    def __init__(
        self,
        session: Session,
        parent: QWidget | None = None,
        today: Callable[[], dt.date] = dt.date.today,
    ) -> None:
        super().__init__(parent)
        self._session, self._today = session, today
        self._filter = ALL
        self._shown: object = None
        self._cards: dict[str, DocumentCard] = {}
        self._room, self._asked = _AT_ONCE, ""
        self.filters = FilterChips()
        self.filters.chosen.connect(self.choose)
        self._column = CardColumn()
        self._top = QWidget()
        top = QVBoxLayout(self._top)
        top.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 0)
        top.addWidget(self.filters)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._top)
        layout.addWidget(self._column, 1)
        SessionBridge(session, self).heard.connect(self._hear)
        self.retranslate()

    @property
    def documents(self) -> tuple[OpenDocument, ...]:
        """The patient's documents, newest first; all of them when no images are open."""
        patient, store = self._session.patient, self._session.documents
        found = store.opened if patient is None else store.of(patient)
        return tuple(sorted(found, key=lambda item: item.document.date[:10], reverse=True))

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self._column.setAccessibleName(tr("Record"))
        self._refresh()

    def choose(self, group: str) -> None:
        """Underline only one group (`all`, or one of record.summary.GROUPS)."""
        self._filter = group
        self._room, self._asked = _AT_ONCE, ""
        self._refresh()

    def show_document(self, document_id: str) -> None:
        """Scroll to a document."""
        card = self._reach(document_id)
        if card is not None:
            QTimer.singleShot(0, card, lambda: self._scroll_to(card, 0))

    def show_source(self, locator: str) -> None:
        """Scroll to the words of `document:<id>:<start>:<end>` and mark them."""
        _, _, rest = locator.partition(":")
        document_id, start, end = [*rest.split(":"), "0", "0"][:3]
        if self._filter != ALL:
            self.choose(ALL)
        card = self._reach(document_id)
        if card is None:
            return
        card.point_at(int(start), int(end))
        # The card takes its new height first.
        QTimer.singleShot(
            0, card, lambda: self._scroll_to(card, card.point_at(int(start), int(end)))
        )

    def card_of(self, document_id: str) -> DocumentCard:
        """The card of a document that is shown. Raises KeyError."""
        return self._cards[document_id]

    def _reach(self, document_id: str) -> DocumentCard | None:
        """The card of a document, made where it stands below the button; None without one."""
        if document_id not in self._cards:
            self._asked = document_id
            self._refresh()
        return self._cards.get(document_id)

    def _show_more(self) -> None:
        self._room += _AT_ONCE
        self._refresh()

    def _hear(self, event: Event) -> None:
        if isinstance(event, DocumentsChanged | KnowledgeChanged | ActiveChanged | HoldingsChanged):
            self._refresh()

    def _refresh(self) -> None:
        """Draw again, where something that is shown changed."""
        shown, refused = self.documents, self._refused()
        unread = self._session.documents.unread
        known = self._known(shown)
        state = (
            [d.document.id for d in shown], [d.document.id for d in refused], unread, known,
            self._filter, current_language(), tokens(), self._session.patient is None,
            self._room, self._asked,
        )  # fmt: skip
        if state == self._shown:
            return
        self._shown = state
        self._fill_filters(shown)
        widgets = [*self._document_cards(shown), *self._trend_cards(shown, known)]
        if self._filter == ALL:
            widgets += self._other_cards(refused, known)
        if not widgets:
            widgets = [self._empty()]
        self._top.setVisible(bool(shown))
        self._column.fill(widgets)

    def _chosen(self, shown: tuple[OpenDocument, ...]) -> list[tuple[OpenDocument, frozenset[str]]]:
        """The documents that the filter leaves, each with what is underlined in it."""
        pairs = ((item, self._ids(item)) for item in shown)
        return [(item, ids) for item, ids in pairs if ids or self._filter == ALL]

    def _document_cards(self, shown: tuple[OpenDocument, ...]) -> list[QWidget]:
        """Cards of the first documents, a button for more, and the one that was asked for."""
        chosen = self._chosen(shown)
        rest = chosen[self._room :]
        asked = [pair for pair in rest if pair[0].document.id == self._asked]
        self._cards = {}
        for item, ids in [*chosen[: self._room], *asked]:
            card = self._cards[item.document.id] = DocumentCard(item)
            card.text.show_only(ids)
        widgets: list[QWidget] = list(self._cards.values())
        return [*widgets, *self._more(len(rest) - len(asked))]

    def _more(self, left: int) -> list[QWidget]:
        if left <= 0:
            return []
        said = tr("Show more documents ({count} left)", count=left)
        return [button(said, "link", self._show_more)]

    def _refused(self) -> tuple[OpenDocument, ...]:
        return self._session.documents.refused if self._session.patient is not None else ()

    def _known(self, shown: tuple[OpenDocument, ...]) -> tuple[Observation, ...]:
        if self._session.patient is not None and self._session.active is not None:
            return self._session.observations()
        return observations(item.note for item in shown)

    def _fill_filters(self, shown: tuple[OpenDocument, ...]) -> None:
        counts = dict.fromkeys(GROUPS, 0)
        for item in shown:
            for entity in item.note.entities:
                for group in groups_of(entity):
                    counts[group] += 1
        self.filters.fill(counts, self._filter)

    def _ids(self, item: OpenDocument) -> frozenset[str]:
        entities = item.note.entities
        if self._filter == ALL:
            return frozenset(e.id for e in entities)
        return frozenset(e.id for e in entities if self._filter in groups_of(e))

    def _trend_cards(
        self, shown: tuple[OpenDocument, ...], known: tuple[Observation, ...]
    ) -> list[QWidget]:
        if self._filter not in (ALL, "labs"):
            return []
        references: dict[str, Bounds] = {}
        for item in shown:
            references.update(item.document.references)
        return [TrendCard(trend, self._today()) for trend in trends(known, references)]

    def _other_cards(
        self, refused: tuple[OpenDocument, ...], known: tuple[Observation, ...]
    ) -> list[QWidget]:
        cards: list[QWidget] = []
        plotted = {t.concept for t in trends(known, {})}
        listed = [k for k in known_of(known) if k.observation.concept not in plotted]
        if listed:
            card = KnownCard(listed, self._today())
            card.source_asked.connect(lambda at: self._session.events.send(ShowSource(at)))
            cards.append(card)
        if refused:
            cards.append(label(tr("Of somebody else"), "caption"))
        for item in refused[: self._room]:
            other = RefusedCard(item)
            other.confirmed.connect(self._confirm)
            cards.append(other)
        cards += self._more(len(refused) - self._room)
        if self._session.documents.unread:
            cards.append(unread_card(self._session.documents.unread))
        return cards

    def _confirm(self, document_id: str) -> None:
        if self._session.patient is not None:
            self._session.documents.confirm(document_id, self._session.patient)

    def _empty(self) -> QWidget:
        return empty_state(
            tr("No documents yet"),
            tr("Drop the patient's documents here: FHIR bundles, HL7 messages, C-CDA, text files."),
            tr("What they say is underlined in them, and feeds the risks."),
        )

    def _scroll_to(self, card: DocumentCard, height: int) -> None:
        bar = self._column.verticalScrollBar()
        bar.setValue(max(0, card.y() + height - 80))
