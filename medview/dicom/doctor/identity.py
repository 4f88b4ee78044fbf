"""Checks of who and what: UIDs, and whether files that say they belong together agree."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from medview.core.errors import UnreadableInstance
from medview.core.words import say
from medview.dicom.doctor.case import Case
from medview.dicom.doctor.finding import (
    ERROR,
    REMARK,
    WARNING,
    Check,
    Finding,
    declare,
    shown_tag,
)
from medview.dicom.doctor.words import FIX_AT_SOURCE, TELL_MAKER, WRONG_PERSON
from medview.dicom.instance import DIRECTORY
from medview.dicom.keywords import tag_of
from medview.dicom.members import open_source

NO_UID = declare(Check(
    id="identity.no-uid", severity=ERROR, title=say("A UID is missing or empty"),
    causes=say("Archives refuse the object or mix it with others."), what_to_do=FIX_AT_SOURCE,
))  # fmt: skip
NO_PATIENT = declare(Check(
    id="identity.no-patient", severity=REMARK, title=say("The patient is not named"),
    causes=WRONG_PERSON, what_to_do=FIX_AT_SOURCE,
))  # fmt: skip
TWO_PATIENTS = declare(Check(
    id="identity.patient", severity=ERROR,
    title=say("Files of one study name several patients"),
    causes=WRONG_PERSON, what_to_do=FIX_AT_SOURCE,
))  # fmt: skip
TWO_BIRTHS = declare(Check(
    id="identity.birth-date", severity=ERROR,
    title=say("Files of one patient differ in birth date or sex"),
    causes=WRONG_PERSON, what_to_do=FIX_AT_SOURCE,
))  # fmt: skip
TWO_STUDIES = declare(Check(
    id="identity.study", severity=ERROR, title=say("One series belongs to several studies"),
    causes=WRONG_PERSON, what_to_do=FIX_AT_SOURCE,
))  # fmt: skip
TWO_KINDS = declare(Check(
    id="identity.modality", severity=WARNING, title=say("One series has several modalities"),
    causes=say("Programs choose layout and tools for one of them alone."), what_to_do=TELL_MAKER,
))  # fmt: skip
SAME_UID = declare(Check(
    id="identity.uid-doubled", severity=ERROR,
    title=say("Different objects have one SOP Instance UID"),
    causes=say("Archives keep only one of them; the other picture is lost."),
    what_to_do=FIX_AT_SOURCE,
))  # fmt: skip
RECODED = declare(Check(
    id="identity.uid-recoded", severity=REMARK,
    title=say("One object stands here in several compressions"),
    causes=say("Only one of them is shown; a lossy one ought to have a UID of its own."),
    what_to_do=TELL_MAKER,
))  # fmt: skip
COPY = declare(Check(
    id="identity.copy", severity=REMARK, title=say("The same object stands here twice"),
    causes=say("It is shown once."), what_to_do=say("Nothing needs to be done."),
))  # fmt: skip


_SHAPE = ("ImagePositionPatient", "Rows", "Columns", "NumberOfFrames", "BitsAllocated")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What of one file is compared with its neighbours."""

    path: str
    start: int
    sop_instance_uid: str
    series_uid: str
    study_uid: str
    patient: tuple[str, str]  # ID and name
    birth_and_sex: tuple[str, str]
    modality: str
    syntax: str
    instance_number: int | None
    spacing_between: float | None
    frame_of_reference: str
    shape: tuple[str, ...]  # what, beside the UID, makes a picture the same for the reader


def facts_of(case: Case) -> Facts:
    """The facts of a file."""
    top = case.top
    number = top.number("InstanceNumber")
    return Facts(
        path=case.anatomy.path,
        start=case.anatomy.start,
        sop_instance_uid=top.text("SOPInstanceUID"),
        series_uid=top.text("SeriesInstanceUID"),
        study_uid=top.text("StudyInstanceUID"),
        patient=(top.text("PatientID"), top.text("PatientName").rstrip("^= ").casefold()),
        birth_and_sex=(top.text("PatientBirthDate"), top.text("PatientSex")),
        modality=top.text("Modality"),
        syntax=case.syntax,
        instance_number=None if number is None else int(number),
        spacing_between=top.number("SpacingBetweenSlices"),
        frame_of_reference=top.text("FrameOfReferenceUID"),
        shape=tuple(map(top.text, _SHAPE)),
    )


