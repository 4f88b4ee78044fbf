"""Every score by name: for those that do not fit, and for the curious."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from medview.core.words import tr
from medview.gui.cards import ElidedLink, button, clear_layout, label, row
from medview.gui.style import GRID
from medview.risk import Score

_MOST_FOUND = 12


class SearchField(QLineEdit):
    """Types a name; Escape empties it, Return takes the first that was found."""

    left = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape gives the search up."""
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
            return
        super().keyPressEvent(event)


class ScoreFinder(QWidget):
    """A field to search with; below it what was found, or all scores when they are asked for."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._scores: Mapping[str, Score] = {}
        self._is_all = False
        self.field = SearchField()
        self.field.setClearButtonEnabled(True)
        self.field.textChanged.connect(self._show_found)
        self.field.returnPressed.connect(self._take_first)
        self.all = button("", "link", self._toggle_all)
        self._found: list[str] = []
        self._list = QVBoxLayout()
        self._list.setSpacing(GRID)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(row(self.field, self.all))
        column.addLayout(self._list)

    @property
    def found(self) -> Sequence[str]:
        """The ids that are listed now."""
        return tuple(self._found)

    def show_scores(self, scores: Mapping[str, Score]) -> None:
        """What can be found; also says everything again in the current language."""
        self._scores = scores
        self.field.setPlaceholderText(tr("Find a score by name"))
        self.field.setAccessibleName(tr("Find a score by name"))
        self._show_found()

    def _toggle_all(self) -> None:
        self._is_all = not self._is_all
        self._show_found()

    def _take_first(self) -> None:
        if self._found:
            self._choose(self._found[0])

    def _choose(self, score_id: str) -> None:
        self.field.clear()
        self._is_all = False
        self._show_found()
        self.chosen.emit(score_id)

    def _show_found(self) -> None:
        count = len(self._scores)
        words = tr("Fewer") if self._is_all else tr("All {count} {count:score|scores}", count=count)
        self.all.setText(words)
        self.all.setAccessibleName(words)
        clear_layout(self._list)
        wanted = self.field.text().strip().casefold()
        self._found = [s.id for s in self._scores.values() if wanted and _matches(s, wanted)]
        self._found = self._found[:_MOST_FOUND]
        if wanted:
            self._add_links(self._found)
            if not self._found:
                self._list.addWidget(label(tr("No score has this name."), "muted"))
        elif self._is_all:
            self._add_all()

    def _add_all(self) -> None:
        plain = [s for s in self._scores.values() if not s.is_research]
        plain.sort(key=lambda score: str(score.title).casefold())
        research = [s.id for s in self._scores.values() if s.is_research]
        self._found = [*research, *(score.id for score in plain)]
        self._list.addWidget(label(tr("Research"), "caption"))
        self._add_links(research)
        self._list.addWidget(label(tr("All scores"), "caption"))
        self._add_links([score.id for score in plain])

    def _add_links(self, ids: Sequence[str]) -> None:
        for score_id in ids:
            score = self._scores[score_id]
            link = ElidedLink(f"{score.title} · {score.subtitle}")
            link.clicked.connect(partial(self._choose, score_id))
            self._list.addWidget(link)


def _matches(score: Score, wanted: str) -> bool:
    texts = (score.id, str(score.title), str(score.subtitle), score.title.english())
    return any(wanted in text.casefold() for text in texts)
