"""From a mention to the place in the images that it speaks of, and openly where there is none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medview.core.geometry import PatientPoint, VoxelIndex
from medview.core.words import Sentence, say
from medview.session.documents import OpenDocument
from medview.session.places import Place
from medview.session.segments import Segment

if TYPE_CHECKING:
    from medview.record import Entity
    from medview.record.referring import Mentioned
    from medview.session.session import Session


_PARTS = {
    "right upper lobe": say("right upper lobe"),
    "right middle lobe": say("right middle lobe"),
    "right lower lobe": say("right lower lobe"),
    "left upper lobe": say("left upper lobe"),
    "left lower lobe": say("left lower lobe"),
    "right lung": say("right lung"),
    "left lung": say("left lung"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """Where a mention leads. title: what the link says; series_uid is empty where it leads nowhere.

    said: what could not be located, or on what the place rests.
    """

    title: Sentence
    series_uid: str = ""
    point: PatientPoint | None = None
    said: Sentence | None = None


def locate(session: Session, item: OpenDocument, entity: Entity) -> Located | None:
    """The place that a mention's sentence names; None where it names none."""
    from medview.record.referring import mentioned_place

    named = mentioned_place(item.note, entity)
    if named.says_nothing:
        return None
    if session.active is None or session.patient is None:
        return Located(title=say("No images of this patient are open."))
    places = [p for p in session.studies.places() if p.is_of_patient_with(session.active)]
    if named.series is None and named.image is None:
        return _of_part(session, places, named.part)
    return _of_image(session.active, places, named, item.document.date[:10])


def _of_image(
    active: Place, places: Sequence[Place], named: Mentioned, document_date: str
) -> Located:
    """The slice with the number that is named, in the study that the document may speak of."""
    date, is_certain = _study_date(active, places, document_date)
    of_study = [p for p in places if p.study.date == date]
    series = [p for p in of_study if p.series.number == named.series]
    if named.series is None:
        series = [active] if active.study.date == date else of_study[:1]
    if not series:
        said = say(
            "The study of {date} has no series {series}.", date=date or "—", series=named.series
        )
        return Located(title=said)
    hint = None
    if not is_certain:
        hint = say(
            "The text does not say of which examination; this is the study of {date}.",
            date=date or "—",
        )
    if named.image is None:
        title = say("Show series {series}", series=named.series)
        middle = series[0].stack.geometry.centre
        return Located(title=title, series_uid=series[0].series.uid, point=middle, said=hint)
    return _of_slice(series, named.image, hint)


def _of_slice(series: Sequence[Place], image: int, hint: Sentence | None) -> Located:
    number = series[0].series.number
    for place in series:
        slices = [frame.instance_number for frame in place.stack.frames]
        if image in slices:
            title = say("Show series {series}, image {image}", series=number, image=image)
            point = _middle_of(place, slices.index(image))
            return Located(title=title, series_uid=place.series.uid, point=point, said=hint)
    numbers = [f.instance_number for p in series for f in p.stack.frames if f.instance_number]
    said = say("Series {series} has no image {image}.", series=number, image=image)
    if numbers:
        said = say(
            "Series {series} has no image {image}; its images are {first} to {last}.",
            series=number,
            image=image,
            first=min(numbers),
            last=max(numbers),
        )
    return Located(title=said)


def _middle_of(place: Place, k: int) -> PatientPoint:
    slices, rows, columns = place.stack.geometry.shape
    return place.stack.geometry.to_patient(
        VoxelIndex(min(k, slices - 1), (rows - 1) / 2, (columns - 1) / 2)
    )


def _middle_of_box(place: Place, segment: Segment) -> PatientPoint:
    """The middle of the box around all that was drawn."""
    middle = []
    for axis in range(3):
        lows = [patch.first[axis] for patch in segment.patches]
        highs = [patch.first[axis] + patch.shape[axis] - 1 for patch in segment.patches]
        middle.append((min(lows) + max(highs)) / 2)
    return place.stack.geometry.to_patient(VoxelIndex(*middle))


def _study_date(active: Place, places: Iterable[Place], document_date: str) -> tuple[str, bool]:
    """The date of the study that a document speaks of, and whether that is certain.

    A report is of the day of its study or a little later: the newest study up to its day.
    """
    dates = sorted({p.study.date for p in places if p.study.date})
    if document_date in dates or len(dates) < 2:
        return (document_date if document_date in dates else active.study.date), True
    before = [date for date in dates if document_date and date <= document_date]
    return (before[-1] if before else active.study.date), False


def _of_part(session: Session, places: Sequence[Place], part: str) -> Located:
    """The middle of the lobe, where a mask outlines it; else of its lung, and that is said."""
    lung = "right lung" if part.startswith("right") else "left lung"
    outlined = [each for place in places for each in _outlined(session, place)]
    for wanted in dict.fromkeys((part, lung)):
        for uid, name, point in outlined:
            if _is_part(name, wanted):
                title = say("Show the {part}", part=_PARTS[wanted])
                hint = None
                if wanted != part:
                    hint = say(
                        "The {part} itself is not outlined: shown is the middle of the {whole}.",
                        part=_PARTS[part],
                        whole=_PARTS[lung],
                    )
                return Located(title=title, series_uid=uid, point=point, said=hint)
    return Located(
        title=say("The {part} cannot be located: nothing outlines it.", part=_PARTS[part]),
        said=say("The sentence names no image; an analysis of the chest outlines the lungs."),
    )


def _outlined(session: Session, place: Place) -> Iterable[tuple[str, str, PatientPoint]]:
    """(series UID, name, middle) of what models and the reader outlined on a stack."""
    for run in session.made.runs_of(place):
        if (run.series_uid, run.stack) != place.key or run.status != "run":
            continue
        for finding in run.findings:
            if finding.centroid is not None:
                yield run.series_uid, finding.label, finding.centroid
    for segment in session.made.book_of(place).work.segments:
        if (segment.series_uid, segment.stack) == place.key and segment.patches:
            yield place.series.uid, segment.name, _middle_of_box(place, segment)


def _is_part(name: str, wanted: str) -> bool:
    words = set(name.casefold().replace(",", " ").replace("_", " ").split())
    return set(wanted.split()) <= words
