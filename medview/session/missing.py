"""What is missing in what was opened, in a sentence: files, images, or what objects stand on."""

from __future__ import annotations

from collections.abc import Iterable

from medview.core.study import Holdings, Patient, StudyObject
from medview.core.words import Sentence, say

_STANDS_ON_IMAGES = ("SEG", "SR", "KO", "PR")


def said_of_missing(found: Holdings, documents: int, opened: Iterable[Patient]) -> Sentence | None:
    """What to tell of what was found, documents beside it; opened: all patients that are open."""
    studies = [study for patient in found.patients for study in patient.studies]
    if found.seen == 0:
        return say("The folder is empty.")
    if not studies and documents == 0:
        return say(
            "There is no DICOM image among the {count} {count:file|files}.", count=found.seen
        )
    if not any(series.stacks for study in studies for series in study.series):
        return _said_of_objects(sum(len(study.objects) for study in studies)) if studies else None
    return _said_of_strangers(found, list(opened))


def _said_of_objects(count: int) -> Sentence:
    if count == 1:
        return say("No image was found, but 1 object: it is listed at the left.")
    return say(
        "No image was found, but {count} {count:object|objects}: "
        "{count:it is|they are} listed at the left.",
        count=count,
    )


def _said_of_strangers(found: Holdings, opened: list[Patient]) -> Sentence | None:
    """Objects whose images are another patient's, or not here; the graver of the two is said."""
    known: dict[str, frozenset[str]] = {}
    for patient in opened:
        known[patient.id] = known.get(patient.id, frozenset()) | _instances(patient)
    everyone = frozenset[str]().union(*known.values())
    elsewhere, nowhere = 0, 0
    for patient in found.patients:
        for item in _on_images(patient):
            if not known.get(patient.id, frozenset()).isdisjoint(item.refers_to):
                continue
            if everyone.isdisjoint(item.refers_to):
                nowhere += 1
            else:
                elsewhere += 1
    if elsewhere:
        return say(
            "{count} {count:object names|objects name} another patient than the images "
            "{count:it was|they were} made on, and {count:is|are} not shown on them.",
            count=elsewhere,
        )
    if nowhere:
        return say(
            "{count} {count:object was|objects were} made on images that are not here: "
            "{count:it is|they are} listed at the left.",
            count=nowhere,
        )
    return None


def _on_images(patient: Patient) -> Iterable[StudyObject]:
    objects = (item for study in patient.studies for item in study.objects)
    return (item for item in objects if item.kind in _STANDS_ON_IMAGES and item.refers_to)


def _instances(patient: Patient) -> frozenset[str]:
    """The images and objects of a patient, which others may stand on."""
    images = (
        frame.sop_instance_uid
        for study in patient.studies
        for series in study.series
        for stack in series.stacks
        for frame in stack.frames
    )
    return frozenset(images) | {item.uid for study in patient.studies for item in study.objects}
