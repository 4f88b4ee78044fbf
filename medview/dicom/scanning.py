"""Files and folders to patients, studies, series and stacks; every file is accounted for."""

from __future__ import annotations

import re
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from medview.core.errors import UnreadableInstance
from medview.core.progress import CancelToken, Progress, no_progress
from medview.core.study import FileNote, Holdings, Patient, Series, Study, StudyObject
from medview.core.words import Sentence, say
from medview.dicom.codecs import why_not_decodable
from medview.dicom.elements import Elements
from medview.dicom.fragments import fragments_of
from medview.dicom.frames import frames_of
from medview.dicom.instance import DIRECTORY, Instance, NotDicom, open_instance
from medview.dicom.keywords import HEADER_KEYWORDS
from medview.dicom.objects.summary import is_object_with_pixels, study_object
from medview.dicom.pixel_format import has_image, native_shortfall, pixel_format
from medview.dicom.stacks import stacks_of
from medview.dicom.walk import files_below, is_document, what_else

_MADE_UIDS = uuid.UUID("6a1f3c52-7a0e-4f0b-9f0c-3a8d3f0f6f11")


@dataclass
class _Sorted:
    """What the walk has found so far."""

    images: list[Instance] = field(default_factory=list)
    objects: list[tuple[Instance, StudyObject]] = field(default_factory=list)
    ignored: list[FileNote] = field(default_factory=list)
    unreadable: list[FileNote] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    notes: dict[str, tuple[Sentence, ...]] = field(default_factory=dict)
    seen: int = 0
    dicom: int = 0


def scan(
    paths: Sequence[Path],
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
    leave_out: Mapping[str, FileNote] | None = None,
) -> Holdings:
    """Read every header below the paths and arrange what is there.

    leave_out: files (by path as scan gives them) already known to be unreadable. Raises
    InvalidInput for a missing path and Cancelled; a broken file only becomes a note.
    """
    found = _Sorted()
    for path in list(files_below(paths)):
        if cancel is not None:
            cancel.check()
        found.seen += 1
        if leave_out and str(path) in leave_out:
            found.dicom += 1
            found.unreadable.append(leave_out[str(path)])
        else:
            _take(path, found)
        progress(found.seen, 0, path.name)
    patients = _patients(found)
    progress(found.seen, found.seen, "")
    return Holdings(
        patients=patients,
        seen=found.seen,
        dicom=found.dicom,
        ignored=tuple(found.ignored),
        unreadable=tuple(found.unreadable),
        documents=tuple(found.documents),
    )


def _take(path: Path, found: _Sorted) -> None:
    try:
        instance = open_instance(str(path))
        found.dicom += 1
        _sort_in(instance, found)
    except NotDicom as reason:
        said = what_else(path) if path.stat().st_size else reason.args[0]
        found.ignored.append(FileNote(path=str(path), reason=said.english()))
        if is_document(path):
            found.documents.append(str(path))
    except UnreadableInstance as error:
        found.unreadable.append(
            FileNote(path=str(path), reason=error.what.english(), tag=error.tag)
        )


def _sort_in(instance: Instance, found: _Sorted) -> None:
    top = instance.elements
    if top.text("SOPClassUID") == DIRECTORY:
        said = say("A DICOMDIR: the files that it lists are read themselves.")
        found.ignored.append(FileNote(path=instance.path, reason=said.english()))
    elif has_image(top) and not is_object_with_pixels(top):
        found.notes[instance.path] = _check_pixels(instance)
        found.images.append(instance)
    elif _is_image_class(top) and not is_object_with_pixels(top):
        raise UnreadableInstance(
            say("An image without pixels: the file was cut off or they were removed."),
            tag="(7FE0,0010)",
        )
    elif not any(top.has(keyword) for keyword in ("SOPClassUID", "StudyInstanceUID", "Modality")):
        said = say("DICOM, but without patient, study or image.")
        found.ignored.append(FileNote(path=instance.path, reason=said.english()))
    else:
        notes = tuple(note.english() for note in _number_note(top))
        found.objects.append((instance, study_object(instance, notes)))


def _is_image_class(top: Elements) -> bool:
    return bool(top.text("SOPClassUID")) and (
        top.has("Rows") or top.text("Modality") in ("CT", "MR", "PT", "CR", "DX")
    )


def _check_pixels(instance: Instance) -> tuple[Sentence, ...]:
    """Notes on pixels that are there in part; raises UnreadableInstance where none can be shown."""
    form = pixel_format(instance)
    notes = [*_number_note(instance.elements)]
    if instance.is_encapsulated:
        reason = why_not_decodable(instance.syntax)
        if reason is not None:
            raise UnreadableInstance(reason, instance.path, tag="(0002,0010)")
        with instance.open() as source:
            frames = fragments_of(instance, source)
        if len(frames) < form.frames:
            notes.append(
                say("{there} of {count} pictures are there.", there=len(frames), count=form.frames)
            )
    shortfall = native_shortfall(instance, form)
    if shortfall is not None:
        notes.append(shortfall)
    return tuple(notes)


def _number_note(top: Elements) -> list[Sentence]:
    if top.has("NumberOfFrames") and not top.floats("NumberOfFrames"):
        return [say("Number of Frames is not a number; one picture is taken to be there.")]
    return []