def identity_findings(case: Case) -> Iterator[Finding]:
    """What one file says of itself."""
    top = case.top
    is_directory = DIRECTORY in (
        top.text("SOPClassUID"), case.anatomy.meta_text("MediaStorageSOPClassUID")
    )  # fmt: skip
    if is_directory or not case.anatomy.nodes:
        return
    for keyword in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        if not top.has(keyword):
            said = say("{keyword} is missing or empty.", keyword=keyword)
            yield case.finding(NO_UID, said, keyword)
    if not top.has("PatientID") and not top.has("PatientName"):
        said = say("Neither name nor ID of the patient is there.")
        yield case.finding(NO_PATIENT, said, "PatientID")


def _groups(facts: Iterable[Facts], key: Callable[[Facts], str]) -> Iterator[list[Facts]]:
    found: dict[str, list[Facts]] = defaultdict(list)
    for fact in facts:
        if key(fact):
            found[key(fact)].append(fact)
    return iter(found.values())


def together_findings(facts: Iterable[Facts]) -> Iterator[Finding]:
    """What files say against one another."""
    known = list(facts)
    for group in _groups(known, lambda fact: fact.study_uid):
        if len({fact.patient for fact in group} - {("", "")}) > 1:
            yield _differing(TWO_PATIENTS, group, lambda f: f.patient, "PatientID")
    for group in _groups(known, _person):
        if any(len({fact.birth_and_sex[n] for fact in group} - {""}) > 1 for n in (0, 1)):
            yield _differing(TWO_BIRTHS, group, lambda f: f.birth_and_sex, "PatientBirthDate")
    for group in _groups(known, lambda fact: fact.series_uid):
        if len({fact.study_uid for fact in group}) > 1:
            yield _differing(TWO_STUDIES, group, lambda f: f.study_uid, "StudyInstanceUID")
        if len({fact.modality for fact in group} - {""}) > 1:
            yield _differing(TWO_KINDS, group, lambda f: f.modality, "Modality")
    for group in _groups(known, lambda fact: fact.sop_instance_uid):
        if len(group) > 1:
            yield from _doubles(group)


def _person(fact: Facts) -> str:
    return "\0".join(fact.patient) if fact.patient[0] else ""


def _differing(
    check: Check, group: list[Facts], value: Callable[[Facts], object], keyword: str
) -> Finding:
    """The first file that differs from the first one."""
    other = next(fact for fact in group if value(fact) != value(group[0]))
    count = sum(value(fact) != value(group[0]) for fact in group)
    said = say("{count} of {all} files differ from {file}.",
               count=count, all=len(group), file=Path(group[0].path).name)  # fmt: skip
    return Finding(check=check, what=said, path=other.path, tag=shown_tag(tag_of(keyword)))


def _doubles(group: list[Facts]) -> Iterator[Finding]:
    first = _digest(group[0])
    for other in group[1:]:
        check = COPY if _digest(other) == first else SAME_UID
        alike = other.shape == group[0].shape
        if check is SAME_UID and other.syntax != group[0].syntax and alike:
            check = RECODED
        said = say("It stands in {file} too.", file=Path(group[0].path).name)
        yield Finding(check=check, what=said, path=other.path,
                      tag=shown_tag(tag_of("SOPInstanceUID")))  # fmt: skip


def _digest(fact: Facts) -> bytes:
    """Of the data set's bytes; meta headers of copies may differ."""
    made = hashlib.sha256()
    try:
        with open_source(fact.path, whole=True) as source:
            for at in range(fact.start, source.size, 1 << 20):
                made.update(source.read(at, 1 << 20))
    except (OSError, UnreadableInstance):
        return fact.path.encode("utf-8", "surrogateescape")
    return made.digest()
