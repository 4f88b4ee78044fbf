"""Small studies of invented patients on the disk, and a library in the test's own home."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from medview.library import Library

WriteStudy = Callable[..., Path]


@pytest.fixture
def library() -> Library:
    """The library of this test's home."""
    return Library()


@pytest.fixture
def write_study(tmp_path: Path) -> WriteStudy:
    """Writes one series of small pictures into a folder and returns the folder."""

    def write(folder: str = "one", *, images: int = 3, **values: object) -> Path:
        target = tmp_path / "source" / folder
        target.mkdir(parents=True, exist_ok=True)
        uids = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
        for number in range(images):
            made = Dataset()
            made.SOPClassUID, made.SOPInstanceUID = CTImageStorage, generate_uid()
            made.PatientName, made.PatientID = "Quince^Ada", "P1"
            made.PatientBirthDate, made.PatientSex = "19500201", "F"
            made.StudyDate, made.StudyTime, made.AccessionNumber = "20260131", "101500", "ACC7"
            made.Modality, made.BodyPartExamined = "CT", "CHEST"
            made.StudyDescription, made.SeriesDescription = "CT thorax", "Lung"
            made.SeriesNumber, made.InstanceNumber = 2, number + 1
            made.Rows, made.Columns, made.SamplesPerPixel = 4, 4, 1
            made.PhotometricInterpretation, made.PixelRepresentation = "MONOCHROME2", 0
            made.BitsAllocated, made.BitsStored, made.HighBit = 8, 8, 7
            made.PixelData = bytes(range(number, number + 16))
            for keyword, value in {**uids, **values}.items():
                setattr(made, keyword, value)
            made.file_meta = FileMetaDataset()
            made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            first = len(list(target.glob("*.dcm")))
            made.save_as(target / f"{first:04d}.dcm", enforce_file_format=True)
        return target

    return write
