"""An analysis is run again and compared with what was written: equal, or what differs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medview.core.geometry import Geometry, PatientPoint
from medview.core.results import (
    Finding,
    Label,
    LabelMap,
    ModelRef,
    ModelRun,
    Provenance,
)
from medview.core.words import say
from medview.dicom.write import RunFiles, read_results, write_results
from medview.dicom.write.nifti import write_nifti
from medview.dicom.write.stored import StoredResults
from medview.session.reproducing import Comparison, compared

GRID = Geometry(shape=(4, 20, 20), spacing=(1.0, 1.0, 2.0), origin=PatientPoint(0, 0, 0))
LIVER = Label(value=1, name="liver", colour="#aa5500")


def run_of(voxels: np.ndarray, **changes: object) -> ModelRun:
    found = Finding(
        id="a", kind="segmentation", label="liver", label_value=1, label_map_id="m",
        volume_mm3=float(voxels.sum()) * 2.0, centroid=PatientPoint(5, 5, 2),
    )  # fmt: skip
    run = ModelRun(
        id="r", model=ModelRef(name="m", version="1.0.0", manifest_sha256="ab"), series_uid="1.2",
        stack=0, status="run", findings=(found,),
        label_map=LabelMap(id="m", geometry=GRID, voxels=voxels, labels=(LIVER,)),
        provenance=Provenance(input_sha256="00", backend="torch 2"),
    )  # fmt: skip
    return replace(run, **changes)  # type: ignore[arg-type]


def block() -> np.ndarray:
    voxels = np.zeros(GRID.shape, np.uint8)
    voxels[:, 2:18, 2:18] = 1
    return voxels


@pytest.fixture
def stored(tmp_path: Path) -> StoredResults:
    write_nifti(block(), GRID, tmp_path / "mask.nii.gz")
    files = RunFiles(masks={1: "mask.nii.gz"})
    return read_results(write_results("1", [(run_of(block()), files)], tmp_path))


def compare(stored: StoredResults, again: ModelRun) -> Comparison:
    (found,) = compared(stored, (again,))
    return found


def test_the_same_voxels_and_numbers_are_equal(stored: StoredResults) -> None:
    found = compare(stored, run_of(block(), id="another", seconds=9.0))

    assert (found.verdict, found.said) == ("equal", ())


def test_one_voxel_more_on_the_same_machine_differs_and_is_counted(stored: StoredResults) -> None:
    voxels = block()
    voxels[0, 0, 0] = 1

    found = compare(stored, run_of(voxels))

    assert found.verdict == "differs"
    said = " ".join(sentence.english() for sentence in found.said)
    assert "1 voxel of the mask differs (Dice 0.99951)" in said
    assert "volume was 2048, is 2050" in said


def test_one_voxel_more_on_another_device_is_within_tolerance_and_says_so(
    stored: StoredResults,
) -> None:
    voxels = block()
    voxels[0, 0, 0] = 1

    found = compare(stored, run_of(voxels, device="cuda"))

    assert found.verdict == "within-tolerance"
    assert "Then cpu, now cuda." in [sentence.english() for sentence in found.said]


def test_another_mask_differs_on_any_device(stored: StoredResults) -> None:
    voxels = block()
    voxels[:2] = 0

    assert compare(stored, run_of(voxels, device="cuda")).verdict == "differs"


def test_other_images_are_said_even_where_the_mask_is_equal(stored: StoredResults) -> None:
    again = run_of(block(), provenance=Provenance(input_sha256="11", backend="torch 2"))

    found = compare(stored, again)

    assert found.verdict == "differs"
    assert "other voxels" in found.said[0].english()


def test_a_refusal_instead_of_a_result_differs_and_what_is_not_here_is_missing(
    stored: StoredResults,
) -> None:
    refused = run_of(block(), status="refused", reason=say("No."), findings=(), label_map=None)

    assert compare(stored, refused).verdict == "differs"
    assert compared(stored, ())[0].verdict == "missing"
    assert not compared(stored, ())[0].is_same
