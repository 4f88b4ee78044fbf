"""The cards of documents: one that is shown, one of somebody else, those that were not read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QSizePolicy

from medview.core.correction import SpanCorrection
from medview.core.words import current_language, tr
from medview.gui.cards import Card, button, label, row
from medview.gui.panels.record_joining import JoinedMark
from medview.gui.panels.record_mention import MentionBar
from medview.gui.panels.record_pieces import MOST, part_around
from medview.gui.panels.record_text import AnnotatedText
from medview.gui.style import tokens
from medview.record import Entity, marks_of
from medview.session.documents import OpenDocument, UnreadDocument

_MOST_UNREAD = 50
_BACK = MOST - 2000  # a part that ends a little behind where this one begins


class DocumentCard(Card):
    """A document: title, date, kind, and its text with what was found.

    A mention that is clicked, or words that are drawn over, open a bar below the text; what is
    put right there is told with `changed`, `deleted` and `added`. corrections: by entity id.
    """

    opened = Signal(object)  # Entity whose bar is open now
    clicked_on = Signal(object)  # Entity that the reader went to
    changed = Signal(object, object)  # Entity, dict[str, object]
    deleted = Signal(object)  # Entity
    added = Signal(int, int, str)
    parted = Signal(str)  # id of the document that is to be kept apart again

    def __init__(
        self, item: OpenDocument, corrections: Mapping[str, SpanCorrection] | None = None
    ) -> None:
        super().__init__()
        document = item.document
        self.item, self.document_id = item, document.id
        self._dress = (current_language(), tokens())
        self._corrections = corrections or {}
        self.text = AnnotatedText(item.note, self._marks)
        self.text.setStyleSheet(f"background: {tokens().surface_0}; border-radius: 4px;")
        self.text.mention_asked.connect(self._click)
        self.text.words_selected.connect(self._open_words)
        self.text.part_changed.connect(self._show_links)
        self.bar: MentionBar | None = None
        self._add_head()
        if item.is_joined:
            self.joined = JoinedMark(item)
            self.joined.parted.connect(self.parted)
            self.add(self.joined)
        for sentence in document.notes:
            self.add(label("⚠ " + str(sentence), "warn"))
        self.add(self.text)
        self._links: list[QPushButton] = [
            button(tr("Show all"), "link", lambda: self._show(0)),
            button(
                tr("Earlier part"), "link", lambda: self._show(self.text.part.start - MOST + 2000)
            ),
            button(tr("Next part"), "link", lambda: self._show(self.text.part.end)),
        ]
        self.add(row(*self._links, None))
        self._show_links()

    def _marks(self, entity: Entity) -> tuple[str, ...]:
        """Small words behind a mention, and a pen where the reader put it right."""
        pen = ("✎",) if entity.id in self._corrections else ()
        return (*marks_of(self.item.note, entity), *pen)

    def is_of(self, item: OpenDocument) -> bool:
        """Whether the card shows just this, in the language and colours of now."""
        is_same = item.note is self.item.note and item.is_joined == self.item.is_joined
        return is_same and self._dress == (current_language(), tokens())

    def point_at(self, start: int, end: int) -> int:
        """Mark a span; gives its height in the card."""
        return self.text.y() + self.text.point_at(start, end)

    def open_mention(self, entity_id: str) -> None:
        """Show what a mention is, below the text."""
        entity = self.item.note.entity(entity_id)
        bar = self._new_bar(entity.text)
        bar.show_entity(self.item.note, entity, self._corrections.get(entity_id))
        bar.changed.connect(lambda values: self.changed.emit(entity, values))
        bar.deleted.connect(lambda: self.deleted.emit(entity))
        self.text.point_at(entity.start, entity.end)
        self.opened.emit(entity)

    def _click(self, entity_id: str) -> None:
        self.open_mention(entity_id)
        self.clicked_on.emit(self.item.note.entity(entity_id))

    def close_bar(self) -> None:
        """Take the bar away."""
        if self.bar is not None:
            self.body.removeWidget(self.bar)
            self.bar.hide()
            self.bar.deleteLater()
            self.bar = None
            self.text.stop_pointing()
            self.text.setFocus()

    def _new_bar(self, said: str) -> MentionBar:
        self.close_bar()
        self.bar = MentionBar(said)
        self.bar.closed.connect(self.close_bar)
        self.body.insertWidget(self.body.indexOf(self.text) + 1, self.bar)
        return self.bar

    def _open_words(self, start: int, end: int) -> None:
        """Words were drawn over: they may be marked, or become the ends of a mention."""
        overlapped = [e for e in self.item.note.entities if e.start < end and start < e.end]
        one = overlapped[0] if len(overlapped) == 1 else None
        bar = self._new_bar(" ".join(self.item.note.text[start:end].split()))
        bar.show_words(one)

        def take(kind: str) -> None:
            if kind:
                self.added.emit(start, end, kind)
            elif one is not None:
                self.changed.emit(one, {"start": start, "end": end})

        bar.marked.connect(take)

    def _add_head(self) -> None:
        document = self.item.document
        kind = tr("text") if document.kind == "text" else document.kind
        facts = label(" · ".join(f for f in (document.date[:10], kind) if f), "small", wrap=False)
        facts.setToolTip(
            tr(
                "{file}, read as {encoding}",
                file=Path(document.path).name,
                encoding=document.encoding,
            )
        )
        title = label(document.title or Path(document.path).name, "title")
        title.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setAccessibleName(title.text())
        self.add(row(title, facts))

    def _show(self, offset: int) -> None:
        self.text.show_part(part_around(self.item.note.text, max(0, offset)))

    def _show_links(self) -> None:
        part, size = self.text.part, len(self.item.note.text)
        is_first = part.end - part.start < min(size, MOST) and part.start == 0
        whole, earlier, later = self._links
        whole.setHidden(self.text.is_whole or not is_first)
        earlier.setHidden(part.start == 0)
        later.setHidden(part.end >= size or is_first)


def unread_card(items: Sequence[UnreadDocument]) -> Card:
    """The files that could not be read, one sentence each."""
    card = Card()
    card.add(label(tr("Not read"), "title"))
    for item in items[:_MOST_UNREAD]:
        todo = f" {item.what_to_do}" if item.what_to_do is not None else ""
        card.add(label(f"{Path(item.path).name}: {item.reason}{todo}", "muted"))
    if len(items) > _MOST_UNREAD:
        card.add(
            label(
                tr("and {count} more {count:file|files}", count=len(items) - _MOST_UNREAD), "muted"
            )
        )
    return card
