"""The search of the record panel: hits of all documents and reports, one of them shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from medview.core.errors import Cancelled
from medview.core.progress import CancelToken
from medview.record.searching import MOST, Hit, search

if TYPE_CHECKING:
    from medview.gui.panels.record import RecordPanel
    from medview.gui.panels.record_document import DocumentCard

REPORT = "report"  # the key of the reader's own report among the texts


class Searching:
    """Runs a search away from the window's thread; a newer one takes the place of an older."""

    def __init__(self, panel: RecordPanel) -> None:
        self._panel, self._bar = panel, panel.top.search
        self._hits: tuple[Hit, ...] = ()
        self._number = -1
        self._query = ""
        self._cancel = CancelToken()
        self._bar.asked.connect(self.find)
        self._bar.stepped.connect(self.step)

    @property
    def hits(self) -> tuple[Hit, ...]:
        """What was found."""
        return self._hits

    def focus(self) -> None:
        """Put the cursor into the field."""
        self._bar.field.setFocus()
        self._bar.field.selectAll()

    def ask(self, query: str) -> None:
        """Put a query into the field and look for it."""
        self._bar.field.setText(query)
        self.find(query)

    def again(self) -> None:
        """The same query in other texts."""
        self.find(self._query)

    def find(self, query: str) -> None:
        """Look for a query; the first hit is gone to when it is known."""
        self._cancel.cancel()
        self._cancel, self._query = CancelToken(), query
        token, texts = self._cancel, self._texts()

        def work() -> tuple[Hit, ...] | None:
            try:
                return search(texts, query, token)
            except Cancelled:
                return None

        self._panel.run(work, lambda found: self._take(token, found))

    def step(self, direction: int) -> None:
        """Go to the next hit or the one before; around at the ends."""
        if self._hits:
            self._number = (self._number + direction) % len(self._hits)
            self._go()

    def show_hits(self, cards: Mapping[str, DocumentCard]) -> None:
        """Tint what was found in some cards of documents."""
        by_key: dict[str, list[tuple[int, int]]] = {}
        for hit in self._hits:
            by_key.setdefault(hit.key, []).append((hit.start, hit.end))
        for document_id, card in cards.items():
            card.text.show_hits(by_key.get(document_id, []))

    def _texts(self) -> dict[str, str]:
        texts = {item.document.id: item.note.text for item in self._panel.documents}
        impression = self._panel.session.work.impression
        return {**texts, REPORT: impression} if impression else texts

    def _take(self, token: CancelToken, found: object) -> None:
        if token is not self._cancel or not isinstance(found, tuple):
            return
        self._hits, self._number = found, 0 if found else -1
        self.show_hits(self._panel.cards)
        if found:
            self._go()
        else:
            self._bar.show_count(0, 0)

    def _go(self) -> None:
        hit = self._hits[self._number]
        self._bar.show_count(self._number + 1, len(self._hits), is_more=len(self._hits) >= MOST)
        if hit.key == REPORT:
            self._panel.report_asked.emit()
        else:
            self._panel.show_source(f"document:{hit.key}:{hit.start}:{hit.end}")
