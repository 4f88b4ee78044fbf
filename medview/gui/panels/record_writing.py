"""A part of a note written into a text document: its words, and small ones for their context."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor

from medview.core.words import tr
from medview.gui.panels.record_pieces import Part, Pieces
from medview.gui.style import tokens
from medview.record import Entity, Note


@dataclass(frozen=True, slots=True)
class Placed:
    """An entity and where it stands in the widget's own text (UTF-16 units)."""

    entity: Entity
    start: int
    end: int


@dataclass(slots=True)
class Written:
    """What was written: the entities that are underlined, and where every character stands."""

    pieces: Pieces
    placed: list[Placed] = field(default_factory=list)


def write_part(
    cursor: QTextCursor,
    note: Note,
    part: Part,
    marks: Callable[[Entity], Sequence[str]],
    shown: frozenset[str] | None,
) -> Written:
    """Write a part of a note at the cursor; shown: ids that are underlined, None for all."""
    written = Written(Pieces(note.text))
    cursor.beginEditBlock()
    if part.start > 0:
        cursor.insertText("… ", plain_form(is_muted=True))
    position = part.start
    entities = note.entities
    for number in range(bisect_left(entities, part.start, key=lambda e: e.start), len(entities)):
        entity = entities[number]
        if entity.start >= part.end:
            break
        if entity.start < position or entity.end > part.end:
            continue
        _write(cursor, note.text, (position, entity.start), written)
        is_shown = shown is None or entity.id in shown
        start = cursor.position()
        _write(
            cursor, note.text, (entity.start, entity.end), written,
            is_muted=is_shown and entity.attrs.negated,
        )  # fmt: skip
        if is_shown:
            written.placed.append(Placed(entity, start, cursor.position()))
            _write_marks(cursor, marks(entity))
        position = entity.end
    _write(cursor, note.text, (position, part.end), written)
    if part.end < len(note.text):
        cursor.insertText(" …", plain_form(is_muted=True))
    cursor.endEditBlock()
    return written


def _write(
    cursor: QTextCursor,
    text: str,
    span: tuple[int, int],
    written: Written,
    *,
    is_muted: bool = False,
) -> None:
    start, end = span
    if start < end:
        written.pieces.add(start, end, cursor.position())
        # A paragraph separator of Qt's own for each line end, one unit for one.
        said = text[start:end].replace("\r\n", "\u200b\n").replace("\r", "\n")
        cursor.insertText(said, plain_form(is_muted=is_muted))


def _write_marks(cursor: QTextCursor, marks: Sequence[str]) -> None:
    if marks:
        small = plain_form(is_muted=True)
        small.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignSuperScript)
        cursor.insertText("\u2009" + "·".join(tr(mark) for mark in marks), small)


def plain_form(*, is_muted: bool = False) -> QTextCharFormat:
    """The form of ordinary words."""
    form = QTextCharFormat()
    form.setForeground(QColor(tokens().muted if is_muted else tokens().text))
    return form
