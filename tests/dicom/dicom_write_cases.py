"""The smallest true studies for the writers: CT series by code, in any orientation."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from medview.core.geometry import Geometry, PatientPoint, Vector, VoxelIndex
from medview.core.results import (
    Code,
    Finding,
    Heatmap,
    Label,
    LabelMap,
    Measurement,
    ModelRef,
    ModelRun,
    Quantity,
)
from medview.core.study import FrameRef, Stack

AXIAL = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
MODEL = ModelRef(name="lungs", version="1.2.0", manifest_sha256="ab" * 32, signature="unsigned")
LUNG = Label(
    value=1,
    name="right lung",
    colour="#4aa3df",
    code=Code("SCT", "39607008", "Lung"),
    modifier=Code("SCT", "24028007", "Right"),
)
NEVER_FOUND = Label(value=3, name="left lung", colour="#5bb98c")
AIRWAY = Label(value=4, name="airway", colour="#e0c04a", code=Code("SCT", "89187006", "Airway"))


def ct_stack(
    folder: Path,
    *,
    axes: tuple[Vector, Vector, Vector] = AXIAL,
    shape: tuple[int, int, int] = (6, 12, 10),
    spacing: Vector = (0.8, 0.9, 2.5),
    change: object = None,
) -> Stack:
    """A CT series on disk, file names in no order; `change(dataset, k)` may spoil each header."""
    geometry = Geometry(
        shape=shape, spacing=spacing, origin=PatientPoint(-11.0, 7.0, 30.0), axes=axes
    )
    common = (generate_uid(), generate_uid(), generate_uid())
    frames = []
    for k in range(shape[0]):
        position = geometry.to_patient(VoxelIndex(k, 0, 0))
        dataset = _ct_header(geometry, position, common)
        dataset.InstanceNumber = shape[0] - k
        if callable(change):
            change(dataset, k)
        path = folder / f"{(k * 7) % 11:02d}-{k}.dcm"
        dataset.save_as(path, enforce_file_format=True)
        frames.append(FrameRef(path=str(path), position=position))
    return Stack(frames=tuple(frames), geometry=geometry, verdict="regular")


def _ct_header(geometry: Geometry, position: PatientPoint, uids: tuple[str, str, str]) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = generate_uid()
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = uids
    dataset.Modality = "CT"
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName, dataset.PatientID = "Demo^Ada=演示^艾达", "MV-1"
    dataset.PatientBirthDate, dataset.PatientSex = "19580101", "F"
    dataset.StudyDate, dataset.StudyTime, dataset.StudyID = "20260131", "101500", "7"
    dataset.AccessionNumber, dataset.ReferringPhysicianName = "", ""
    dataset.PositionReferenceIndicator = ""
    dataset.Rows, dataset.Columns = geometry.shape[1], geometry.shape[2]
    dataset.PixelSpacing = [geometry.spacing[1], geometry.spacing[0]]
    dataset.SliceThickness = geometry.spacing[2]
    dataset.ImageOrientationPatient = [float(v) for axis in geometry.axes[:2] for v in axis]
    dataset.ImagePositionPatient = [float(v) for v in position]
    dataset.BodyPartExamined = "CHEST"
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 1
    dataset.PixelData = bytes(geometry.shape[1] * geometry.shape[2] * 2)
    return dataset


def projection_stack(folder: Path) -> Stack:
    """One radiograph without frame of reference or position."""
    geometry = Geometry(shape=(1, 40, 32), spacing=(0.5, 0.5, 1.0), is_spatial=False)
    dataset = _ct_header(geometry, PatientPoint(0, 0, 0), (generate_uid(),) * 3)
    for keyword in (
        "FrameOfReferenceUID", "ImagePositionPatient", "ImageOrientationPatient",
        "PositionReferenceIndicator", "SliceThickness", "PixelSpacing",
    ):  # fmt: skip
        delattr(dataset, keyword)
    dataset.SOPClassUID, dataset.Modality = "1.2.840.10008.5.1.4.1.1.1", "CR"
    dataset.SeriesInstanceUID = generate_uid()
    dataset.PatientOrientation = ["L", "F"]
    path = folder / "film.dcm"
    dataset.save_as(path, enforce_file_format=True)
    return Stack(frames=(FrameRef(path=str(path)),), geometry=geometry, verdict="projection")


def asymmetric_voxels(shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """A right lung that no mirror or turn maps onto itself, and an airway of two voxels."""
    voxels = np.zeros(shape, np.uint8)
    voxels[1:3, 2:5, 1:4] = 1
    voxels[1, 5:9, 1] = 1
    voxels[3, 2, 2:8] = 1
    voxels[-2:, 6, 6] = 4
    return voxels


def lung_run(stack: Stack, voxels: NDArray[np.uint8] | None = None) -> ModelRun:
    """A run with a mask of two labels, one looked for in vain, and two findings."""
    label_map = LabelMap(
        id="map",
        geometry=stack.geometry,
        voxels=asymmetric_voxels(stack.geometry.shape) if voxels is None else voxels,
        labels=(LUNG, NEVER_FOUND, AIRWAY),
    )
    findings = (
        Finding(
            id="lung",
            kind="segmentation",
            label="right lung",
            code=Code("SCT", "3341006", "Right lung"),
            volume_mm3=52.2,
            centroid=PatientPoint(-9.5, 9.0, 34.0),
            label_map_id="map",
            label_value=1,
            measurements=(Quantity(concept="below -950 HU", value=4.2, unit="%"),),
        ),
        Finding(id="airway", kind="segmentation", label="airway", label_value=4),
    )
    return ModelRun(
        id="run-1",
        model=MODEL,
        series_uid="1.2.3",
        stack=0,
        status="run",
        findings=findings,
        label_map=label_map,
    )


def film_run(stack: Stack) -> ModelRun:
    """A classifier's run on a film with its heatmap."""
    rows, columns = stack.geometry.shape[1:]
    values = np.zeros((1, rows, columns), np.float32)
    values[0, 5:15, 4:12] = np.linspace(0.1, 1.0, 8, dtype=np.float32)
    finding = Finding(
        id="pneumonia",
        kind="classification",
        label="pneumonia",
        code=Code("SCT", "233604007", "Pneumonia"),
        probability=0.71,
        interval=(0.58, 0.82),
        heatmap_id="cam",
    )
    return ModelRun(
        id="run-2",
        model=ModelRef(name="pneumonia-child", version="1.0.0", manifest_sha256="cd" * 32),
        series_uid="1.2.4",
        stack=0,
        status="run",
        findings=(finding,),
        heatmaps=(
            Heatmap(id="cam", geometry=stack.geometry, values=values, class_name="pneumonia"),
        ),
    )


