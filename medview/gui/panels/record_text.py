"""A document's text with what was found in it underlined; it draws and finds nothing itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QHelpEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QTextCharFormat,
    QTextCursor,
    QTextOption,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QTextEdit, QToolTip

from medview.core.words import tr
from medview.gui.style import colour, tokens
from medview.record import Entity, Note

_MARGIN = 8
_UNDERLINE = 2
_SHORT = 700  # characters of a long document that are shown before it is asked for
_MOST = 60_000  # characters that are laid out at once, so that the window goes on answering


@dataclass(frozen=True, slots=True)
class _Placed:
    """An entity and where it stands in the widget's own text (UTF-16 units)."""

    entity: Entity
    start: int
    end: int


class AnnotatedText(QTextEdit):
    """Read-only text as high as it needs; underlines by type, small words for context.

    marks: words of context by entity id. shown: ids of the entities that are underlined.
    """

    def __init__(self, note: Note, marks: Mapping[str, Sequence[str]]) -> None:
        super().__init__()
        self._note, self._marks = note, marks
        self._shown: frozenset[str] = frozenset(e.id for e in note.entities)
        self._is_whole = len(note.text) <= _SHORT * 1.2
        self._window = (0, 0)
        self._placed: list[_Placed] = []
        self._places: list[tuple[int, int]] = []  # (offset in the note, position here)
        self.setReadOnly(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setAccessibleName(tr("Text of the document"))
        self.document().setDocumentMargin(_MARGIN)
        self._choose_window(0)
        self._fill()

    @property
    def is_whole(self) -> bool:
        """Whether all of the text is shown."""
        return self._is_whole

    @property
    def placed(self) -> Sequence[Entity]:
        """The entities that are underlined now."""
        return [p.entity for p in self._placed]

    def show_all(self) -> None:
        """Show the whole text of a long document."""
        self._is_whole = True
        self._choose_window(0)
        self._fill()

    def show_only(self, ids: frozenset[str]) -> None:
        """Underline only these entities."""
        if ids != self._shown:
            self._shown = ids
            self._fill()

    def point_at(self, start: int, end: int) -> int:
        """Mark a span of the note's text; gives its height in the widget, to be scrolled to."""
        if not self._window[0] <= start < self._window[1]:
            self._is_whole = True
            self._choose_window(start)
            self._fill()
        selection = QTextEdit.ExtraSelection()
        selection.cursor = self._cursor(start, end)
        selection.format.setBackground(colour(tokens().accent, 0.35))
        self.setExtraSelections([selection])
        return self.cursorRect(selection.cursor).top()

    def pointed_text(self) -> str:
        """The words that are marked by `point_at`, empty when none are."""
        found = self.extraSelections()
        return found[0].cursor.selectedText() if found else ""

    def sizeHint(self) -> QSize:
        """As high as the text is at this width."""
        self.document().setTextWidth(self.viewport().width())
        return QSize(200, int(self.document().size().height()) + 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width needs another height."""
        super().resizeEvent(event)
        self._fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """The column scrolls, not the text in it."""
        event.ignore()

    def viewportEvent(self, event: QEvent) -> bool:
        """Say what an underlined word is while the pointer rests on it."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            position = self.cursorForPosition(event.pos()).position()
            entity = next((p.entity for p in self._placed if p.start <= position <= p.end), None)
            if entity is not None:
                QToolTip.showText(event.globalPos(), self.described(entity), self)
                return True
        return super().viewportEvent(event)

    def described(self, entity: Entity) -> str:
        """Type, context and the words that it follows from."""
        words = [tr(entity.type), *(tr(mark) for mark in self._marks.get(entity.id, ()))]
        said = " · ".join(words)
        if entity.attrs.trigger is not None:
            start, end = entity.attrs.trigger
            said += "\n" + tr("because of: {words}", words=self._note.text[start:end])
        return said

    def paintEvent(self, event: QPaintEvent) -> None:
        """The text, then a line of two pixels under each entity; dashed where it is denied."""
        super().paintEvent(event)
        painter = QPainter(self.viewport())
        for placed in self._placed:
            pen = QPen(QColor(tint_of(placed.entity.type)), _UNDERLINE)
            if placed.entity.attrs.negated or placed.entity.attrs.uncertain:
                pen.setStyle(Qt.PenStyle.DashLine)
            painter.setPen(pen)
            self._underline(painter, placed)
        painter.end()

    def _underline(self, painter: QPainter, placed: _Placed) -> None:
        block = self.document().findBlock(placed.start)
        layout, origin = block.layout(), QPointF()
        origin = self.document().documentLayout().blockBoundingRect(block).topLeft()
        for number in range(layout.lineCount()):
            line = layout.lineAt(number)
            first = max(placed.start - block.position(), line.textStart())
            last = min(placed.end - block.position(), line.textStart() + line.textLength())
            last = first + len(block.text()[first:last].rstrip())  # no line under a line's end
            if first < last:
                left, right = _x_of(line, first), _x_of(line, last)
                y = origin.y() + line.y() + line.ascent() + 4
                painter.drawLine(QPointF(origin.x() + left, y), QPointF(origin.x() + right, y))

    def _choose_window(self, around: int) -> None:
        text = self._note.text
        if not self._is_whole:
            end = text.find("\n", _SHORT)
            end = end if 0 < end < 2 * _SHORT else _SHORT
            self._window = (
                0,
                max(end, *(e.end for e in self._note.entities if e.start < end < e.end), end),
            )
            return
        start = 0 if around < _MOST else text.rfind("\n", 0, around - 1000) + 1
        self._window = (start, min(len(text), start + _MOST))

    def _fill(self) -> None:
        self.clear()
        self._placed, self._places = [], []
        cursor = QTextCursor(self.document())
        cursor.beginEditBlock()
        start, end = self._window
        position = start
        for entity in self._note.entities:
            if entity.start < position or entity.end > end:
                continue
            self._write(cursor, position, entity.start, _plain())
            self._write_entity(cursor, entity)
            position = entity.end
        self._write(cursor, position, end, _plain())
        if end < len(self._note.text):
            cursor.insertText(" …", _plain(muted=True))
        cursor.endEditBlock()
        self._fit()

    def _write(self, cursor: QTextCursor, start: int, end: int, form: QTextCharFormat) -> None:
        if start < end:
            self._places.append((start, cursor.position()))
            # A paragraph separator of Qt's own for each line end, one unit for one.
            said = self._note.text[start:end].replace("\r\n", "\u200b\n").replace("\r", "\n")
            cursor.insertText(said, form)

    def _write_entity(self, cursor: QTextCursor, entity: Entity) -> None:
        is_shown = entity.id in self._shown
        start = cursor.position()
        self._write(
            cursor, entity.start, entity.end, _plain(muted=is_shown and entity.attrs.negated)
        )
        if not is_shown:
            return
        self._placed.append(_Placed(entity, start, cursor.position()))
        marks = self._marks.get(entity.id, ())
        if marks:
            small = _plain(muted=True)
            small.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignSuperScript)
            cursor.insertText("\u2009" + "·".join(tr(mark) for mark in marks), small)

    def _cursor(self, start: int, end: int) -> QTextCursor:
        cursor = QTextCursor(self.document())
        cursor.setPosition(self._position(start))
        cursor.setPosition(self._position(end, is_end=True), QTextCursor.MoveMode.KeepAnchor)
        return cursor

    def _position(self, offset: int, *, is_end: bool = False) -> int:
        piece = (self._window[0], 0)
        for place in self._places:
            if place[0] > offset or (is_end and place[0] >= offset):
                break
            piece = place
        return piece[1] + _units(self._note.text[piece[0] : offset])

    def _fit(self) -> None:
        height = self.sizeHint().height()
        if height != self.height():
            self.setFixedHeight(height)


def tint_of(kind: str) -> str:
    """The colour of an entity's type."""
    t = tokens()
    is_dark = t.surface_0 < "#800000"
    tints = {
        "disease": t.bad, "finding": t.bad, "symptom": "#b48ad9" if is_dark else "#7a4fb0",
        "drug": t.accent, "dose": t.accent, "route": t.accent, "frequency": t.accent,
        "duration": t.accent, "allergy": t.warn, "anatomy": t.good, "procedure": t.muted,
        "device": t.muted, "date": t.line, "demographic": t.line,
    }  # fmt: skip
    return tints.get(kind, t.sagittal if is_dark else "#8a6d00")


def _plain(*, muted: bool = False) -> QTextCharFormat:
    form = QTextCharFormat()
    form.setForeground(QColor(tokens().muted if muted else tokens().text))
    return form


def _x_of(line: object, position: int) -> float:
    found = line.cursorToX(position)  # type: ignore[attr-defined]
    return float(found[0] if isinstance(found, tuple) else found)


def _units(text: str) -> int:
    """Length as Qt counts: a rare Han character is two units."""
    return len(text.encode("utf-16-le")) // 2
