"""A document's text with what was found in it underlined; it draws and finds nothing itself."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QTextCursor,
    QTextOption,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QTextEdit, QToolTip

from medview.core.words import tr
from medview.gui.panels.record_lines import draw_line
from medview.gui.panels.record_pieces import Part, Pieces, first_part, part_around
from medview.gui.panels.record_writing import Placed, write_part
from medview.gui.style import colour, tokens
from medview.record import Entity, Note

_MARGIN = 8
Span = tuple[int, int]


class AnnotatedText(QTextEdit):
    """Read-only text as high as it needs; lines by type, small words for context.

    marks: words of an entity's context. A click on a mention asks for it, and so does Enter
    where the text cursor stands in one; Ctrl+Up and Ctrl+Down go from mention to mention.
    """

    mention_asked = Signal(str)  # an entity's id
    words_selected = Signal(int, int)  # a span of the note
    part_changed = Signal()

    def __init__(self, note: Note, marks: Callable[[Entity], Sequence[str]]) -> None:
        super().__init__()
        self._note, self._marks = note, marks
        self._shown: frozenset[str] | None = None
        self._part = first_part(note.text)
        self._placed: list[Placed] = []
        self._pieces = Pieces(note.text)
        self._hits: Sequence[Span] = ()
        self._pointed: Span | None = None
        self.setReadOnly(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setTabChangesFocus(True)
        self.setAccessibleName(tr("Text of the document"))
        self.setAccessibleDescription(
            tr("Ctrl+Down goes to the next mention, Enter opens it to be corrected.")
        )
        self.document().setDocumentMargin(_MARGIN)
        self.viewport().setMouseTracking(True)
        self._fill()

    # -- what is shown ---------------------------------------------------------------------

    @property
    def is_whole(self) -> bool:
        """Whether all of the text is shown."""
        return self._part.is_whole(self._note.text)

    @property
    def part(self) -> Part:
        """The characters that are laid out."""
        return self._part

    @property
    def placed(self) -> Sequence[Entity]:
        """The entities that are underlined now."""
        return [p.entity for p in self._placed]

    def show_part(self, part: Part) -> None:
        """Lay out another part of the text."""
        if part != self._part:
            self._part = part
            self._fill()
            self.part_changed.emit()

    def show_only(self, ids: frozenset[str] | None) -> None:
        """Underline only these entities; None: all of them."""
        if ids != self._shown:
            self._shown = ids
            self._fill()

    def show_hits(self, hits: Sequence[Span]) -> None:
        """Tint these spans: what a search found."""
        if hits != self._hits:
            self._hits = hits
            self._tint()

    def point_at(self, start: int, end: int) -> int:
        """Mark a span of the note's text; gives its height in the widget, to be scrolled to."""
        if not self._part.start <= start < self._part.end:
            self.show_part(part_around(self._note.text, start))
        self._pointed = (start, end)
        self._tint()
        return self.cursorRect(self._cursor(start, end)).top()

    def stop_pointing(self) -> None:
        """Take the mark of `point_at` away."""
        self._pointed = None
        self._tint()

    def pointed_text(self) -> str:
        """The words that are marked by `point_at`, empty when none are."""
        if self._pointed is None:
            return ""
        return self._cursor(*self._pointed).selectedText()

    def place_of(self, entity_id: str) -> QRectF | None:
        """Where a mention stands in the widget, None while it is not laid out."""
        placed = next((p for p in self._placed if p.entity.id == entity_id), None)
        if placed is None:
            return None
        cursor = QTextCursor(self.document())
        cursor.setPosition(placed.start)
        top_left = self.cursorRect(cursor)
        cursor.setPosition(min(placed.end, placed.start + 1))
        return QRectF(top_left.topLeft(), self.cursorRect(cursor).bottomRight())

    def described(self, entity: Entity) -> str:
        """Type, context and the words that it follows from."""
        words = [tr(entity.type), *(tr(mark) for mark in self._marks(entity))]
        said = " · ".join(words)
        if entity.attrs.trigger is not None:
            start, end = entity.attrs.trigger
            said += "\n" + tr("because of: {words}", words=self._note.text[start:end])
        return said

    # -- Qt --------------------------------------------------------------------------------

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
            entity = self._entity_at(self.cursorForPosition(event.pos()).position())
            if entity is not None:
                QToolTip.showText(event.globalPos(), self.described(entity), self)
                return True
        return super().viewportEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """A hand over what can be asked for."""
        super().mouseMoveEvent(event)
        entity = self._entity_at(self.cursorForPosition(event.position().toPoint()).position())
        shape = Qt.CursorShape.IBeamCursor if entity is None else Qt.CursorShape.PointingHandCursor
        self.viewport().setCursor(shape)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click asks for the mention under it; words that were drawn over may be marked."""
        super().mouseReleaseEvent(event)
        if event.button() == Qt.MouseButton.LeftButton:
            self._ask()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter asks for the mention at the cursor, Ctrl+arrows lead to the next one."""
        control = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._ask()
        elif control and event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self._step(1 if event.key() == Qt.Key.Key_Down else -1)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The text, then a line under each entity in what is drawn anew."""
        super().paintEvent(event)
        painter = QPainter(self.viewport())
        top = self.cursorForPosition(event.rect().topLeft()).position()
        bottom = self.cursorForPosition(event.rect().bottomRight()).position()
        first = bisect_left(self._placed, top, key=lambda p: p.end)
        for placed in self._placed[first:]:
            if placed.start > bottom:
                break
            self._underline(painter, placed)
        painter.end()

    # -- inside ----------------------------------------------------------------------------

    def _ask(self) -> None:
        cursor = self.textCursor()
        if cursor.hasSelection():
            start = self._pieces.offset(cursor.selectionStart())
            end = self._pieces.offset(cursor.selectionEnd())
            if start < end:
                self.words_selected.emit(start, end)
            return
        entity = self._entity_at(cursor.position())
        if entity is not None:
            self.mention_asked.emit(entity.id)

    def _step(self, direction: int) -> None:
        position = self.textCursor().position()
        ahead = [p for p in self._placed if (p.start - position) * direction > 0]
        if not ahead:
            return
        cursor = self.textCursor()
        cursor.setPosition((ahead[0] if direction > 0 else ahead[-1]).start)
        self.setTextCursor(cursor)
        QToolTip.showText(
            self.viewport().mapToGlobal(self.cursorRect().bottomLeft()),
            self.described((ahead[0] if direction > 0 else ahead[-1]).entity),
            self,
        )

    def _entity_at(self, position: int) -> Entity | None:
        number = bisect_left(self._placed, position, key=lambda p: p.end)
        found = self._placed[number] if number < len(self._placed) else None
        return found.entity if found is not None and found.start <= position else None

    def _tint(self) -> None:
        selections = []
        spans = [(s, 0.22) for s in self._hits]
        if self._pointed is not None:
            spans.append((self._pointed, 0.55))
        for (start, end), alpha in spans:
            if end <= self._part.start or start >= self._part.end:
                continue
            selection = QTextEdit.ExtraSelection()
            selection.cursor = self._cursor(start, end)
            selection.format.setBackground(colour(tokens().accent, alpha))
            selections.append(selection)
        self.setExtraSelections(selections)

    def _underline(self, painter: QPainter, placed: Placed) -> None:
        attrs = placed.entity.attrs
        block = self.document().findBlock(placed.start)
        layout = block.layout()
        origin = self.document().documentLayout().blockBoundingRect(block).topLeft()
        for number in range(layout.lineCount()):
            line = layout.lineAt(number)
            first = max(placed.start - block.position(), line.textStart())
            last = min(placed.end - block.position(), line.textStart() + line.textLength())
            last = first + len(block.text()[first:last].rstrip())  # no line under a line's end
            if first < last:
                left, right = _x_of(line, first), _x_of(line, last)
                at = QPointF(origin.x() + left, origin.y() + line.y() + line.ascent() + 4)
                draw_line(
                    painter, placed.entity.type, at.x(), origin.x() + right, at.y(),
                    is_broken=attrs.negated or attrs.uncertain,
                )  # fmt: skip

    def _fill(self) -> None:
        self.clear()
        written = write_part(
            QTextCursor(self.document()), self._note, self._part, self._marks, self._shown
        )
        self._placed, self._pieces = written.placed, written.pieces
        self._tint()
        self._fit()

    def _cursor(self, start: int, end: int) -> QTextCursor:
        cursor = QTextCursor(self.document())
        cursor.setPosition(self._pieces.position(start))
        cursor.setPosition(self._pieces.position(end, is_end=True), QTextCursor.MoveMode.KeepAnchor)
        return cursor

    def _fit(self) -> None:
        height = self.sizeHint().height()
        if height != self.height():
            self.setFixedHeight(height)


def _x_of(line: object, position: int) -> float:
    found = line.cursorToX(position)  # type: ignore[attr-defined]
    return float(found[0] if isinstance(found, tuple) else found)
