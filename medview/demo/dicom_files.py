"""The made images as DICOM files: CT, scout, and digital radiographs, UIDs from their names."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from medview.demo.people import INSTITUTION, MADE, Examination
from medview.demo.space import Grid

_CT = "1.2.840.10008.5.1.4.1.1.2"
_DX = "1.2.840.10008.5.1.4.1.1.1.1"
_MAKER = "2.25.310483620874921834471209417766120531"


@dataclass(frozen=True, kw_only=True)
class SeriesPlan:
    """What all images of one series share."""

    exam: Examination
    number: int
    description: str
    seconds: int = 0  # after the study's time
    body_part: str = "CHEST"

    @property
    def uid(self) -> str:
        """Series Instance UID."""
        return made_uid(self.exam.key, "series", str(self.number))


@dataclass(frozen=True, kw_only=True)
class ScanPlan:
    """How a CT series was made, for the header."""

    kernel: str
    thickness_mm: float
    mas: int
    table_mm: float


@dataclass(frozen=True, kw_only=True)
class FilmPlan:
    """How a radiograph was made, for the header. pitch: detector pixel, mm."""

    view: str
    pitch: float
    source_mm: float
    kv: int
    mas: float


def made_uid(*names: str) -> str:
    """The UID of a made object: the same names always give the same UID (root 2.25)."""
    digest = hashlib.sha256("/".join(("medview demo", *names)).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:16], 'big')}"


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


_VIEWS = {
    "PA": _code("272479007", "SCT", "postero-anterior"),
    "AP": _code("399348003", "SCT", "antero-posterior"),
}


def _time(exam: Examination, seconds: int) -> str:
    total = int(exam.time[:2]) * 3600 + int(exam.time[2:4]) * 60 + int(exam.time[4:]) + seconds
    return f"{total // 3600:02d}{total // 60 % 60:02d}{total % 60:02d}"


def _common(plan: SeriesPlan, sop_class: str, modality: str, number: int) -> Dataset:
    exam, person = plan.exam, plan.exam.person
    day = exam.day.strftime("%Y%m%d")
    d = Dataset()
    d.SpecificCharacterSet = "ISO_IR 192"
    d.InstanceCreationDate = d.StudyDate = d.SeriesDate = d.AcquisitionDate = d.ContentDate = day
    d.StudyTime = exam.time
    d.SeriesTime = d.AcquisitionTime = d.ContentTime = _time(exam, plan.seconds)
    d.InstanceCreationTime = _time(exam, plan.seconds)
    d.SOPClassUID = UID(sop_class)
    d.SOPInstanceUID = made_uid(exam.key, str(plan.number), str(number))
    d.StudyInstanceUID = made_uid(exam.key, "study")
    d.SeriesInstanceUID = plan.uid
    d.Modality, d.Manufacturer, d.ManufacturerModelName = modality, "MedView demo", "Phantom"
    d.InstitutionName, d.StationName, d.DeviceSerialNumber = INSTITUTION, "PHANTOM1", "1"
    d.SoftwareVersions = "medview demo 1"
    d.StudyID, d.AccessionNumber = exam.accession[-4:], exam.accession
    d.ReferringPhysicianName = ""
    d.StudyDescription, d.SeriesDescription = exam.description, plan.description
    d.PatientName, d.PatientID, d.PatientSex = person.name, person.id, person.sex
    d.PatientBirthDate = person.birth.strftime("%Y%m%d")
    d.PatientAge = f"{person.age_on(exam.day):03d}Y"
    d.PatientComments = MADE
    d.ImageComments = MADE
    d.SeriesNumber, d.InstanceNumber, d.AcquisitionNumber = plan.number, number, 1
    d.BodyPartExamined = plan.body_part
    d.ContentQualification = "RESEARCH"
    return d


def _pixels(d: Dataset, pixels: NDArray[np.generic], stored_bits: int) -> None:
    d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
    d.Rows, d.Columns = pixels.shape
    d.BitsAllocated, d.BitsStored, d.HighBit = 16, stored_bits, stored_bits - 1
    d.PixelRepresentation = int(pixels.dtype.kind == "i")
    d.PixelData = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()


def _save(d: Dataset, path: Path) -> None:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = d.SOPClassUID, d.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID, meta.ImplementationVersionName = UID(_MAKER), "MEDVIEW_DEMO"
    file = FileDataset(str(path), d, file_meta=meta, preamble=b"\0" * 128)
    path.parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(path, file, enforce_file_format=True)


def _ct_common(
    d: Dataset, plan: SeriesPlan, position: tuple[float, ...], rows: tuple[float, ...]
) -> None:
    d.PatientPosition = "HFS"
    d.FrameOfReferenceUID = made_uid(plan.exam.key, "frame of reference")
    d.PositionReferenceIndicator = ""
    d.ImagePositionPatient = [_number(v) for v in position]
    d.ImageOrientationPatient = list(rows)
    d.RescaleIntercept, d.RescaleSlope, d.RescaleType = -1024, 1, "HU"
    d.KVP = 120


def write_ct_slice(
    hu: NDArray[np.int16], grid: Grid, k: int, plan: SeriesPlan, scan: ScanPlan, folder: Path
) -> None:
    """One axial image; `grid` is the whole volume's, k counts from the feet."""
    d = _common(plan, _CT, "CT", k + 1)
    d.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    z = float(grid.z[k])
    _ct_common(d, plan, (float(grid.x[0]), float(grid.y[0]), z), (1, 0, 0, 0, 1, 0))
    d.SliceThickness = _number(scan.thickness_mm)
    d.SpacingBetweenSlices = _number(grid.spacing[2])
    d.PixelSpacing = [_number(grid.spacing[1]), _number(grid.spacing[0])]
    d.SliceLocation = _number(z)
    d.ConvolutionKernel, d.ScanOptions = scan.kernel, "HELICAL MODE"
    d.XRayTubeCurrent, d.ExposureTime, d.Exposure = scan.mas * 2, 500, scan.mas
    d.GantryDetectorTilt, d.TableHeight = 0, _number(scan.table_mm)
    d.DataCollectionDiameter = 500
    d.ReconstructionDiameter = _number(grid.spacing[0] * len(grid.x))
    d.RotationDirection, d.FilterType = "CW", "BODY FILTER"
    d.WindowCenter, d.WindowWidth = [-600, 50], [1500, 350]
    d.WindowCenterWidthExplanation = ["LUNG", "MEDIASTINUM"]
    _pixels(d, (hu.astype(np.int32) + 1024).astype(np.int16), 16)
    _save(d, folder / f"{k + 1:04d}.dcm")


