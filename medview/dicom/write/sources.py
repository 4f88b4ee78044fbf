"""The images that a result was made from, as headers fit to be referred to.

Real archives leave out attributes that the standard requires to be there at least empty, and some
carry one frame of reference per slice. Copies of the headers are mended in memory, each mending is
said; the files themselves are never touched and pixels are not read.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID
from pydicom.valuerep import DA, TM

from medview.core.archive import open_binary
from medview.core.errors import InvalidInput, UnreadableInstance
from medview.core.study import Stack
from medview.core.words import Sentence, say
from medview.dicom.uids import derived_uid
from medview.dicom.write.files import tolerating_sources

_log = logging.getLogger("medview.dicom.write")

# Type 2 attributes of Patient and General Study (PS3.3 C.7.1.1, C.7.2.1): present, maybe empty.
_TYPE_2 = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID",
    "StudyDate", "StudyTime", "ReferringPhysicianName",
)  # fmt: skip
_DATES = {
    "PatientBirthDate": (DA, r"\d{8}"),
    "StudyDate": (DA, r"\d{8}"),
    "StudyTime": (TM, r"\d{2}(\d{2}){0,2}(\.\d{1,6})?"),
}
_MUST_HAVE = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")
_SPATIAL = ("CT", "MR", "PT")  # a frame of reference is mandatory there (PS3.3 A.3, A.4, A.21)


@dataclass(frozen=True, eq=False)
class Sources:
    """Mended headers in the order of the stack's frames, and what was mended, in words.

    datasets: one per file, each once. frames: (dataset index, frame number from 1) per slice.
    """

    stack: Stack
    datasets: tuple[Dataset, ...]
    frames: tuple[tuple[int, int], ...]
    notes: tuple[Sentence, ...] = ()

    @property
    def first(self) -> Dataset:
        """The header that patient and study are taken from."""
        return self.datasets[0]

    @property
    def frame_of_reference_uid(self) -> str:
        """The one frame of reference of everything written, "" for a projection without one."""
        return str(self.first.get("FrameOfReferenceUID", ""))

    @property
    def is_multi_frame(self) -> bool:
        """Whether a file holds more than one picture."""
        return any("NumberOfFrames" in dataset for dataset in self.datasets)


def read_sources(stack: Stack) -> Sources:
    """Read and mend the headers of a stack's files.

    Raises UnreadableInstance when a file has gone, InvalidInput when the images carry no identity
    (a DICOM result must name the images that it was made from).
    """
    order: dict[str, int] = {}
    frames = tuple(
        (order.setdefault(frame.path, len(order)), frame.frame + 1) for frame in stack.frames
    )
    with tolerating_sources():
        return _mend(stack, tuple(_read_header(path) for path in order), frames)


def _mend(
    stack: Stack, datasets: tuple[Dataset, ...], frames: tuple[tuple[int, int], ...]
) -> Sources:
    mended = sorted({keyword for dataset in datasets for keyword in _fill(dataset)})
    notes = []
    if mended:
        _log.info("source headers mended", extra={"attributes": ",".join(mended)})
        notes.append(
            say(
                "The images lack {attributes} or hold them in a form that DICOM forbids; "
                "the written objects leave them empty.",
                attributes=", ".join(mended),
            )
        )
    notes += _unite_frame_of_reference(stack, datasets)
    for dataset in datasets:
        if stack.geometry.is_spatial and not dataset.get("SliceThickness"):
            dataset.SliceThickness = stack.geometry.slice_step  # highdicom asks for one
    _speak_unicode(datasets[0])
    return Sources(stack, datasets, frames, tuple(notes))


def _read_header(path: str) -> Dataset:
    try:
        with open_binary(path) as file:
            # Also files without preamble: the walk of the folder has judged them to be DICOM.
            dataset = dcmread(file, stop_before_pixels=True, force=True)
        missing = [name for name in _MUST_HAVE if not dataset.get(name)]
    except (OSError, InvalidDicomError, ValueError, NotImplementedError) as error:
        raise UnreadableInstance(
            say("An image of this series can no longer be read."), detail=type(error).__name__
        ) from error
    if missing:
        raise InvalidInput(
            say(
                "These images carry no {attribute}, so a DICOM result cannot refer to them.",
                attribute=missing[0],
            )
        )
    # An empty count, or one, would make highdicom and its readers take a picture for many.
    count = dataset.get("NumberOfFrames", 1) or 0
    is_enhanced = "PerFrameFunctionalGroupsSequence" in dataset
    if "NumberOfFrames" in dataset and int(count) <= 1 and not is_enhanced:
        del dataset.NumberOfFrames
    if is_enhanced:
        _share_functional_groups(dataset)
    return dataset


def _share_functional_groups(dataset: Dataset) -> None:
    """Some makers write pixel size and orientation with each frame; highdicom asks once for all."""
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    per_frame = dataset.PerFrameFunctionalGroupsSequence
    for name in ("PixelMeasuresSequence", "PlaneOrientationSequence"):
        if name not in shared and len(per_frame) and name in per_frame[0]:
            shared[name] = per_frame[0][name]
    dataset.SharedFunctionalGroupsSequence = [shared]


def _fill(dataset: Dataset) -> list[str]:
    """Give absent or illegal type 2 attributes an empty value; returns their names."""
    filled = []
    for keyword in _TYPE_2:
        value = _safe(dataset, keyword)
        if keyword not in dataset or not _is_legal(keyword, value):
            setattr(dataset, keyword, "")
            filled.append(keyword)
        elif value is None:
            setattr(dataset, keyword, "")
    _drop_empty(dataset)
    age = _safe(dataset, "PatientAge")
    if age is not None and not re.fullmatch(r"\d{3}[DWMY]", str(age)):
        del dataset.PatientAge  # "62" may be years or months: left out rather than guessed
        filled.append("PatientAge")
    return filled


def _speak_unicode(first: Dataset) -> None:
    """Patient and study are copied from the first header: all their texts become UTF-8.

    Character sets are empty, misspelt or cannot hold a label's name; one set fits all.
    """
    try:
        first.decode()
    except (LookupError, ValueError, TypeError, NotImplementedError):
        _log.info("texts of a header kept as they were")
    first.SpecificCharacterSet = "ISO_IR 192"


def _drop_empty(dataset: Dataset) -> None:
    """Written objects inherit patient and study; an empty optional attribute there is an error."""
    for element in list(dataset.group_dataset(0x0010)) + list(dataset.group_dataset(0x0012)):
        if element.keyword not in _TYPE_2 and element.is_empty:
            del dataset[element.tag]
    if "ReferringPhysicianIdentificationSequence" in dataset:  # often half filled, never needed
        del dataset.ReferringPhysicianIdentificationSequence
    if dataset.get("PatientIdentityRemoved") == "YES" and "DeidentificationMethod" not in dataset:
        dataset.DeidentificationMethod = "Not stated by the source"


def _safe(dataset: Dataset, keyword: str) -> Any:
    try:
        return dataset.get(keyword)
    except (ValueError, TypeError, NotImplementedError):  # pydicom parses when asked
        return NotImplemented


def _is_legal(keyword: str, value: Any) -> bool:
    if value is NotImplemented or (isinstance(value, list | tuple) and len(value) > 1):
        return False
    if keyword == "PatientSex":
        return str(value or "") in ("", "M", "F", "O")
    if keyword in _DATES and value:
        kind, form = _DATES[keyword]
        try:
            return re.fullmatch(form, str(value).strip()) is not None and bool(kind(str(value)))
        except ValueError:
            return False
    return keyword not in ("AccessionNumber", "StudyID") or len(str(value or "")) <= 16


def _unite_frame_of_reference(stack: Stack, datasets: tuple[Dataset, ...]) -> list[Sentence]:
    first = datasets[0]
    given = {str(dataset.get("FrameOfReferenceUID", "") or "") for dataset in datasets}
    if len(given) == 1 and "" not in given:
        return []
    if given == {""} and first.get("Modality") not in _SPATIAL and not stack.geometry.is_spatial:
        for dataset in datasets:
            if "FrameOfReferenceUID" in dataset:
                del dataset.FrameOfReferenceUID
        return []
    named = next((str(d.FrameOfReferenceUID) for d in datasets if d.get("FrameOfReferenceUID")), "")
    chosen = UID(named or derived_uid("frame of reference", first.SeriesInstanceUID))
    for dataset in datasets:
        dataset.FrameOfReferenceUID = chosen
    _log.info("frames of reference united", extra={"given": len(given)})
    if not named:
        return [
            say(
                "The images name no frame of reference; the written objects carry one of their own."
            )
        ]
    return [
        say(
            "The images name {count} frames of reference; the written objects use the first, "
            "as all slices lie in one grid.",
            count=len(given - {""}),
        )
    ]
