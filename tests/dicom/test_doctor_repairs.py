"""Repairs write beside, keep what was there, and refuse where they would not be honest."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pydicom
import pytest
from dicom_doctor_cases import FAULTS, made_series, sound, with_bytes, with_raw
from dicom_read_cases import save, slice_of

from medview.core.errors import Cancelled, InvalidInput
from medview.core.progress import CancelToken
from medview.dicom import scan
from medview.dicom.doctor import examine, plan_repairs, repair


def _broken(path: Path) -> Path:
    return with_bytes(lambda data: data[132:])(path)


def test_a_copy_never_lands_in_its_source(tmp_path: Path) -> None:
    _broken(tmp_path / "in" / "a.dcm")
    plan = plan_repairs(examine([tmp_path / "in"]))

    with pytest.raises(InvalidInput):
        repair(plan, [tmp_path / "in"], tmp_path / "in" / "sub")

    assert not (tmp_path / "in" / "sub").exists()


def test_a_copy_never_replaces_a_file(tmp_path: Path) -> None:
    _broken(tmp_path / "in" / "a.dcm")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.dcm").write_bytes(b"mine")
    plan = plan_repairs(examine([tmp_path / "in"]))

    with pytest.raises(InvalidInput):
        repair(plan, [tmp_path / "in"], tmp_path / "out")

    assert (tmp_path / "out" / "a.dcm").read_bytes() == b"mine"


def test_copies_are_for_their_owner_alone(tmp_path: Path) -> None:
    _broken(tmp_path / "in" / "a.dcm")

    repair(plan_repairs(examine([tmp_path / "in"])), [tmp_path / "in"], tmp_path / "out")

    assert stat.S_IMODE((tmp_path / "out" / "a.dcm").stat().st_mode) == 0o600


def test_a_cut_file_gets_no_copy_even_where_something_could_be_repaired(tmp_path: Path) -> None:
    sound(tmp_path / "a.dcm")
    data = (tmp_path / "a.dcm").read_bytes()
    (tmp_path / "a.dcm").write_bytes(data[132:-20])

    plan = plan_repairs(examine([tmp_path]))

    assert plan.copies == ()
    assert [note.path for note in plan.left] == [str(tmp_path / "a.dcm")]


def test_a_cancelled_examination_and_repair_stop(tmp_path: Path) -> None:
    _broken(tmp_path / "in" / "a.dcm")
    plan = plan_repairs(examine([tmp_path / "in"]))
    token = CancelToken()
    token.cancel()

    with pytest.raises(Cancelled):
        examine([tmp_path / "in"], cancel=token)
    with pytest.raises(Cancelled):
        repair(plan, [tmp_path / "in"], tmp_path / "out", cancel=token)
    assert not (tmp_path / "out").exists()


def test_files_in_an_archive_are_examined_and_repaired_in_place(tmp_path: Path) -> None:
    _broken(tmp_path / "a.dcm")
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.write(tmp_path / "a.dcm", "../../deep/a.dcm")
    found = examine([tmp_path / "in.zip"])

    copies = repair(plan_repairs(found), [tmp_path / "in.zip"], tmp_path / "out")

    assert "file.no-preamble" in {finding.check.id for finding in found.findings}
    assert [Path(copy.file) for copy in copies] == [tmp_path / "out" / "deep" / "a.dcm"]
    assert examine([tmp_path / "out"]).findings == ()


def test_names_in_an_undeclared_set_keep_their_bytes(tmp_path: Path) -> None:
    raw = "张^三丰 ".encode("gb18030")
    source = with_raw(0x00100010, "PN", raw)(tmp_path / "in" / "a.dcm")

    repair(plan_repairs(examine([source])), [source], tmp_path / "out")

    copy = pydicom.dcmread(tmp_path / "out" / "a.dcm")
    assert copy.SpecificCharacterSet == "GB18030"
    assert raw in (tmp_path / "out" / "a.dcm").read_bytes()
    assert scan([tmp_path / "out"]).patients[0].name == "张^三丰"
    # Only the name of the set is new: it is the same object.
    assert copy.SOPInstanceUID == pydicom.dcmread(source).SOPInstanceUID


def test_names_in_a_set_that_dicom_lacks_are_converted_and_kept_beside(tmp_path: Path) -> None:
    raw = "김^희중".encode("euc_kr")
    source = with_raw(0x00100010, "PN", raw)(tmp_path / "in" / "a.dcm")

    repair(plan_repairs(examine([source])), [source], tmp_path / "out")

    assert scan([tmp_path / "out"]).patients[0].name == "김^희중"
    assert raw in (tmp_path / "out" / "a.dcm").read_bytes()
    copy = pydicom.dcmread(tmp_path / "out" / "a.dcm")
    assert "PatientName" in copy.OriginalAttributesSequence[0].ModifiedAttributesSequence[0]


def test_a_series_that_moves_is_copied_whole(tmp_path: Path) -> None:
    source = made_series(tmp_path / "in", SpacingBetweenSlices=lambda k: 9 if k == 2 else 2)

    copies = repair(plan_repairs(examine([source])), [source], tmp_path / "out")

    assert len(copies) == 5
    assert all(copy.has_new_uids for copy in copies)
    assert [len(copy.repairs) for copy in copies] == [0, 0, 1, 0, 0]
    assert len(scan([tmp_path / "out"]).patients[0].studies[0].series[0].stacks[0].frames) == 5


@pytest.mark.parametrize("implicit", [False, True])
def test_what_is_written_again_is_what_was_there(tmp_path: Path, *, implicit: bool) -> None:
    made = slice_of(0)
    made.add_new(0x00091010, "LO", "private")
    made.add_new(0x00090010, "LO", "MAKER")
    save(made, tmp_path / "in" / "a.dcm", implicit=implicit)
    data = (tmp_path / "in" / "a.dcm").read_bytes()
    (tmp_path / "in" / "a.dcm").write_bytes(data + bytes(20))

    repair(plan_repairs(examine([tmp_path / "in"])), [tmp_path / "in"], tmp_path / "out")

    copy = pydicom.dcmread(tmp_path / "out" / "a.dcm")
    del copy.ContributingEquipmentSequence
    (tmp_path / "in" / "a.dcm").write_bytes(data)
    original = pydicom.dcmread(tmp_path / "in" / "a.dcm")
    assert {e.tag: e.value for e in copy} == {e.tag: e.value for e in original}


def test_the_table_of_faults_covers_every_repair_of_one_file() -> None:
    from medview.dicom.doctor import CHECKS

    of_series = {"geometry.order", "geometry.spacing-stated"}
    repaired = {fault.check for fault in FAULTS if fault.is_repaired}

    assert {c.id for c in CHECKS.values() if c.repair} - of_series == repaired
