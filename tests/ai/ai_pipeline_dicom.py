"""Volumes and films of the labelled data, written as a scanner would send them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ComputedRadiographyImageStorage as CRImageStorage
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid

from medview.core.geometry import Geometry, VoxelIndex
from medview.core.study import Series, Stack
from medview.core.volume import Volume
from medview.dicom import scan


def _instance(
    sop_class: str, modality: str, pixels: NDArray[np.uint16], **tags: object
) -> FileDataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = generate_uid()
    instance = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    instance.SOPClassUID, instance.SOPInstanceUID = sop_class, meta.MediaStorageSOPInstanceUID
    instance.Modality, instance.PatientName, instance.PatientID = modality, "Test^Case", "T1"
    instance.StudyDate, instance.ImageType = "20260102", ["ORIGINAL", "PRIMARY"]
    instance.SamplesPerPixel, instance.BitsAllocated, instance.BitsStored = 1, 16, 16
    instance.HighBit, instance.PixelRepresentation = 15, 0
    instance.PhotometricInterpretation = "MONOCHROME2"
    instance.Rows, instance.Columns = pixels.shape
    instance.PixelData = np.ascontiguousarray(pixels, "<u2").tobytes()
    for keyword, value in tags.items():
        setattr(instance, keyword, value)
    return instance


def write_series(
    folder: Path, voxels: NDArray[np.generic], geometry: Geometry, ct: bool = False
) -> Path:
    """One file a slice; stored numbers are the voxels (CT: HU + 1024). Returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    series, study, frame = generate_uid(), generate_uid(), generate_uid()
    modality, sop_class = ("CT", CTImageStorage) if ct else ("MR", MRImageStorage)
    for k, picture in enumerate(voxels):
        pixels = (picture.astype(np.int32) + (1024 if ct else 0)).astype(np.uint16)
        instance = _instance(
            sop_class, modality, pixels,
            SeriesInstanceUID=series, StudyInstanceUID=study, FrameOfReferenceUID=frame,
            PatientAge="040Y", BodyPartExamined="CHEST" if ct else "HEAD",
            SeriesDescription="thin" if ct else "T1 crop",
            InstanceNumber=k + 1, SliceThickness=geometry.spacing[2],
            ImagePositionPatient=list(geometry.to_patient(VoxelIndex(k, 0, 0))),
            ImageOrientationPatient=[*map(float, geometry.axes[0]), *map(float, geometry.axes[1])],
            PixelSpacing=[geometry.spacing[1], geometry.spacing[0]],
        )  # fmt: skip
        if ct:
            instance.RescaleSlope, instance.RescaleIntercept, instance.RescaleType = 1, -1024, "HU"
        instance.save_as(folder / f"{k:03d}.dcm", enforce_file_format=True)
    return folder


def write_film(path: Path, grey: NDArray[np.generic], age: str = "003Y", **tags: object) -> Path:
    """A frontal chest film [rows, columns] of a child as computed radiography."""
    instance = _instance(
        CRImageStorage, "CR", grey.astype(np.uint16),
        SeriesInstanceUID=generate_uid(), StudyInstanceUID=generate_uid(), PatientAge=age,
        BodyPartExamined="CHEST", ViewPosition="AP", SeriesDescription="Chest AP",
        PatientOrientation=["L", "F"], InstanceNumber=1,
    )  # fmt: skip
    for keyword, value in tags.items():
        setattr(instance, keyword, value)
    instance.save_as(path, enforce_file_format=True)
    return path


def only_stack(path: Path) -> tuple[Series, Stack]:
    """The one series and stack below a path."""
    (patient,) = scan([path]).patients
    (series,) = patient.studies[0].series
    (stack,) = series.stacks
    return series, stack


def as_volume(voxels: NDArray[np.generic], geometry: Geometry) -> Volume:
    """A volume in memory."""
    return Volume(geometry=geometry, stored=voxels, modality="MR")
