"""Instances to patients, studies and series; series to stacks."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from medview.core.errors import MedViewError, UnreadableInstance
from medview.core.study import FileNote, Patient, Series, Stack, Study, StudyObject
from medview.core.words import Sentence, say
from medview.dicom.elements import UNDEFINED, Elements, one_of_each, say_alike, worked_out
from medview.dicom.frames import frames_of_all, with_twins
from medview.dicom.instance import Instance
from medview.dicom.keywords import HEADER_KEYWORDS, tag_of
from medview.dicom.mosaic import tiles_of
from medview.dicom.patients import by_patient, iso_date, letters_of_name, sex_of
from medview.dicom.real_world import maps_by_image
from medview.dicom.stacks import Beside, stacks_of
from medview.dicom.uids import made_uid

_SAMPLE = 1 << 15  # bytes by which two pictures are held against each other
Key = TypeVar("Key", bound=Hashable)
_HEADER_TAGS = {keyword: tag_of(keyword) for keyword in HEADER_KEYWORDS}
_log = logging.getLogger("medview.dicom")


@dataclass
class Sorted:
    """What the walk has found so far.

    began: when it began (`time.time_ns`). remembered: of how many images (see `remembered`).
    """

    images: list[Instance] = field(default_factory=list)
    objects: dict[str, tuple[Instance, StudyObject]] = field(default_factory=dict)
    ignored: list[FileNote] = field(default_factory=list)
    unreadable: list[FileNote] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    notes: dict[str, tuple[Sentence, ...]] = field(default_factory=dict)
    directories: list[str] = field(default_factory=list)
    maps: Mapping[str, tuple[Elements, ...]] = field(default_factory=dict)
    seen: int = 0
    dicom: int = 0
    began: int = 0
    remembered: int = 0

    def refuse(
        self, path: str, reason: Sentence, tag: str = "", advice: Sentence | None = None
    ) -> None:
        """Note a file that cannot be read."""
        self.unreadable.append(
            FileNote(path=path, reason=reason.english(), tag=tag, said=reason, advice=advice)
        )


def patients_of(found: Sorted) -> tuple[Patient, ...]:
    """Everything that was found, arranged; doubles and series that fail become notes."""
    found.maps = maps_by_image([made.elements for made, _ in found.objects.values()])
    instances = [*_without_doubles(found), *(made for made, _ in found.objects.values())]
    return tuple(_patient(part, found) for part in by_patient(instances))


def _without_doubles(found: Sorted) -> list[Instance]:
    """Images, each SOP Instance once; a double is noted as ignored, a different image is kept."""
    uids = [instance.elements.own.uid for instance in found.images]
    distinct = set(uids)
    if len(distinct) == len(uids) and "" not in distinct:
        return found.images
    kept: list[Instance] = []
    first: dict[str, Instance] = {}
    doubtful: dict[tuple[str, ...], Instance] = {}  # only UIDs that come again are looked at
    for uid, instance in zip(uids, found.images, strict=True):
        other = first.setdefault(uid, instance) if uid else instance
        if other is not instance:
            doubtful.setdefault(_image_key(other.elements), other)
            shown = doubtful.setdefault(_image_key(instance.elements), instance)
            if shown is not instance:
                said = _said_of_double(shown, instance)
                found.ignored.append(FileNote(path=instance.path, reason=said.english()))
                continue
        kept.append(instance)
    return kept


def _said_of_double(shown: Instance, double: Instance) -> Sentence:
    """Why a double is left out: it is the same picture, or another one under the same UID."""
    name = Path(shown.path).name
    if shown.syntax != double.syntax or _samples(shown) == _samples(double):
        return say("The same image as {other}: shown once.", other=name)
    return say(
        "It has the UID and the place of {other}, but other pixels: only that one is shown.",
        other=name,
    )


def _samples(instance: Instance) -> tuple[bytes, ...]:
    """Some bytes from the begin, the middle and the end of the pixels: what was burned in or
    blackened stands in corners. None where they can no longer be read."""
    place = instance.elements.pixels
    if place is None:
        return ()
    end = instance.size
    if place.length != UNDEFINED:
        end = min(end, place.offset + place.length)
    count = min(_SAMPLE, end - place.offset)
    starts = (place.offset, (place.offset + end - count) // 2, end - count)
    try:
        with instance.open() as source:
            return tuple(source.read(at, count) for at in starts)
    except (OSError, UnreadableInstance):
        return ()


_IMAGE_KEYWORDS = (
    "SOPInstanceUID", "SeriesInstanceUID", "ImagePositionPatient", "Rows", "Columns",
    "NumberOfFrames",
)  # fmt: skip


def _image_key(top: Elements) -> tuple[str, ...]:
    return tuple(top.text(keyword) for keyword in _IMAGE_KEYWORDS)


def _patient(instances: list[Instance], found: Sorted) -> Patient:
    studies = _parted(instances, _study_key, _STUDY_TAGS)
    top = _fullest(instances, ("PatientName", "PatientSex", "PatientBirthDate"))
    _note_other_names(instances, top, found)
    return Patient(
        id=top.text("PatientID"),
        name=top.text("PatientName").rstrip("=^ "),
        sex=sex_of(top),
        birth_date=iso_date(top.text("PatientBirthDate")),
        studies=tuple(
            sorted(
                (_study(study, found) for _, study in studies),
                key=lambda study: (study.date, study.uid),
            )
        ),
    )


_NAME_TAGS = frozenset((tag_of("PatientName"),))


def _note_other_names(instances: list[Instance], top: Elements, found: Sorted) -> None:
    """Say it on every image and object whose files name the patient otherwise."""
    written = top.raw("PatientName")
    named = one_of_each((instance.elements for instance in instances), _NAME_TAGS)
    if all(other.raw("PatientName") == written for other in named):
        return
    own = letters_of_name(top)
    said = say("These files name the patient otherwise; ID, birth date and sex are the same.")
    for instance in instances:
        if instance.elements.raw("PatientName") == written:
            continue
        if letters_of_name(instance.elements) in ("", own):
            continue
        if instance.path in found.objects:
            made = found.objects[instance.path][1]
            noted = replace(made, notes=(*made.notes, said.english()))
            found.objects[instance.path] = (instance, noted)
        else:
            found.notes[instance.path] = (*found.notes.get(instance.path, ()), said)


def _fullest(instances: Sequence[Instance], keywords: Sequence[str]) -> Elements:
    tops = (instance.elements for instance in instances[:64])
    return max(
        one_of_each(tops, frozenset(map(tag_of, keywords))),
        key=lambda top: sum(top.has(keyword) for keyword in keywords),
    )


_STUDY_TAGS = frozenset(map(tag_of, ("StudyInstanceUID", "StudyDate", "StudyID")))


def _study_key(top: Elements) -> tuple[str, ...]:
    uid = top.text("StudyInstanceUID")
    return (uid,) if uid else ("", top.text("StudyDate"), top.text("StudyID"))


def _study(part: list[Instance], found: Sorted) -> Study:
    series: list[list[Instance]] = []
    images = part
    if found.objects:
        images = [instance for instance in part if instance.path not in found.objects]
    for uid, files in _parted(images, _series_uid, _SERIES_TAGS):
        if uid:
            series.append(files)
        else:
            nameless: dict[tuple[str, ...], list[Instance]] = defaultdict(list)
            for instance in files:
                nameless[_words_of_series(instance)].append(instance)
            series.extend(nameless.values())
    top = _fullest(part, ("StudyDate", "StudyDescription"))
    date = top.text("StudyDate") or top.text("AcquisitionDate") or top.text("SeriesDate")
    return Study(
        uid=top.text("StudyInstanceUID") or made_uid("study", *_study_key(top)),
        date=iso_date(date),
        description=top.text("StudyDescription"),
        series=tuple(
            sorted(
                (one for files in series if (one := _series(files, found)).stacks),
                key=lambda one: (one.number is None, one.number or 0, one.uid),
            )
        ),
        objects=tuple(found.objects[one.path][1] for one in part if one.path in found.objects)
        if found.objects
        else (),
    )


def _parted(
    instances: list[Instance], work: Callable[[Elements], Key], tags: frozenset[int]
) -> list[tuple[Key, list[Instance]]]:
    """Instances by what `work` says of them (see `Elements.once`), in the order of the first."""
    tops = [instance.elements for instance in instances]
    if instances and say_alike(tops, work, tags):
        return [(work(tops[0]), instances)]
    parts: dict[Key, list[Instance]] = defaultdict(list)
    for key, instance in zip(worked_out(tops, work, tags), instances, strict=True):
        parts[key].append(instance)
    return list(parts.items())


_SERIES_TAGS = frozenset((tag_of("SeriesInstanceUID"),))


def _series_uid(top: Elements) -> str:
    return top.text("SeriesInstanceUID")


def _words_of_series(instance: Instance) -> tuple[str, ...]:
    """What stands for the UID of a series that has none."""
    top = instance.elements
    return (
        "",
        str(Path(instance.path).parent),
        *(top.text(keyword) for keyword in ("Modality", "SeriesNumber", "SeriesDescription")),
    )


def _series(part: list[Instance], found: Sorted) -> Series:
    part = _sorted(part)
    top = part[0].elements
    number = top.number("SeriesNumber")
    return Series(
        uid=top.text("SeriesInstanceUID") or made_uid("series", *_words_of_series(part[0])),
        number=None if number is None else int(number),
        modality=top.text("Modality").upper(),
        description=top.text("SeriesDescription"),
        body_part=top.text("BodyPartExamined").upper(),
        stacks=_stacks(part, found),
        header={
            keyword: text
            for keyword, tag in _HEADER_TAGS.items()
            if tag in top.values and (text := top.text(keyword)) != ""
        },
    )


def _sorted(part: list[Instance]) -> list[Instance]:
    """By Instance Number; those of one number by path."""
    numbers = [int(instance.elements.own.number or 0) for instance in part]
    if len(set(numbers)) == len(numbers):  # nothing but numbers to compare
        return [part[n] for n in sorted(range(len(part)), key=numbers.__getitem__)]
    return [part[n] for n in sorted(range(len(part)), key=lambda n: (numbers[n], part[n].path))]


def _stacks(part: list[Instance], found: Sorted) -> tuple[Stack, ...]:
    """The series' stacks; a series that cannot be arranged is refused, the others go on."""
    try:
        frames = with_twins(frames_of_all(part))
        if any(frame.twin.is_mosaic for frame in frames):
            frames = [tile for frame in frames for tile in tiles_of(frame)]
        return stacks_of(frames, Beside(found.notes, found.maps))
    except MedViewError as error:
        reason = error.what
    except Exception as error:  # noqa: BLE001 - no file, however hostile, stops the rest
        _log.warning("series refused", extra={"kind": type(error).__name__})
        reason = say("The series is damaged in a way that MedView cannot name.")
    for instance in part:
        found.refuse(instance.path, reason)
    return ()
