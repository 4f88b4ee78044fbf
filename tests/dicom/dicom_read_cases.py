"""Invented DICOM files for the tests of reading: small, whole, one thing odd at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    generate_uid,
)

CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"
SERIES, STUDY, FRAME = generate_uid(), generate_uid(), generate_uid()


def slice_of(k: int, pixels: np.ndarray | None = None, **elements: Any) -> Dataset:
    """A CT slice of 6 rows and 5 columns, 0.8 x 0.5 mm pixels, 2 mm steps, value 10 * k + 1."""
    pixels = np.full((6, 5), 10 * k + 1, np.int16) if pixels is None else pixels
    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID = CT_CLASS, generate_uid()
    made.StudyInstanceUID, made.SeriesInstanceUID, made.FrameOfReferenceUID = STUDY, SERIES, FRAME
    made.Modality, made.PatientID, made.PatientName = "CT", "P1", "Test^Ada"
    made.PatientBirthDate, made.PatientSex, made.StudyDate = "19500201", "F", "20260131"
    made.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    made.InstanceNumber, made.SeriesNumber = k + 1, 3
    made.ImageOrientationPatient, made.PixelSpacing = [1, 0, 0, 0, 1, 0], [0.8, 0.5]
    made.ImagePositionPatient, made.SliceThickness = [-10, -20, 2.0 * k], 2
    made.RescaleSlope, made.RescaleIntercept = 1, -1000
    made.WindowCenter, made.WindowWidth = [40, -600], [400, 1500]
    made.Rows, made.Columns = pixels.shape[-2:]
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated = made.BitsStored = 8 * pixels.dtype.itemsize
    made.HighBit = made.BitsStored - 1
    made.PixelRepresentation = int(pixels.dtype.kind == "i")
    made.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
    for keyword, value in elements.items():
        if value is None:
            delattr(made, keyword)
        else:
            setattr(made, keyword, value)
    return made


def save(made: Dataset, path: Path, *, implicit: bool = False) -> Path:
    """Write it with preamble and meta header."""
    made.file_meta = FileMetaDataset()
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    made.file_meta.TransferSyntaxUID = syntax
    path.parent.mkdir(parents=True, exist_ok=True)
    made.save_as(path, enforce_file_format=True)
    return path


def save_series(folder: Path, count: int = 4, **elements: Any) -> Path:
    """`count` slices; a callable value gets the slice's number. Names hide the order."""
    for k in range(count):
        values = {name: v(k) if callable(v) else v for name, v in elements.items()}
        name = (7 * k) % (11 if count <= 11 else 211)
        save(slice_of(k, **values), folder / f"{name:02d}.dcm")
    return folder


def save_packed(folder: Path, count: int, damaged: int = -1) -> Path:
    """JPEG-LS slices of 16 x 16 whose values are 100 * k + 7; one of them with a torn stream."""
    for k in range(count):
        pixels = np.full((16, 16), 100 * k + 7, np.uint16)
        stream = bytes(imagecodecs.jpegls_encode(pixels))
        stream = stream[:-12] + bytes(12) if k == damaged else stream
        made = slice_of(k, pixels, PixelData=encapsulate([stream]))
        path = save(made, folder / f"{k:02d}.dcm")
        made.file_meta.TransferSyntaxUID = JPEGLSLossless
        made["PixelData"].is_undefined_length = True
        made.save_as(path, enforce_file_format=True)
    return folder
