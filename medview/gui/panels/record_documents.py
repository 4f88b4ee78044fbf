"""The cards of a patient's documents in the record's column, made so that the window answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from medview.gui.cards import CardColumn
from medview.gui.panels.record_body import ids_of
from medview.gui.panels.record_correcting import Correcting
from medview.gui.panels.record_document import DocumentCard
from medview.session.documents import OpenDocument

if TYPE_CHECKING:
    from medview.gui.panels.record import RecordPanel

_FRESH = 1  # cards that are made at once, the first of all; the others follow one by one
_Filtered = tuple[OpenDocument, frozenset[str] | None]


class DocumentCards:
    """Keeps the cards of documents that did not change, and makes the others.

    cards: those that stand in the column, by document. left: documents that there is no room for.
    """

    def __init__(self, panel: RecordPanel, column: CardColumn) -> None:
        self._panel, self._column = panel, column
        self._correcting = Correcting(panel)
        self.cards: dict[str, DocumentCard] = {}
        self.left = 0
        self._pending: list[_Filtered] = []
        self._order: list[str] = []
        self._grow = QTimer(panel, singleShot=True)
        self._grow.timeout.connect(self._add)

    @property
    def is_whole(self) -> bool:
        """Whether no card waits to be made."""
        return not self._pending

    def forget(self) -> None:
        """The column holds none of them any more."""
        self.cards, self._pending = {}, []

    def widgets(
        self, shown: Sequence[OpenDocument], group: str, room: int, asked: str
    ) -> list[QWidget]:
        """The cards of the first documents that a filter leaves, and of the one asked for.

        Where one is asked for all are made at once: what is gone to must not move afterwards.
        """
        pairs = [(item, ids_of(item, group)) for item in shown]
        chosen = [(item, ids) for item, ids in pairs if ids is None or ids]
        further = [pair for pair in chosen[room:] if pair[0].document.id == asked]
        self.left = max(0, len(chosen) - room) - len(further)
        self._order = [item.document.id for item, _ in chosen]
        before, self.cards, self._pending = self.cards, {}, []
        fresh = 0
        for pair in [*chosen[:room], *further]:
            item = pair[0]
            kept = before.get(item.document.id)
            if kept is None or not kept.is_of(item):
                fresh += 1
                if fresh > _FRESH and not asked:
                    self._pending.append(pair)
                    continue
                kept = self._correcting.card_for(item)
            self._take(pair, kept)
        if self._pending:
            self._grow.start(0)
        return list(self.cards.values())

    def _take(self, pair: _Filtered, card: DocumentCard) -> None:
        self.cards[pair[0].document.id] = card
        card.text.show_only(pair[1])

    def _add(self) -> None:
        """One more card where it belongs."""
        if not self._pending:
            return
        pair = self._pending.pop(0)
        name = pair[0].document.id
        card = self._correcting.card_for(pair[0])
        before = self._order[: self._order.index(name)]
        last = next(self.cards[key] for key in reversed(before) if key in self.cards)
        self._column.insert(self._column.column.indexOf(last) + 1, card)
        self._take(pair, card)
        self._panel.searching.show_hits({name: card})
        self._grow.start(0)
