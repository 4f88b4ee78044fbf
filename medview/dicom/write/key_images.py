"""The reader's key images as a Key Object Selection document (PS3.3 A.35.4, TID 2010)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import highdicom as hd
from pydicom.dataset import Dataset

from medview.core.errors import MedViewError, WriteFailed
from medview.core.results import Code
from medview.core.words import say
from medview.dicom.uids import new_uid
from medview.dicom.write import codes as c
from medview.dicom.write.files import save_dataset, tolerating_sources
from medview.dicom.write.measurement_report import device_context
from medview.dicom.write.sources import Sources

SERIES_NUMBER = 9004
_OF_INTEREST = Code("DCM", "113000", "Of Interest")


def write_key_selection(
    pictures: Sequence[tuple[str, int]], sources: Sequence[Sources], out: Path
) -> str:
    """Write a KO titled "Of Interest"; returns its SOP Instance UID.

    pictures: (SOP Instance UID, frame from 0), all among the sources' images of one study. Raises
    WriteFailed.
    """
    try:
        with tolerating_sources():
            dataset = _build(pictures, sources)
    except MedViewError:
        raise
    except Exception as error:  # highdicom raises many kinds, with values in their text
        raise WriteFailed(
            say("The key images cannot be written as a DICOM document."),
            detail=type(error).__name__,
        ) from error
    save_dataset(dataset, out)
    return str(dataset.SOPInstanceUID)


def _build(pictures: Sequence[tuple[str, int]], sources: Sequence[Sources]) -> Any:
    known = {str(d.SOPInstanceUID): d for each in sources for d in each.datasets}
    frames: dict[str, list[int]] = defaultdict(list)
    for uid, frame in pictures:
        frames[uid].append(frame + 1)
    evidence = [known[uid] for uid in frames]
    content = hd.ko.KeyObjectSelection(
        document_title=c.coded(_OF_INTEREST),
        referenced_objects=evidence,
        observer_device_context=device_context(),
    )
    dataset = hd.ko.KeyObjectSelectionDocument(
        evidence=evidence,
        content=content,
        series_instance_uid=new_uid(),
        series_number=SERIES_NUMBER,
        sop_instance_uid=new_uid(),
        instance_number=1,
        series_description=c.series_description("key images", None),
        **c.DEVICE,
    )
    for item in dataset.ContentSequence:
        if item.ValueType == "IMAGE":
            _name_frames(item.ReferencedSOPSequence[0], known, frames)
    # Patient and study speak of themselves as the images do (dcentvfy compares them).
    first = evidence[0]
    for element in (*first.group_dataset(0x0010), *first.group_dataset(0x0012)):
        if element.tag not in dataset:
            dataset.add(element)
    if "StudyDescription" in first:
        dataset.StudyDescription = first.StudyDescription
    return dataset


def _name_frames(
    referenced: Dataset, known: dict[str, Dataset], frames: dict[str, list[int]]
) -> None:
    """Which frames of a file are meant, where it has several."""
    uid = str(referenced.ReferencedSOPInstanceUID)
    if "NumberOfFrames" in known[uid]:
        numbers = sorted(set(frames[uid]))
        referenced.ReferencedFrameNumber = numbers if len(numbers) > 1 else numbers[0]
