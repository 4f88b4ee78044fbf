"""A small CT of an invented patient on the disk, a session on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from medview.session import Session

CtFolder = Callable[..., Path]


@pytest.fixture
def ct_folder(tmp_path: Path) -> CtFolder:
    """Writes a CT series and returns its folder."""

    def write(
        name: str = "ct", *, slices: int = 5, patient_id: str = "P1", patient_name: str = "A^B"
    ) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        study, series, frame = generate_uid(), generate_uid(), generate_uid()
        for k in range(slices):
            image = Dataset()
            image.file_meta = FileMetaDataset()
            image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            image.SOPClassUID = CTImageStorage
            image.SOPInstanceUID = generate_uid()
            image.StudyInstanceUID, image.SeriesInstanceUID = study, series
            image.FrameOfReferenceUID = frame
            image.PatientID, image.PatientName = patient_id, patient_name
            image.PatientBirthDate, image.PatientSex, image.PatientAge = "19581103", "F", "067Y"
            image.StudyDate, image.Modality, image.BodyPartExamined = "20260131", "CT", "CHEST"
            image.SeriesNumber, image.InstanceNumber = 3, k + 1
            image.SeriesDescription = "Lung"
            image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
            image.ImagePositionPatient = [-100.0, -100.0, -50.0 + 2.5 * k]
            image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
            image.PixelSpacing, image.SliceThickness = [0.5, 0.8], 2.5
            image.Rows, image.Columns, image.SamplesPerPixel = 16, 20, 1
            image.PhotometricInterpretation = "MONOCHROME2"
            image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
            image.PixelRepresentation = 1
            image.RescaleSlope, image.RescaleIntercept = 1, -1024
            image.PixelData = np.full((16, 20), 1000 + k, np.int16).tobytes()
            image.save_as(folder / f"{k:03d}.dcm", enforce_file_format=True)
        return folder

    return write


@pytest.fixture
def session() -> Iterator[Session]:
    """An empty session, closed after the test."""
    made = Session()
    yield made
    made.close()
