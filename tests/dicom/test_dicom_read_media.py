"""Media with a DICOMDIR, with a damaged one, and with one that lies."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from dicom_read_cases import save, save_series, slice_of
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from medview.core.study import Holdings
from medview.dicom import scan
from medview.dicom.dicomdir import read_directory


@pytest.fixture(autouse=True)
def names_as_discs_have_them() -> Iterator[None]:
    """pydicom would warn of file names that a true disc may not have."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def directory_of(folder: Path, *names: str, file: str = "DICOMDIR", links: int = 0) -> Path:
    """A DICOMDIR that names these files (parts joined by `/`), its links all equal."""
    records = []
    for name in names:
        record = Dataset()
        record.OffsetOfTheNextDirectoryRecord = links
        record.OffsetOfReferencedLowerLevelDirectoryEntity = links
        record.DirectoryRecordType = "IMAGE"
        record.add_new(0x00041500, "CS", name.split("/"))
        records.append(record)
    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID = "1.2.840.10008.1.3.10", "1.2.3"
    made.DirectoryRecordSequence = Sequence(records)
    return save(made, folder / file)


def shown(found: Holdings) -> list[str]:
    return sorted(
        Path(frame.path).name
        for patient in found.patients
        for study in patient.studies
        for series in study.series
        for stack in series.stacks
        for frame in stack.frames
    )


def said(found: Holdings, name: str = "DICOMDIR") -> str:
    return next(note.reason for note in found.ignored if Path(note.path).name == name)


VARIANTS = ("", "-bigEnd", "-implicit", "-nooffset", "-nopatient", "-reordered")


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_of_a_real_directory_names_all_its_files(
    imaging_data: Path, variant: str
) -> None:
    directory = read_directory(str(imaging_data / "dicomdir" / f"DICOMDIR{variant}"))
    assert len(directory.named) == 31
    assert bool(directory.fault) == (variant == "-nooffset")


@pytest.mark.parametrize("name", ["DICOMDIR", "DICOMDIR-implicit", "DICOMDIR-empty.dcm"])
def test_a_directory_stands_for_its_folder(imaging_data: Path, name: str) -> None:
    found = scan([imaging_data / "dicomdir" / name])
    assert (found.dicom, len(shown(found)), found.unreadable) == (38, 31, ())


def test_files_that_it_does_not_name_are_found_too(tmp_path: Path) -> None:
    save_series(tmp_path / "A", 2)
    found = scan([directory_of(tmp_path, "A/00.DCM")])
    assert shown(found) == ["00.dcm", "07.dcm"]
    assert "1 file here is not in it" in said(found)


def test_files_that_are_missing_are_unreadable_by_name(tmp_path: Path) -> None:
    save_series(tmp_path / "A", 1)
    found = scan([directory_of(tmp_path, "A/00.dcm", "A/GONE")])
    assert [(note.path, "not there" in note.reason) for note in found.unreadable] == [
        (f"{tmp_path}/A/GONE", True)
    ]
    assert "1 of them are missing: GONE" in said(found)
    assert found.seen == 3


def test_names_as_old_discs_write_them_are_the_files(tmp_path: Path) -> None:
    save(slice_of(0), tmp_path / "images" / "im000001.dcm;1")
    save(slice_of(1), tmp_path / "images" / "im2.")
    found = scan([directory_of(tmp_path, "IMAGES/IM000001.DCM", "IMAGES/IM2", file="dicomdir;1")])
    assert len(shown(found)) == 2
    assert found.unreadable == ()


def test_names_that_lead_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    save(slice_of(0), tmp_path / "secret.dcm")
    folder = tmp_path / "disc"
    found = scan([directory_of(folder, "../secret.dcm", "A/../../secret.dcm")])
    assert shown(found) == []
    assert "2 names lead out" in said(found)
    assert found.unreadable == ()


def test_links_in_a_circle_and_a_cut_directory_hide_nothing(tmp_path: Path) -> None:
    save_series(tmp_path / "A", 2)
    path = directory_of(tmp_path, "A/00.dcm", "A/07.dcm", links=400)
    assert len(shown(scan([path]))) == 2
    path.write_bytes(path.read_bytes()[:-9])
    found = scan([path])
    assert len(shown(found)) == 2
    assert "damaged" in said(found)


def test_a_directory_in_a_zip_is_held_against_the_zip(tmp_path: Path, imaging_data: Path) -> None:
    packed = shutil.make_archive(str(tmp_path / "disc"), "zip", imaging_data / "dicomdir")
    found = scan([Path(packed)])
    assert len(shown(found)) == 31
    assert found.unreadable == ()
    assert scan([Path(f"{packed}!/DICOMDIR")]).unreadable == ()
