"""The bar under a document's text: what a mention is, put right by hand, and where it leads."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QPushButton, QVBoxLayout, QWidget

from medview.core.correction import SpanCorrection
from medview.core.words import tr
from medview.gui.cards import button, chip, label, row
from medview.gui.panels.record_filters import wrapped
from medview.gui.style import GRID
from medview.record import Entity, Note
from medview.record.correcting import TYPES, stepped
from medview.record.note import CONTEXT_TYPES

_SHOWN = 60  # characters of a mention that the bar repeats


class MentionBar(QWidget):
    """A mention's kind, context and ends, each to be changed; or words that may be marked.

    changed: new values by the names of a correction. marked: a kind for words that were selected.
    """

    changed = Signal(object)  # dict[str, object]
    deleted = Signal()
    marked = Signal(str)
    go_asked = Signal()
    closed = Signal()

    def __init__(self, said: str) -> None:
        super().__init__()
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, GRID, 0, 0)
        self._layout.setSpacing(GRID + 2)
        self.setAccessibleName(said)
        away = chip("✕", tr("Close (Esc)"), self.closed.emit)
        away.setAccessibleName(tr("Close"))
        shown = said if len(said) <= _SHOWN else said[: _SHOWN - 1] + "…"
        self._layout.addWidget(row(label(f"“{shown}”"), None, away))
        self.kinds = QComboBox()
        self.kinds.setAccessibleName(tr("Kind of mention"))
        for kind in TYPES:
            self.kinds.addItem(tr(kind), kind)
        self.chips: dict[str, QPushButton] = {}

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes the bar."""
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)

    def show_entity(self, note: Note, entity: Entity, correction: SpanCorrection | None) -> None:
        """The bar of a mention, with who corrected it and when."""
        self.kinds.setCurrentIndex(self.kinds.findData(entity.type))
        self.kinds.activated.connect(
            lambda _n: self.changed.emit({"type": str(self.kinds.currentData())})
        )
        delete = button(tr("No mention"), "", self.deleted.emit)
        delete.setToolTip(tr("MedView is wrong: this is nothing"))
        self._layout.addWidget(row(self.kinds, None, delete))
        if entity.type in CONTEXT_TYPES:
            self._layout.addWidget(wrapped(self._context(entity)))
        self._layout.addWidget(wrapped(self._ends(note, entity)))
        if correction is not None:
            when = correction.at[:16].replace("T", " ")
            who = tr("Corrected by {who}, {when}", who=correction.by or "—", when=when)
            self._layout.addWidget(label(who, "faint"))

    def show_way(self, title: str, said: str, *, leads: bool) -> None:
        """A link to where the images show it, or in words why there is none."""
        if leads:
            link = self.chips["go"] = button("↗ " + title, "link", self.go_asked.emit)
            self._layout.insertWidget(1, link)
        else:
            self._layout.insertWidget(1, label(title, "warn"))
        if said:
            self._layout.insertWidget(2, label(said, "small"))

    def show_words(self, overlapped: Entity | None) -> None:
        """The bar of words that were drawn over: mark them, or give a mention these ends."""
        self._layout.addWidget(
            row(
                self.kinds,
                button(
                    tr("Mark"),
                    "primary",
                    lambda: self.marked.emit(str(self.kinds.currentData())),
                ),
                None,
            )
        )
        if overlapped is not None:
            said = tr("Make “{mention}” these words", mention=overlapped.text[:_SHOWN])
            self._layout.addWidget(button(said, "link", lambda: self.marked.emit("")))

    def _context(self, entity: Entity) -> list[QWidget]:
        attrs = entity.attrs
        states: list[tuple[str, bool, dict[str, object]]] = [
            ("no", attrs.negated, {"negated": not attrs.negated, "uncertain": False}),
            ("possible", attrs.uncertain, {"uncertain": not attrs.uncertain, "negated": False}),
        ]
        for word, name, value, usual in (
            ("history", "temporality", "historical", "current"),
            ("if", "temporality", "hypothetical", "current"),
            ("family", "experiencer", "family", "patient"),
            ("other person", "experiencer", "other", "patient"),
        ):
            is_on = getattr(attrs, name) == value
            states.append((word, is_on, {name: usual if is_on else value}))
        made: list[QWidget] = []
        for word, is_on, values in states:
            one = chip(tr(word), "", partial(self.changed.emit, values))
            one.setCheckable(True)
            one.setChecked(is_on)
            one.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            self.chips[word] = one
            made.append(one)
        return made

    def _ends(self, note: Note, entity: Entity) -> list[QWidget]:
        made: list[QWidget] = []
        for name, title, which, direction in (
            ("start-", tr("◂ start"), "start", -1),
            ("start+", tr("start ▸"), "start", 1),
            ("end-", tr("◂ end"), "end", -1),
            ("end+", tr("end ▸"), "end", 1),
        ):
            moved = stepped(note.text, (entity.start, entity.end), which, direction)
            one = chip(
                title,
                tr("Move this end by a word"),
                partial(self.changed.emit, {"start": moved[0], "end": moved[1]}),
            )
            one.setEnabled(moved != (entity.start, entity.end))
            self.chips[name] = one
            made.append(one)
        return made
