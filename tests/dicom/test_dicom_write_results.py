"""`results.json` and the files beside it: whole, placed, private, and read back the same."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813
from dicom_write_cases import AXIAL, MODEL, ct_stack, film_run, lung_run, projection_stack

from medview.core.errors import InvalidInput, UnreadableInstance, WriteFailed
from medview.core.files import write_whole
from medview.core.geometry import Vector
from medview.core.results import Check, GateVerdict, ModelRun
from medview.core.words import say
from medview.dicom.write import (
    RunFiles,
    find_results,
    read_results,
    write_index,
    write_results,
    write_run_files,
)
from medview.dicom.write.nifti import write_nifti

C, S = np.cos(0.4), np.sin(0.4)
OBLIQUE = ((C, S, 0.0), (-S * C, C * C, S), (S * S, -C * S, C))
FLIPPED = ((-1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0))
TILTED = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, np.sin(0.3), np.cos(0.3)))


@contextmanager
def full_disk(after_bytes: int) -> Iterator[None]:
    """No file of this process can grow beyond `after_bytes`."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (after_bytes, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


def refused_run() -> ModelRun:
    said = say("The patient is {age} years old.", age=67)
    return ModelRun(
        id="run-9",
        model=MODEL,
        series_uid="1.2.3",
        stack=0,
        status="refused",
        reason=said,
        gate=GateVerdict("refused", (Check("age", False, said),)),
    )


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A folder with the results of a run and a refusal."""
    (tmp_path / "in").mkdir()
    stack = ct_stack(tmp_path / "in")
    run = lung_run(stack)
    files = write_run_files(run, stack, tmp_path / "out")
    runs = [(run, files), (refused_run(), RunFiles())]
    return write_results("1.2", runs, tmp_path / "out", not_applicable=["hippocampus"]).parent


def test_results_have_the_keys_of_the_contract_and_name_files_that_exist(written: Path) -> None:
    document = json.loads((written / "results.json").read_text(encoding="utf-8"))

    run, refused = document["runs"]
    lung = run["findings"][0]
    assert document["schema"] == "medview.results/1"
    assert document["notice"].startswith("Not for diagnostic use")
    assert document["not_applicable"] == ["hippocampus"]
    assert lung["centroid_mm"] == [-9.5, 9.0, 34.0]
    assert lung["code"] == {"scheme": "SCT", "value": "3341006", "meaning": "Right lung"}
    assert {"seg", "mask", "sr", "heatmap"} <= set(lung["files"])
    assert lung["files"]["heatmap"] is None
    assert all((written / lung["files"][kind]).is_file() for kind in ("seg", "mask", "sr"))
    assert (refused["status"], refused["findings"]) == ("refused", [])
    assert refused["reason"] == "The patient is 67 years old."


def test_every_result_file_is_for_the_owner_alone_and_names_no_patient(written: Path) -> None:
    files = list(written.iterdir())

    assert len(files) == 5
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert not any("MV-1" in path.name or "Ada" in path.name for path in files)


def test_results_read_back_as_the_runs_that_were_written(written: Path, tmp_path: Path) -> None:
    original = lung_run(ct_stack(tmp_path))

    back = read_results(written)

    run = back.with_voxels(back.runs[0])
    assert run.label_map is not None
    assert original.label_map is not None
    assert run.findings == original.findings
    assert run.label_map.labels == original.label_map.labels
    assert np.array_equal(run.label_map.voxels, original.label_map.voxels)
    assert run.label_map.geometry.same_grid(original.label_map.geometry)
    assert back.runs[1].gate == refused_run().gate
    assert back.runs[1].reason == refused_run().reason


@pytest.mark.parametrize("axes", [AXIAL, OBLIQUE, FLIPPED])
def test_simpleitk_reads_a_mask_at_its_millimetres(
    tmp_path: Path, axes: tuple[Vector, Vector, Vector]
) -> None:
    stack = ct_stack(tmp_path, axes=axes)
    voxels = (lung_run(stack).label_map.voxels == 1).astype(np.uint8)  # type: ignore[union-attr]

    write_nifti(voxels, stack.geometry, tmp_path / "mask.nii.gz")

    image = sitk.ReadImage(str(tmp_path / "mask.nii.gz"))
    k, j, i = (int(v) for v in np.argwhere(voxels)[7])
    assert np.array_equal(sitk.GetArrayFromImage(image), voxels)
    assert image.TransformIndexToPhysicalPoint((i, j, k)) == pytest.approx(
        stack.geometry.to_patient_array([[k, j, i]])[0], abs=1e-3
    )


def test_a_tilted_mask_keeps_its_shear(tmp_path: Path) -> None:
    stack = ct_stack(tmp_path, axes=TILTED)
    run = lung_run(stack)

    files = write_run_files(run, stack, tmp_path / "out")
    write_results("1.2", [(run, files)], tmp_path / "out")

    back = read_results(tmp_path / "out")
    label_map = back.with_voxels(back.runs[0]).label_map
    assert label_map is not None
    assert label_map.geometry.axes[2] == pytest.approx(TILTED[2])


def test_a_heatmap_on_a_film_comes_back_with_its_values(tmp_path: Path) -> None:
    stack = projection_stack(tmp_path)
    run = film_run(stack)
    picture = np.zeros(stack.geometry.shape[1:], np.uint8)

    files = write_run_files(run, stack, tmp_path / "out", pictures={"cam": picture})
    write_results("1.2", [(run, files)], tmp_path / "out")

    document = json.loads((tmp_path / "out/results.json").read_text(encoding="utf-8"))
    named = document["runs"][0]["findings"][0]["files"]
    back = read_results(tmp_path / "out")
    heatmap = back.with_voxels(back.runs[0]).heatmaps[0]
    assert pydicom.dcmread(tmp_path / "out" / named["heatmap"]).Modality == "OT"
    assert np.array_equal(heatmap.values, run.heatmaps[0].values)
    assert heatmap.class_name == "pneumonia"


def test_images_without_identity_still_give_masks_and_a_note(tmp_path: Path) -> None:
    def spoil(dataset: pydicom.Dataset, k: int) -> None:
        dataset.SeriesInstanceUID = ""

    stack = ct_stack(tmp_path, change=spoil)

    files = write_run_files(lung_run(stack), stack, tmp_path / "out")

    assert set(files.masks) == {1, 4}
    assert files.seg is None
    assert "so a DICOM result cannot refer to them" in files.notes[0].english()


@pytest.mark.parametrize("room", [0, 300, 4000])
def test_a_full_disk_is_one_sentence_and_leaves_nothing_half_written(
    tmp_path: Path, room: int
) -> None:
    stack = ct_stack(tmp_path)
    out = tmp_path / "out"

    with full_disk(room), pytest.raises(WriteFailed, match="The disk is full"):
        write_run_files(lung_run(stack), stack, out)

    assert not list(out.glob(".new-*"))
    assert not list(out.glob("*.dcm"))
    for path in out.glob("*.nii.gz"):
        sitk.ReadImage(str(path))  # what is there is whole


def test_a_full_disk_keeps_the_results_of_before(written: Path, tmp_path: Path) -> None:
    before = (written / "results.json").read_bytes()

    with full_disk(100), pytest.raises(WriteFailed):
        write_results("1.2", [], written)

    assert (written / "results.json").read_bytes() == before


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(WriteFailed, match="could not be written"):
        write_whole(tmp_path / "file" / "results.json", "{}")


def test_several_studies_have_an_index(written: Path) -> None:
    path = write_index([("1.2", "MV-1", written / "results.json")], written.parent)

    assert json.loads(path.read_text(encoding="utf-8")) == [
        {"study": "1.2", "patient": "MV-1", "results": "out/results.json"}
    ]
    assert [results.study_uid for results in find_results(written.parent)] == ["1.2"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema": "medview.results/2"}', "[" * 100_000, '{"schema": 1}']
)
def test_damaged_or_foreign_results_are_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "results.json").write_text(text, encoding="utf-8")

    with pytest.raises(InvalidInput):
        read_results(tmp_path)


def test_a_folder_without_results_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no results in this folder"):
        find_results(tmp_path)


def test_results_cannot_name_files_outside_their_folder(written: Path, tmp_path: Path) -> None:
    document = json.loads((written / "results.json").read_text(encoding="utf-8"))
    document["runs"][0]["labels"][0]["mask"] = "../../secret.nii.gz"
    (written / "results.json").write_text(json.dumps(document), encoding="utf-8")
    back = read_results(written)

    with pytest.raises(InvalidInput, match="outside their folder"):
        back.with_voxels(back.runs[0])


def test_a_mask_cut_short_is_one_sentence(written: Path) -> None:
    mask = next(written.glob("*mask-1.nii.gz"))
    mask.write_bytes(mask.read_bytes()[:-20])
    back = read_results(written)

    with pytest.raises(UnreadableInstance, match="damaged"):
        back.with_voxels(back.runs[0])


def test_words_by_another_hand_with_braces_are_shown_as_they_stand(written: Path) -> None:
    document = json.loads((written / "results.json").read_text(encoding="utf-8"))
    run = document["runs"][1]
    run["reason"], run["said"] = "Size {of} {0} unknown", None
    (written / "results.json").write_text(json.dumps(document), encoding="utf-8")

    back = read_results(written)

    assert str(back.runs[1].reason) == "Size {of} {0} unknown"


def test_two_stacks_of_one_model_do_not_share_files(tmp_path: Path) -> None:
    stack = ct_stack(tmp_path)
    first, second = lung_run(stack), replace(lung_run(stack), stack=1)

    names = [write_run_files(run, stack, tmp_path / "out").seg for run in (first, second)]

    assert len(set(names)) == 2
