"""Corrections by hand: what the cards of documents ask for goes to the session, away from here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from shiboken6 import isValid

from medview.core.errors import MedViewError
from medview.gui.panels.record_document import DocumentCard
from medview.session.events import GoTo, Message
from medview.session.locating import Located, locate

if TYPE_CHECKING:
    from medview.gui.panels.record import RecordPanel
    from medview.record import Entity
    from medview.session.documents import OpenDocument

Span = tuple[int, int]


class Correcting:
    """Makes the cards of documents and keeps the bar open on what was just put right."""

    def __init__(self, panel: RecordPanel) -> None:
        self._panel = panel
        self._open: tuple[str, Span] | None = None  # document and the mention the bar is on

    def card_for(self, item: OpenDocument) -> DocumentCard:
        """The card of a document, with its corrections; the bar is open where it was."""
        corrections = self._panel.session.corrections
        by_span = {(c.type, c.start, c.end): c for c in corrections.of(item)}
        entities = item.note.entities if by_span else ()  # of a long note there are many
        by_id = {
            e.id: by_span[e.type, e.start, e.end]
            for e in entities
            if (e.type, e.start, e.end) in by_span
        }
        card = DocumentCard(item, by_id)
        card.opened.connect(lambda entity: self._note(item, (entity.start, entity.end)))
        card.opened.connect(lambda entity: self._show_way(card, entity))
        card.clicked_on.connect(lambda entity: self._go(item, entity))
        card.changed.connect(lambda entity, values: self._change(item, entity, values))
        card.deleted.connect(lambda entity: self._do(lambda: corrections.delete(item, entity)))
        card.parted.connect(self._panel.part)
        card.added.connect(lambda start, end, kind: self._add(item, (start, end), kind))
        if self._open is not None and self._open[0] == item.document.id:
            span = self._open[1]
            found = next((e for e in item.note.entities if (e.start, e.end) == span), None)
            if found is not None:  # a turn later: card and bar are too much for one
                QTimer.singleShot(0, card, lambda: card.open_mention(found.id))
        return card

    def _note(self, item: OpenDocument, span: Span) -> None:
        self._open = (item.document.id, span)

    def _show_way(self, card: DocumentCard, entity: Entity) -> None:
        """A link to where the images show it, or why they do not."""
        bar, session = card.bar, self._panel.session

        def show(found: object) -> None:
            if not isinstance(found, Located) or bar is None:
                return
            if isValid(bar) and card.bar is bar:
                bar.show_way(str(found.title), str(found.said or ""), leads=bool(found.series_uid))
                bar.go_asked.connect(lambda: self._go(card.item, entity))

        self._panel.run(lambda: locate(session, card.item, entity), show)

    def _go(self, item: OpenDocument, entity: Entity) -> None:
        found = locate(self._panel.session, item, entity)
        if found is not None and found.series_uid:
            self._panel.session.events.send(GoTo(found.series_uid, found.point))

    def _change(self, item: OpenDocument, entity: Entity, values: dict[str, object]) -> None:
        start, end = values.get("start", entity.start), values.get("end", entity.end)
        if isinstance(start, int) and isinstance(end, int):
            self._note(item, (start, end))
        corrections = self._panel.session.corrections
        self._do(lambda: corrections.change(item, entity, **values))

    def _add(self, item: OpenDocument, span: Span, kind: str) -> None:
        self._note(item, span)
        self._do(lambda: self._panel.session.corrections.add(item, *span, kind))

    def _do(self, work: Callable[[], None]) -> None:
        events = self._panel.session.events

        def try_it() -> None:
            try:
                work()
            except MedViewError as error:
                events.send(Message(error.what, "warn"))

        self._panel.run(try_it, lambda _done: None)
