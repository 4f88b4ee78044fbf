"""Commands on measurements, known lengths and key images; each is named and can be undone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from medview.core.results import Measurement
from medview.core.study import Patient, Series, Stack
from medview.core.words import say
from medview.session.nodules import linked_to, nodule_again
from medview.session.studies import Key, Place
from medview.session.work import KeyPicture, KnownLength, Work, WorkBook

ALONG_CURVE = "along a curve"  # in Measurement.extra: measured on a straightened picture
REPORTED = "reported by"  # in Measurement.extra: its numbers are a report's, not ours


def keep(book: WorkBook, measurement: Measurement) -> None:
    """A measurement was drawn, or changed where its id is known."""
    known = {m.id: m for m in book.work.measurements}
    before = known.get(measurement.id)
    if before is None:
        change = say("Measure")
    elif before.points == measurement.points:  # its numbers stay whose they are
        change = say("Move a label")
        measurement = replace(before, label_shift=measurement.label_shift)
    else:  # what the reader named it stays
        change = say("Change a measurement")
        named = tuple((k, v) for k, v in before.extra if k != REPORTED)
        measurement = nodule_again(before, replace(measurement, extra=named, text=before.text))
    known[measurement.id] = measurement
    book.change(change, measurements=tuple(known.values()))


def remove(book: WorkBook, ids: Collection[str]) -> None:
    """Measurements were deleted, and with them the masks that they were made with."""
    kept = tuple(m for m in book.work.measurements if m.id not in ids)
    masks = {linked_to(m) for m in book.work.measurements if m.id in ids}
    segments = tuple(s for s in book.work.segments if s.id not in masks)
    hidden = tuple(each for each in book.work.hidden_measurements if each not in ids)
    book.change(
        say("Delete a measurement"),
        measurements=kept,
        segments=segments,
        hidden_measurements=hidden,
    )


def rename(book: WorkBook, measurement_id: str, text: str) -> None:
    """Give a measurement another label, or none."""
    changed = tuple(
        replace(m, text=text.strip()) if m.id == measurement_id else m
        for m in book.work.measurements
    )
    book.change(say("Label a measurement"), measurements=changed)


def put_label_back(book: WorkBook, measurement_id: str) -> None:
    """Let the views choose again where the label of a measurement stands."""
    changed = tuple(
        replace(m, label_shift=None) if m.id == measurement_id else m
        for m in book.work.measurements
    )
    book.change(say("Move a label"), measurements=changed)


def hide(book: WorkBook, measurement_id: str) -> None:
    """Leave a measurement out of the views; its numbers stay where they are."""
    hidden = book.work.hidden_measurements
    if measurement_id not in hidden:
        book.change(say("Hide a measurement"), hidden_measurements=(*hidden, measurement_id))


def show_again(book: WorkBook, ids: Collection[str]) -> None:
    """Measurements that were hidden stand in the views again."""
    kept = tuple(each for each in book.work.hidden_measurements if each not in ids)
    book.change(say("Show hidden measurements"), hidden_measurements=kept)


def calibrate(book: WorkBook, key: Key, factor: float | None) -> None:
    """The reader knows what a stack's lengths are worth; None takes that back."""
    others = tuple(known for known in book.work.known_lengths if known.key != key)
    if factor is None:
        book.change(say("Forget a known length"), known_lengths=others)
        return
    now = KnownLength(series_uid=key[0], stack=key[1], factor=factor)
    book.change(say("Calibrate by a known length"), known_lengths=(*others, now))


def factor_of(work: Work, key: Key) -> float | None:
    """What the reader says that a stack's lengths are to be multiplied by."""
    return next((known.factor for known in work.known_lengths if known.key == key), None)


def picture_of(series: Series, stack: Stack, k: int) -> KeyPicture:
    """How a slice of a stack is named among key images."""
    frame = stack.frames[k]
    return KeyPicture(series_uid=series.uid, sop_uid=frame.sop_instance_uid, frame=frame.frame)


def toggle_key(book: WorkBook, picture: KeyPicture) -> bool:
    """Mark a picture as a key image, or no longer; whether it is one now."""
    others = tuple(known for known in book.work.key_pictures if known.id != picture.id)
    is_new = len(others) == len(book.work.key_pictures)
    name = say("Mark a key image") if is_new else say("No longer a key image")
    book.change(name, key_pictures=(*others, picture) if is_new else others)
    return is_new


def key_slices(work: Work, stack: Stack) -> tuple[int, ...]:
    """Which slices of a stack are key images, ascending."""
    marked = {(picture.sop_uid, picture.frame) for picture in work.key_pictures}
    if not marked:
        return ()
    return tuple(
        k for k, frame in enumerate(stack.frames) if (frame.sop_instance_uid, frame.frame) in marked
    )


def on_stack(work: Work, place: Place) -> tuple[Measurement, ...]:
    """What lies on a stack and is not hidden: its own measurements, and those of other stacks of
    its space.

    One space are stacks of one patient that name one frame of reference and lie in space; that is
    one table position, not the absence of motion: the views say on which series it was measured.
    """
    seen = [m for m in work.measurements if m.id not in work.hidden_measurements]
    own = [m for m in seen if (m.series_uid, m.stack) == place.key]
    space = place.stack.frame_of_reference_uid
    if not space or not place.stack.geometry.is_spatial:
        return tuple(own)
    near = _stacks_of(place.patient, space) - {place.key}
    return (*own, *(m for m in seen if (m.series_uid, m.stack) in near))


def _stacks_of(patient: Patient, frame_of_reference_uid: str) -> set[Key]:
    return {
        (series.uid, number)
        for study in patient.studies
        for series in study.series
        for number, stack in enumerate(series.stacks)
        if stack.frame_of_reference_uid == frame_of_reference_uid and stack.geometry.is_spatial
    }
