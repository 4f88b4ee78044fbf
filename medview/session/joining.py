"""Documents that the reader took for a patient although they name another one, or nobody."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from medview.core.study import Patient
from medview.core.words import say
from medview.session.made import Made
from medview.session.places import Place
from medview.session.work import JoinedDocument


@dataclass(frozen=True, slots=True)
class Joining:
    """The reader's word on whose a document is: kept with that patient's work, undoable.

    places: of every patient that is open. reader: the name under which it is kept.
    """

    made: Made
    places: Callable[[], Iterable[Place]]
    reader: Callable[[], str]

    def of(self, patient: Patient) -> frozenset[str]:
        """Ids of the documents that were joined to a patient."""
        place = self._place(patient)
        if place is None:
            return frozenset()
        return frozenset(joined.id for joined in self.made.book_of(place).work.joined)

    def everyone(self) -> frozenset[str]:
        """Ids of the documents that were joined to any patient who is open."""
        patients = {(p.patient.id, p.study.uid): p.patient for p in self.places()}
        return frozenset(i for patient in patients.values() for i in self.of(patient))

    def join(self, document_id: str, patient: Patient) -> None:
        """The document is this patient's."""
        place = self._place(patient)
        if place is None:
            return
        book = self.made.book_of(place)
        others = tuple(j for j in book.work.joined if j.id != document_id)
        at = dt.datetime.now().astimezone().isoformat(timespec="seconds")
        joined = JoinedDocument(id=document_id, by=self.reader(), at=at)
        book.change(say("Use a document for this patient"), joined=(*others, joined))

    def part(self, document_id: str, patient: Patient) -> None:
        """The document is not this patient's after all."""
        place = self._place(patient)
        if place is None:
            return
        book = self.made.book_of(place)
        others = tuple(j for j in book.work.joined if j.id != document_id)
        book.change(say("Keep a document apart again"), joined=others)

    def _place(self, patient: Patient) -> Place | None:
        uids = {study.uid for study in patient.studies}
        return next(
            (
                place for place in self.places()
                if (patient.id and place.patient.id == patient.id) or place.study.uid in uids
            ),
            None,
        )  # fmt: skip
