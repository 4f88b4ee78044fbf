"""A ZIP is opened as a folder is: the same images, bit for bit, and nothing on the disk."""

from __future__ import annotations

import gzip
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dicom_read_cases import save, save_series, slice_of

from medview.core.errors import InvalidInput
from medview.core.study import Holdings, Stack
from medview.dicom import load_volume, scan
from medview.dicom.objects.sr import read_structured_report
from medview.record import read_document


def zipped(folder: Path, path: Path, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as made:
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            made.write(file, str(file.relative_to(folder)))
    return path


def stacks(found: Holdings) -> list[Stack]:
    series = [s for p in found.patients for study in p.studies for s in study.series]
    return [stack for one in series for stack in one.stacks]


def without_paths(stack: Stack) -> Stack:
    return replace(stack, frames=tuple(frame._replace(path="") for frame in stack.frames))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_shows_what_its_folder_shows(tmp_path: Path, method: int) -> None:
    folder = save_series(tmp_path / "in")
    archive = zipped(folder, tmp_path / "a.zip", method)
    (plain,), (inside,) = stacks(scan([folder])), stacks(scan([archive]))
    assert without_paths(plain) == without_paths(inside)
    assert np.array_equal(load_volume(plain).stored, load_volume(inside).stored)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zip", "in"]


@pytest.mark.parametrize("name", ["transfer-syntax", "enhanced"])
def test_real_files_are_the_same_in_a_zip(tmp_path: Path, imaging_data: Path, name: str) -> None:
    for path in sorted((imaging_data / name).iterdir())[:12]:
        if path.is_file() and path.stat().st_size < 1 << 20:
            shutil.copyfile(path, tmp_path / path.name)
    archive = zipped(tmp_path, tmp_path.parent / f"{name}.zip")
    plain, inside = stacks(scan([tmp_path])), stacks(scan([archive]))
    assert plain
    assert list(map(without_paths, plain)) == list(map(without_paths, inside))
    for one, other in zip(plain, inside, strict=True):
        assert np.array_equal(load_volume(one).stored, load_volume(other).stored)


def test_every_file_of_an_archive_is_accounted_for(tmp_path: Path) -> None:
    save(slice_of(0), tmp_path / "in" / "one.dcm")
    (tmp_path / "in" / "note.txt").write_text("Dear colleague")
    (tmp_path / "in" / "inner.zip").write_bytes(b"PK\x03\x04" + bytes(60))
    (tmp_path / "in" / "cut.dcm").write_bytes((tmp_path / "in" / "one.dcm").read_bytes()[:400])
    archive = zipped(tmp_path / "in", tmp_path / "a.zip")
    found = scan([archive])
    assert (found.seen, len(found.ignored), len(found.unreadable)) == (5, 3, 1)
    assert found.documents == (f"{archive}!/note.txt",)
    assert read_document(found.documents[0]).text == "Dear colleague"
    assert "archive inside an archive" in " ".join(note.reason for note in found.ignored)


def test_one_file_of_an_archive_can_be_opened_alone(tmp_path: Path) -> None:
    archive = zipped(save_series(tmp_path / "in"), tmp_path / "a.zip")
    (stack,) = stacks(scan([Path(f"{archive}!/00.dcm")]))
    assert len(stack.frames) == 1
    with pytest.raises(InvalidInput):
        scan([Path(f"{archive}!/none.dcm")])


def test_an_office_document_is_no_archive_of_images(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "letter.docx", "w") as made:
        made.writestr("[Content_Types].xml", "<Types/>")
    found = scan([tmp_path])
    assert (found.seen, found.documents) == (1, ())


def test_a_packed_file_is_read_and_a_damaged_archive_is_unreadable(tmp_path: Path) -> None:
    plain = save(slice_of(0), tmp_path / "one.dcm").read_bytes()
    (tmp_path / "one.dcm").unlink()
    (tmp_path / "one.dcm.gz").write_bytes(gzip.compress(plain))
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04" + bytes(100))
    found = scan([tmp_path])
    assert [frame.path for frame in stacks(found)[0].frames] == [f"{tmp_path}/one.dcm.gz!/one.dcm"]
    assert [Path(note.path).name for note in found.unreadable] == ["broken.zip"]


def test_a_damaged_slice_of_an_archive_fails_alone(tmp_path: Path) -> None:
    archive = zipped(save_series(tmp_path / "in"), tmp_path / "a.zip", zipfile.ZIP_STORED)
    (stack,) = stacks(scan([archive]))
    raw = bytearray(archive.read_bytes())
    raw[raw.index(b"\x0b\x00" * 20)] ^= 4  # in the pixels of the second slice
    archive.write_bytes(raw)
    stored = load_volume(stack).stored
    assert stored[:, 0, 0].tolist() == [1, 0, 21, 31]


def test_a_report_in_an_archive_is_read(tmp_path: Path, imaging_data: Path) -> None:
    name = "tid1500-pet-measurements.dcm"
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as made:
        made.write(imaging_data / "sr" / name, name)
    plain = read_structured_report(str(imaging_data / "sr" / name))
    inside = read_structured_report(f"{tmp_path}/a.zip!/{name}")
    assert repr(inside) == repr(plain)


def test_names_that_clean_to_one_are_files_of_their_own(tmp_path: Path) -> None:
    folder = save_series(tmp_path / "in")
    files = sorted(folder.iterdir())[:3]
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as made:
        for file, name in zip(files, ("../a.dcm", "a.dcm", "/a.dcm"), strict=True):
            made.writestr(zipfile.ZipInfo(name), file.read_bytes())
    (stack,) = stacks(scan([tmp_path / "images.zip"]))
    assert len(stack.frames) == 3
