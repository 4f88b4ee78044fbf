"""What the reader put right in documents: kept with the work, undoable, true everywhere at once."""

from __future__ import annotations

import datetime as dt
import getpass
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from medview.core.correction import SpanCorrection
from medview.core.errors import InvalidInput
from medview.core.study import Patient
from medview.core.words import Sentence, say
from medview.session.documents import OpenDocument, patient_key
from medview.session.journal import work_key
from medview.session.made import Made
from medview.session.places import Place
from medview.session.work import WorkBook

if TYPE_CHECKING:
    from medview.record import Document, Entity

_KEPT = 64  # corrected notes that are held: undo and redo find theirs again


class Corrections:
    """Corrects mentions of open documents in the reader's name. Safe from any thread.

    A correction is filed with the work of the patient whose images are open, else under the
    identity that the document itself gives. `reader` says who corrects.
    """

    def __init__(
        self, made: Made, places: Callable[[], Iterable[Place]], reader: Callable[[], str]
    ) -> None:
        self._made, self._places, self._reader = made, places, reader
        self._held: OrderedDict[tuple[str, tuple[SpanCorrection, ...]], OpenDocument] = (
            OrderedDict()
        )
        self._last: WorkBook | None = None
        self._without: set[str] = set()  # keys under which nothing was filed

    @property
    def last_book(self) -> WorkBook | None:
        """The book of the correction that was made last: what undo takes back without images."""
        return self._last

    def of(self, item: OpenDocument) -> tuple[SpanCorrection, ...]:
        """The corrections of a document, in the order in which they were made."""
        book = self._book(item, is_made=False)
        if book is None:
            return ()
        return tuple(c for c in book.work.corrections if c.document == item.document.id)

    def corrected(self, item: OpenDocument) -> OpenDocument:
        """The document with its note as the reader put it right."""
        corrections = self.of(item)
        return self._put_right(item, corrections) if corrections else item

    def _put_right(
        self, item: OpenDocument, corrections: tuple[SpanCorrection, ...]
    ) -> OpenDocument:
        """The document as it was read with these corrections in it; held for the next who asks."""
        key = (f"{item.document.id} {item.patient_id}", corrections)
        found = self._held.get(key)
        if found is None:
            from medview.record import corrected
            from medview.record.summary import members_of

            read = item.as_read or item.note
            note = corrected(item.document, read, corrections)
            members_of(note)
            note.look_up()
            found = self._held[key] = replace(item, note=note, as_read=read)
            while len(self._held) > _KEPT:
                self._held.popitem(last=False)
        return found

    def change(self, item: OpenDocument, entity: Entity, **values: object) -> None:
        """Put a mention right: type, start, end, negated, uncertain, temporality, experiencer.

        item: as it was opened or as it is now. Raises InvalidInput where no word is left.
        """
        attrs = entity.attrs
        now = SpanCorrection(
            id=uuid.uuid4().hex[:12],
            document=item.document.id,
            was=(entity.type, entity.start, entity.end),
            type=entity.type,
            start=entity.start,
            end=entity.end,
            negated=attrs.negated,
            uncertain=attrs.uncertain,
            temporality=attrs.temporality,
            experiencer=attrs.experiencer,
        )
        known = next((c for c in self.of(item) if (c.type, c.start, c.end) == now.was), None)
        if known is not None:
            now = replace(now, id=known.id, was=known.was)
        self._keep(item, replace(now, **values), say("Correct a mention"))  # type: ignore[arg-type]

    def delete(self, item: OpenDocument, entity: Entity) -> None:
        """There is no such mention."""
        known = next(
            (
                c for c in self.of(item)
                if (c.type, c.start, c.end) == (entity.type, entity.start, entity.end)
            ),
            None,
        )  # fmt: skip
        if known is not None and known.was is None:
            self._replace(item, known, None, say("Delete a mention"))
        else:
            self.change(item, entity, type="")

    def add(self, item: OpenDocument, start: int, end: int, kind: str) -> None:
        """Mark words that MedView passed over. Raises InvalidInput where there is no word."""
        fresh = SpanCorrection(
            id=uuid.uuid4().hex[:12],
            document=item.document.id,
            was=None,
            type=kind,
            start=start,
            end=end,
        )
        self._keep(item, fresh, say("Mark a mention"))

    def _keep(self, item: OpenDocument, now: SpanCorrection, name: Sentence) -> None:
        from medview.record import check_span
        from medview.record.correcting import TYPES

        if now.type and now.type not in TYPES:
            raise InvalidInput(say("There is no kind of mention {kind}.", kind=now.type))
        start, end = check_span(item.note.text, now.start, now.end)
        at = dt.datetime.now().astimezone().isoformat(timespec="seconds")
        now = replace(now, start=start, end=end, by=self._reader() or account(), at=at)
        self._replace(item, now, now, name)

    def _replace(
        self, item: OpenDocument, old: SpanCorrection, now: SpanCorrection | None, name: Sentence
    ) -> None:
        book = self._book(item, is_made=True)
        if book is None:
            return
        others = tuple(c for c in book.work.corrections if c.id != old.id)
        own = tuple(c for c in (*others, now) if c and c.document == item.document.id)
        if own:
            self._put_right(item, own)  # here: who shows it must not wait for it
        self._last = book
        book.change(name, corrections=others if now is None else (*others, now))

    def _book(self, item: OpenDocument, *, is_made: bool) -> WorkBook | None:
        for place in self._places():
            if item.patient_id is not None and patient_key(place.patient) == item.patient_id:
                return self._made.book_of(place)
        key = _key(item.document)
        if not is_made and key in self._without:  # the disk is not asked again and again
            return None
        book = self._made.book_under(key, is_made=is_made)
        if book is None:
            self._without.add(key)
        else:
            self._without.discard(key)
        return book


def _key(document: Document) -> str:
    who = document.patient
    patient = Patient(id=who.id, name=who.name, birth_date=who.birth_date, sex=who.sex, studies=())
    return work_key(patient, f"document {document.id}")


def account() -> str:
    """The name of the account that MedView runs in; empty where it has none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
