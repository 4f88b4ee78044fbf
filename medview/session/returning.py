"""Measurements and key images that come back from DICOM objects of a study into the work.

Each object is taken in once: what the reader does with its measurements afterwards stands. A
report that a newer one takes the place of is passed over, and what the newer one left out goes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from medview.core.errors import MedViewError
from medview.core.results import Measurement
from medview.core.study import Patient, StudyObject
from medview.core.words import Sentence, say
from medview.imaging.roi import is_drawable
from medview.session.events import Events, Message
from medview.session.made import Made
from medview.session.returning_runs import take_runs
from medview.session.segmenting import Segmenting
from medview.session.studies import Place
from medview.session.work import KeyPicture, KnownLength, TakenReport, Work, WorkBook

if TYPE_CHECKING:
    from medview.dicom.objects.key_images import KeySelection
    from medview.dicom.objects.returned import Returned

_MOST = 200  # objects of one patient that are looked into


def take_in(places: Iterable[Place], made: Made, segmenting: Segmenting, events: Events) -> None:
    """Read the reports and key images of every patient that was opened. Blocks.

    What cannot be used is said, a sentence each; nothing else stops.
    """
    places = list(places)
    patients = {id(place.patient): place for place in places}
    for place in patients.values():
        objects = [o for study in place.patient.studies for o in study.objects]
        book = made.book_of(place)
        known = {taken.uid for taken in book.work.taken}
        fresh = [o for o in objects if o.uid not in known][:_MOST]
        said: list[Sentence] = []
        here = [each for each in places if each.patient is place.patient]
        reports = [o for o in fresh if o.kind == "SR"]
        runs, waiting = take_runs(reports, here, made, segmenting)
        if runs:
            events.send(
                Message(say("{count} {count:result|results} of models came back.", count=runs))
            )
        count = _take_reports(reports, place.patient, book, said, waiting)
        if count:
            events.send(
                Message(
                    say(
                        "{count} {count:measurement|measurements} came from reports of this "
                        "patient.",
                        count=count,
                    )
                )
            )
        _take_keys([o for o in fresh if o.kind == "KO"], place.patient, book, said)
        for sentence in {each.english(): each for each in said}.values():
            events.send(Message(sentence, "warn"))


def _take_reports(
    objects: list[StudyObject],
    patient: Patient,
    book: WorkBook,
    said: list[Sentence],
    waiting: frozenset[str],
) -> int:
    """Take the newest reports in; how many measurements came with them and are news.

    waiting: reports of which more may be taken when more is open; without measurements these
    are read again then.
    """
    from medview.dicom.objects.returned import read_returned

    read: list[Returned] = []
    for found in objects:
        try:
            read.append(read_returned(found.path, patient))
        except MedViewError as error:
            said.append(error.what)
    replaced = {uid for report in read for uid in report.predecessors}
    newest = [r for r in read if r.uid not in replaced and (r.measurements or r.uid not in waiting)]
    said += [note for report in newest for note in report.notes]
    work = book.work
    for report in sorted(newest, key=lambda each: each.made_at):
        whole = [m for m in report.measurements if is_drawable(m)]
        if len(whole) < len(report.measurements):
            said.append(
                say(
                    "{count} {count:measurement of a report has|measurements of a report have} "
                    "a broken shape.",
                    count=len(report.measurements) - len(whole),
                )
            )
        work = _merged(work, report, whole)
    passed = tuple(TakenReport(uid=r.uid) for r in read if r.uid in replaced)
    taken = (*work.taken, *passed)
    news = len(set(work.measurements) - set(book.work.measurements))
    if work.measurements == book.work.measurements:
        book.amend(taken=taken)
    else:
        name = say("Take in the measurements of a report")
        book.change(
            name, measurements=work.measurements, known_lengths=work.known_lengths, taken=taken
        )
    return news


def _merged(work: Work, report: Returned, whole: list[Measurement]) -> Work:
    """The work with a report's measurements; those of its predecessors that it left out go."""
    ids = {m.id for m in whole}
    before = {
        each for taken in work.taken if taken.uid in report.predecessors for each in taken.ids
    }
    kept = {m.id: m for m in work.measurements if m.id in ids or m.id not in before}
    kept.update((m.id, m) for m in whole)
    taken = TakenReport(uid=report.uid, ids=tuple(m.id for m in whole))
    lengths = {known.key: known for known in work.known_lengths}
    for (series_uid, stack), factor in report.factors:
        known = KnownLength(series_uid=series_uid, stack=stack, factor=factor)
        lengths.setdefault(known.key, known)
    return replace(
        work,
        measurements=tuple(kept.values()),
        known_lengths=tuple(lengths.values()),
        taken=(*work.taken, taken),
    )


def _take_keys(
    objects: list[StudyObject], patient: Patient, book: WorkBook, said: list[Sentence]
) -> None:
    series_of = {
        (frame.sop_instance_uid, frame.frame): series.uid
        for study in patient.studies
        for series in study.series
        for stack in series.stacks
        for frame in stack.frames
    }
    read = _selections(objects, said)
    pictures = {picture.id: picture for picture in book.work.key_pictures}
    for selection in _newest(read):
        if selection.patient_id and patient.id and selection.patient_id != patient.id:
            said.append(say("A selection of key images names another patient; it is not shown."))
            continue
        here = [p for p in selection.pictures if p in series_of]
        for uid, frame in here:
            picture = KeyPicture(series_uid=series_of[uid, frame], sop_uid=uid, frame=frame)
            pictures.setdefault(picture.id, picture)
        missing = len(selection.pictures) - len(here)
        if missing:
            said.append(
                say(
                    "{count} {count:key image|key images} of a document {count:is|are} not here.",
                    count=missing,
                )
            )
    taken = (*book.work.taken, *(TakenReport(uid=selection.uid) for selection in read))
    found = tuple(pictures.values())
    if found == book.work.key_pictures:
        book.amend(taken=taken)
    else:
        book.change(say("Take in key images"), key_pictures=found, taken=taken)


def _selections(objects: list[StudyObject], said: list[Sentence]) -> list[KeySelection]:
    from medview.dicom.objects.key_images import read_key_selection

    found = []
    for each in objects:
        try:
            found.append(read_key_selection(each.path))
        except MedViewError as error:
            said.append(error.what)
    return found


def _newest(read: list[KeySelection]) -> list[KeySelection]:
    """Those that are to be shown; of ours the newest alone, which says all that its reader said."""
    ours = [each for each in read if each.made_by == "MedView"]
    last = max(ours, key=lambda each: each.made_at, default=None)
    return [e for e in read if e.is_to_be_shown and (e.made_by != "MedView" or e is last)]