def _patients(found: _Sorted) -> tuple[Patient, ...]:
    parts: dict[tuple[str, str], list[Instance]] = defaultdict(list)
    objects = {instance.path: made for instance, made in found.objects}
    for instance in _without_doubles(found):
        parts[_patient_key(instance.elements)].append(instance)
    for instance, _ in found.objects:
        parts[_patient_key(instance.elements)].append(instance)
    return tuple(_patient(part, objects, found.notes) for part in parts.values())


def _patient_key(top: Elements) -> tuple[str, str]:
    """Patient ID and the name's letters: an ID that two names share is not one patient."""
    name = top.text("PatientName").split("=", maxsplit=1)[0]
    return (top.text("PatientID"), re.sub(r"[\W_]+", "", name).casefold())


def _without_doubles(found: _Sorted) -> list[Instance]:
    """Images, each SOP Instance once; a double is noted as ignored, a different image is kept."""
    kept: list[Instance] = []
    first: dict[tuple[str, ...], str] = {}
    for instance in found.images:
        top = instance.elements
        uid = top.text("SOPInstanceUID")
        key = (uid, top.text("SeriesInstanceUID"), top.text("ImagePositionPatient"),
               top.text("Rows"), top.text("Columns"), top.text("NumberOfFrames"))  # fmt: skip
        if uid and key in first:
            said = say("The same image as {other}: shown once.", other=Path(first[key]).name)
            found.ignored.append(FileNote(path=instance.path, reason=said.english()))
        else:
            first[key] = instance.path
            kept.append(instance)
    return kept


def _patient(
    part: Iterable[Instance],
    objects: Mapping[str, StudyObject],
    notes: dict[str, tuple[Sentence, ...]],
) -> Patient:
    studies: dict[tuple[str, ...], list[Instance]] = defaultdict(list)
    instances = list(part)
    for instance in instances:
        studies[_study_key(instance.elements)].append(instance)
    top = _fullest(instances, ("PatientName", "PatientSex", "PatientBirthDate"))
    return Patient(
        id=top.text("PatientID"),
        name=top.text("PatientName").rstrip("=^ ") if top.text("PatientName") else "",
        sex=top.text("PatientSex").upper() if top.text("PatientSex").upper() in "MFO" else "",
        birth_date=iso_date(top.text("PatientBirthDate")),
        studies=tuple(
            sorted(
                (_study(study, objects, notes) for study in studies.values()),
                key=lambda study: (study.date, study.uid),
            )
        ),
    )


def _fullest(instances: Sequence[Instance], keywords: Sequence[str]) -> Elements:
    return max(
        (instance.elements for instance in instances[:64]),
        key=lambda top: sum(top.has(keyword) for keyword in keywords),
    )


def _study_key(top: Elements) -> tuple[str, ...]:
    uid = top.text("StudyInstanceUID")
    return (uid,) if uid else ("", top.text("StudyDate"), top.text("StudyID"))


def _study(
    part: list[Instance],
    objects: Mapping[str, StudyObject],
    notes: dict[str, tuple[Sentence, ...]],
) -> Study:
    series: dict[tuple[str, ...], list[Instance]] = defaultdict(list)
    for instance in part:
        if instance.path not in objects:
            series[_series_key(instance)].append(instance)
    top = _fullest(part, ("StudyDate", "StudyDescription"))
    date = top.text("StudyDate") or top.text("AcquisitionDate") or top.text("SeriesDate")
    return Study(
        uid=top.text("StudyInstanceUID") or made_uid("study", *_study_key(top)),
        date=iso_date(date),
        description=top.text("StudyDescription"),
        series=tuple(
            sorted(
                (_series(one, notes) for one in series.values()),
                key=lambda one: (one.number is None, one.number or 0, one.uid),
            )
        ),
        objects=tuple(objects[instance.path] for instance in part if instance.path in objects),
    )


def _series_key(instance: Instance) -> tuple[str, ...]:
    top = instance.elements
    uid = top.text("SeriesInstanceUID")
    if uid:
        return (uid, top.text("Modality"))
    return (
        "",
        str(Path(instance.path).parent),
        *(top.text(keyword) for keyword in ("Modality", "SeriesNumber", "SeriesDescription")),
    )


def _series(part: list[Instance], notes: dict[str, tuple[Sentence, ...]]) -> Series:
    part = sorted(
        part, key=lambda instance: (instance.elements.integer("InstanceNumber"), instance.path)
    )
    top = part[0].elements
    number = top.number("SeriesNumber")
    frames = [frame for instance in part for frame in frames_of(instance)]
    return Series(
        uid=top.text("SeriesInstanceUID") or made_uid("series", *_series_key(part[0])),
        number=None if number is None else int(number),
        modality=top.text("Modality").upper(),
        description=top.text("SeriesDescription"),
        body_part=top.text("BodyPartExamined").upper(),
        stacks=stacks_of(frames, notes),
        header={keyword: text for keyword in HEADER_KEYWORDS if (text := top.text(keyword)) != ""},
    )


def made_uid(*parts: str) -> str:
    """A UID for what has none in its files: the same for the same files (PS3.5 B.2)."""
    return f"2.25.{uuid.uuid5(_MADE_UIDS, '|'.join(parts)).int}"


def iso_date(text: str) -> str:
    """YYYY-MM-DD of a DICOM date (also of the old form with dots), empty where it is none."""
    digits = re.sub(r"[.\-/]", "", text.split("\\", maxsplit=1)[0]).strip()
    if not re.fullmatch(r"\d{8}", digits) or not "01" <= digits[4:6] <= "12":
        return ""
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}" if "01" <= digits[6:] <= "31" else ""
