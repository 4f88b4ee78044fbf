"""`medview info`: what it prints and how it ends."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from medview.cli.main import main

SMALL = "seg/small-ct"


def told(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, dict, str]:
    status = main(["info", "--json", *map(str, arguments)])
    out, err = capsys.readouterr()
    return status, json.loads(out) if out else {}, err


def test_json_has_the_form_of_the_contract(
    imaging_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, found, err = told(capsys, imaging_data / SMALL, "--pixels", "--files")
    assert (status, err) == (0, "")
    assert found["schema"] == "medview.info/1"
    assert found["files"]["seen"] == found["files"]["dicom"] == 3
    (stack,) = found["patients"][0]["studies"][0]["series"][0]["stacks"]
    assert stack["size"] == [24, 38, 3]
    assert stack["geometry"] == "regular"
    assert len(stack["direction"]) == 9
    assert stack["minimum"] <= stack["maximum"]
    for item in stack["files"]:
        assert item["stored"]["shape"] == [1, 38, 24, 1]
        assert len(item["stored"]["sha256"]) == len(hashlib.sha256().hexdigest())


def test_without_the_options_there_are_no_files_and_no_extremes(
    imaging_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, found, _ = told(capsys, imaging_data / SMALL)
    stack = found["patients"][0]["studies"][0]["series"][0]["stacks"][0]
    assert not {"files", "minimum", "maximum"} & stack.keys()


def test_an_unreadable_file_gives_status_3_and_a_sentence(
    imaging_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = imaging_data / "odd" / "made-jpegls-cut.dcm"
    status, found, err = told(capsys, path)
    assert status == 3
    assert found["files"]["unreadable"][0]["file"] == str(path)
    assert "1 file could not be read" in err


def test_pixels_that_do_not_decode_make_their_file_unreadable(
    imaging_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = imaging_data / "odd" / "unknown-sop-class-image.dcm"
    status, found, _ = told(capsys, path, "--pixels")
    assert status == 3
    assert found["patients"] == []
    assert found["files"]["unreadable"][0]["reason"]


def test_a_missing_path_gives_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, tmp_path / "nothing")[0] == 2


def test_volume_files_stand_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = sitk.GetImageFromArray(np.arange(24, dtype=np.int16).reshape(2, 3, 4))
    sitk.WriteImage(image, tmp_path / "a.nii.gz")
    (tmp_path / "b.nrrd").write_text("no volume at all")
    status, found, _ = told(capsys, tmp_path, "--pixels")
    assert status == 3
    assert found["volumes"][0]["size"] == [4, 3, 2]
    assert (found["volumes"][0]["minimum"], found["volumes"][0]["maximum"]) == (0, 23)


def test_text_names_patient_series_geometry_and_notes(
    imaging_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["info", str(imaging_data / "ct" / "gap")]) == 0
    text = capsys.readouterr().out
    assert "gaps" in text
    assert "note: Missing slices: 1" in text
    assert "3 files, 3 of them DICOM." in text


def test_the_text_tells_step_unit_and_which_volume(
    imaging_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(name: str) -> str:
        assert main(["info", str(imaging_data / name)]) == 0
        return capsys.readouterr().out

    # The step along the normal, not along the table that the gantry leans against.
    assert "0.406 x 0.406 x 2.4 mm, tilted, HU, TILT" in said("ct/head-tilt-philips")
    assert "0.488 x 0.488 x 4 mm, non-uniform, HU" in said("ct/head-tilt-ge-nonuniform")
    pet = said("petct/pet")
    assert "regular, SUVbw" in pet
    assert "values: SUVbw from 71 kg and 388.8 MBq, decayed over 45 min." in pet
    echoes = said("mr/multi-echo-siemens")
    assert "split by EchoTime (TE 5.19 ms)" in echoes
    assert "split by EchoTime (TE 7.65 ms)" in echoes