def rulers(stack: Stack) -> tuple[Measurement, ...]:
    """A length, an ellipse and a probe on the middle slice."""
    geometry = stack.geometry
    k = geometry.shape[0] // 2

    def at(row: float, column: float) -> PatientPoint:
        return geometry.to_patient(VoxelIndex(k, row, column))

    common = {"series_uid": "1.2.3", "stack": 0, "normal": geometry.normal}
    return (
        Measurement(
            id="m1",
            kind="length",
            points=(at(2, 3), at(6, 3)),
            quantities=(Quantity(concept="Length", value=3.6, unit="mm"),),
            **common,
        ),
        Measurement(
            id="m2",
            kind="ellipse",
            points=(at(4, 2), at(4, 6), at(1, 4), at(7, 4)),
            quantities=(Quantity(concept="Mean", value=-812.5, unit="[hnsf'U]"),),
            **common,
        ),
        Measurement(
            id="m3",
            kind="probe",
            points=(at(3, 3),),
            quantities=(Quantity(concept="Value", value=7.0, unit="[hnsf'U]"),),
            calibration="EST",
            **common,
        ),
    )


def no_dciodvfy_errors(path: Path) -> None:
    """dciodvfy finds no error in a file; a skip where it is not installed."""
    tool = shutil.which("dciodvfy")
    if tool is None:
        pytest.skip("dciodvfy (package dicom3tools) is not installed")
    said = subprocess.run(
        [tool, "-new", str(path)], check=False, capture_output=True, text=True, errors="replace"
    )
    assert [line for line in said.stderr.splitlines() if line.startswith("Error")] == []


def points_of(path: Path, segment: int) -> NDArray[np.float64]:
    """Voxel centres of a segment in millimetres, by pydicom and this arithmetic alone."""
    dataset = pydicom.dcmread(path)
    shared = dataset.SharedFunctionalGroupsSequence[0]
    cosines = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float)
    down, across = (float(v) for v in shared.PixelMeasuresSequence[0].PixelSpacing)
    found = []
    for frame, group in zip(
        np.atleast_3d(dataset.pixel_array), dataset.PerFrameFunctionalGroupsSequence, strict=True
    ):
        owner = group if "SegmentIdentificationSequence" in group else shared
        if owner.SegmentIdentificationSequence[0].ReferencedSegmentNumber != segment:
            continue
        corner = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
        rows, columns = np.nonzero(frame)
        found.append(
            corner + np.outer(columns * across, cosines[:3]) + np.outer(rows * down, cosines[3:])
        )
    return np.concatenate(found)
