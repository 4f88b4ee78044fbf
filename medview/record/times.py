"""When something in a note was so: its own date, its examination's, its line's, the document's."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right

from medview.record.document import Document
from medview.record.note import Entity, Note
from medview.record.relative_time import (
    day_of_words,
    is_of_today,
    of_another_time,
    year_within,
)
from medview.record.rules.demographics import iso_date

_YEAR = re.compile(r"\b(?:19|20)\d{2}\b")
_SENTENCE_END = re.compile(r"[.。](?:\s|$)|\n")
_BLANK_LINE = re.compile(r"\n[ \t\r]*\n")
_TITLE_REST = 12  # characters that may stand beside examination and date in a title
_REACH = 2000  # characters behind an examination in which its findings stand


class Times:
    """The dates of one note, looked up by place: notes may hold thousands."""

    def __init__(self, document: Document, note: Note) -> None:
        self._document, self._note = document, note
        self._own: dict[str, str] = {}
        exams: list[tuple[int, Entity, Entity]] = []
        for relation in note.relations:
            if relation.type != "test_date":
                continue
            head, date = note.entity(relation.head), note.entity(relation.tail)
            if written := iso_date(self._note.said(date)) or self._other_year(date):
                self._own.setdefault(relation.head, written)
            if head.type == "procedure":
                exams.append((date.end, head, date))
        self._exams = sorted(exams, key=lambda exam: exam[0])
        self._exam_ends = [end for end, _, _ in self._exams]
        self._dated = sorted(document.dated)
        self._dated_starts = [start for start, _, _ in self._dated]
        self._marks = sorted(e.start for e in note.entities if e.type in ("procedure", "date"))

    def of(self, entity: Entity) -> str | None:
        """ISO time, empty where nothing says it, None for a result of an unknown other time."""
        own = self._own.get(entity.id, "") or self._examined(entity)
        day = self._of_line(entity) or self._document.date
        is_result = entity.type in ("lab", "vital")
        if is_result and is_of_today(self._note.plain, entity):
            return day
        if own or not is_result:
            return own or day
        year = year_within(self._note.plain, entity)
        if year and not day.startswith(year):
            return year
        words = of_another_time(self._note.plain, entity)
        return day if words is None else day_of_words(words, day) or None

    def _other_year(self, date: Entity) -> str:
        """The year of a date whose day and month are not clear, where it is not the document's."""
        year = _YEAR.search(self._note.said(date))
        return year[0] if year and not self._document.date.startswith(year[0]) else ""

    def _of_line(self, entity: Entity) -> str:
        number = bisect_right(self._dated_starts, entity.start) - 1
        if number < 0:
            return ""
        _, end, date = self._dated[number]
        return date if entity.start < end else ""

    def _examined(self, entity: Entity) -> str:
        """The date of the examination that the entity is a finding of."""
        if entity.type not in ("measurement", "anatomy", "finding"):
            return ""
        first = bisect_left(self._exam_ends, entity.start - _REACH)
        last = bisect_right(self._exam_ends, entity.start)
        for _, examination, date in self._exams[first:last]:
            if self._speaks_on(examination, date, entity):
                return iso_date(self._note.said(date))
        return ""

    def _speaks_on(self, examination: Entity, date: Entity, entity: Entity) -> bool:
        """Whether the entity stands in the examination's sentence, or below its title."""
        text = self._note.plain
        end = max(examination.end, date.end)
        if not _SENTENCE_END.search(text, end, entity.start):
            return True
        start = min(examination.start, date.start)
        title_from = text.rfind("\n", 0, start) + 1
        title_to = text.find("\n", end, entity.start)
        if title_to < 0 or (start - title_from) + (title_to - end) > _TITLE_REST:
            return False
        following = bisect_left(self._marks, title_to)
        is_other = following < len(self._marks) and self._marks[following] < entity.start
        return not is_other and not _BLANK_LINE.search(text, title_to, entity.start)