def write_scout(
    values: NDArray[np.int16], corner: tuple[float, float, float], pitch: float,
    plan: SeriesPlan, path: Path,
) -> None:  # fmt: skip
    """The survey view from the front; `corner` is the patient position of its first pixel."""
    d = _common(plan, _CT, "CT", 1)
    d.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    _ct_common(d, plan, corner, (1, 0, 0, 0, 0, -1))
    d.SliceThickness = _number(500.0)
    d.PixelSpacing = [_number(pitch), _number(pitch)]
    d.ScanOptions, d.XRayTubeCurrent, d.ExposureTime, d.Exposure = "SCOUT MODE", 10, 3000, 30
    del d.RescaleType  # a survey view is not in Hounsfield units
    d.WindowCenter, d.WindowWidth = -100, 1100
    _pixels(d, (values.astype(np.int32) + 1024).astype(np.int16), 16)
    _save(d, path)


def write_film(film: NDArray[np.uint16], plan: SeriesPlan, made: FilmPlan, path: Path) -> None:
    """A digital radiograph for presentation."""
    d = _common(plan, _DX, "DX", 1)
    d.ImageType = ["DERIVED", "PRIMARY", ""]
    d.DerivationDescription = "Projected from a computer-made phantom"
    d.PresentationIntentType = "FOR PRESENTATION"
    d.ImageLaterality = "U"
    d.AnatomicRegionSequence = [_code("51185008", "SCT", "Chest")]
    d.ViewPosition, d.PatientOrientation = made.view, ["L", "F"]
    d.ViewCodeSequence = [_VIEWS[made.view]]
    d.PositionerType, d.DetectorType = "NONE", "SCINTILLATOR"
    d.DetectorConfiguration, d.DetectorID = "AREA", "PHANTOM"
    d.DetectorActiveShape = "RECTANGLE"
    d.ImagerPixelSpacing = [_number(made.pitch), _number(made.pitch)]
    d.DistanceSourceToDetector = _number(made.source_mm)
    d.KVP, d.ExposureInuAs = made.kv, int(made.mas * 1000)
    d.Exposure, d.ExposureTime, d.XRayTubeCurrent = max(1, round(made.mas)), 8, 320
    d.PixelIntensityRelationship, d.PixelIntensityRelationshipSign = "LOG", 1
    d.RescaleIntercept, d.RescaleSlope, d.RescaleType = 0, 1, "US"
    d.PresentationLUTShape, d.BurnedInAnnotation = "IDENTITY", "NO"
    d.LossyImageCompression = "00"
    d.AcquisitionContextSequence = []
    d.WindowCenter, d.WindowWidth = 2048, 4096
    d.WindowCenterWidthExplanation = "FULL"
    _pixels(d, film, 12)
    _save(d, path)


def _number(value: float) -> str:
    """A decimal string of at most 16 characters without trailing zeros."""
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
