"""NIfTI, NRRD and MetaImage files open as stacks at their place, or say why not."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from dicom_read_cases import save_series

from medview.core.geometry import VoxelIndex
from medview.core.study import Holdings, Stack
from medview.dicom import fill_of, load_volume, read_frame, scan_with_volumes

VALUES = np.arange(3 * 4 * 5, dtype=np.int16).reshape(3, 4, 5) - 20


def written(path: Path, values: np.ndarray = VALUES, flips: tuple[int, ...] = (1, 1, 1)) -> Path:
    image = sitk.GetImageFromArray(values)
    turn = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1.0]]) * np.array(flips)
    if image.GetDimension() == 3:
        image.SetDirection(turn.ravel().tolist())
        image.SetSpacing((0.5, 0.8, 2.5))
        image.SetOrigin((-10.0, 20.0, -30.0))
    sitk.WriteImage(image, str(path))
    return path


def stacks(holdings: Holdings) -> list[Stack]:
    return [
        stack
        for patient in holdings.patients
        for study in patient.studies
        for series in study.series
        for stack in series.stacks
    ]


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd"])
@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, -1, 1), (1, 1, -1), (1, -1, 1)])
def test_a_volume_file_lies_where_simpleitk_puts_it(
    tmp_path: Path, ending: str, flips: tuple[int, ...]
) -> None:
    path = written(tmp_path / f"v{ending}", flips=flips)
    (stack,) = stacks(scan_with_volumes([path]))
    volume = load_volume(stack)
    assert np.array_equal(volume.stored, VALUES)
    image = sitk.ReadImage(str(path))
    for k in (0, 2):
        for j in (0, 3):
            for i in (0, 4):
                want = image.TransformIndexToPhysicalPoint((i, j, k))
                got = stack.geometry.to_patient(VoxelIndex(k, j, i))
                assert got == pytest.approx(want, abs=1e-3)
    assert np.array_equal(read_frame(stack, 1).stored[0], VALUES[1])


def test_a_fourth_axis_is_volumes(tmp_path: Path) -> None:
    values = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)
    image = sitk.JoinSeries([sitk.GetImageFromArray(part) for part in values])
    sitk.WriteImage(image, str(tmp_path / "t.nii.gz"))
    found = stacks(scan_with_volumes([tmp_path]))
    assert [str(stack.label) for stack in found] == ["volume 1", "volume 2"]
    for stack, part in zip(found, values, strict=True):
        assert np.array_equal(load_volume(stack).stored, part)


def test_colour_and_single_pictures(tmp_path: Path) -> None:
    colours = np.arange(2 * 4 * 5 * 3, dtype=np.uint8).reshape(2, 4, 5, 3)
    sitk.WriteImage(sitk.GetImageFromArray(colours, isVector=True), str(tmp_path / "c.mha"))
    (stack,) = stacks(scan_with_volumes([tmp_path / "c.mha"]))
    assert np.array_equal(load_volume(stack).stored, colours)
    path = written(tmp_path / "flat.mha", VALUES[0])
    (flat,) = stacks(scan_with_volumes([path]))
    assert (flat.verdict, flat.geometry.shape) == ("single", (1, 4, 5))


def test_beside_dicom_the_files_of_a_folder_are_one_nameless_patient(tmp_path: Path) -> None:
    save_series(tmp_path / "d")
    (tmp_path / "masks").mkdir()
    for name in ("v", "w"):
        written(tmp_path / "masks" / f"{name}.nii.gz")
    holdings = scan_with_volumes([tmp_path])
    assert [patient.name for patient in holdings.patients] == ["Test^Ada", ""]
    (study,) = holdings.patients[1].studies
    assert study.description == "masks"
    assert [series.description for series in study.series] == ["v.nii.gz", "w.nii.gz"]
    assert not holdings.ignored


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".mha", ".nrrd"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9, 0.99])
def test_a_cut_file_is_unreadable_with_a_sentence(
    tmp_path: Path, ending: str, share: float
) -> None:
    path = written(tmp_path / f"v{ending}")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    holdings = scan_with_volumes([tmp_path])
    if stacks(holdings):  # the header is whole: the voxels are missed when they are read
        fill = fill_of(stacks(holdings)[0])
        fill.run()
        assert "damaged" in fill.failed[0].english()
        assert not fill.ready.any()
    else:
        (note,) = (*holdings.unreadable, *holdings.ignored)
        assert note.reason


def test_a_header_that_lies_about_its_size_costs_no_memory(tmp_path: Path) -> None:
    raw = bytearray(written(tmp_path / "v.nii").read_bytes())
    raw[42:48] = (32000).to_bytes(2, "little") * 3
    (tmp_path / "v.nii").unlink()
    (tmp_path / "v.nii.gz").write_bytes(gzip.compress(bytes(raw)))
    holdings = scan_with_volumes([tmp_path])
    (note,) = holdings.unreadable
    assert "damaged" in note.reason


@pytest.mark.parametrize("where", ["../secret.raw", "/etc/passwd", "LIST", "s%03d.raw 1 9 1"])
def test_a_header_does_not_send_its_reader_elsewhere(tmp_path: Path, where: str) -> None:
    written(tmp_path / "v.mhd")
    text = (tmp_path / "v.mhd").read_text()
    (tmp_path / "v.mhd").write_text(text.replace("v.raw", where))
    holdings = scan_with_volumes([tmp_path / "v.mhd"])
    (note,) = holdings.unreadable
    assert "outside of its own folder" in note.reason


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize(("offset", "value"), [(80, 0.0), (84, float("nan")), (88, float("inf")),
                                               (280, float("nan"))])  # fmt: skip
def test_a_nifti_whose_grid_is_no_number_has_no_millimetres(
    tmp_path: Path, ending: str, offset: int, value: float
) -> None:
    path = written(tmp_path / f"v{ending}")
    is_packed = ending == ".nii.gz"
    raw = bytearray(gzip.decompress(path.read_bytes()) if is_packed else path.read_bytes())
    struct.pack_into("<f", raw, offset, value)
    struct.pack_into("<h", raw, 254, 1)  # the matrix is meant
    path.write_bytes(gzip.compress(bytes(raw)) if is_packed else bytes(raw))
    holdings = scan_with_volumes([path])
    (stack,) = stacks(holdings)
    assert (stack.verdict, stack.calibration, stack.is_in_space) == ("not-spatial", "none", False)
    assert any("lengths are in pixels" in note.english() for note in stack.notes)
    assert np.array_equal(load_volume(stack).stored, VALUES)
