"""Masks leave as DICOM SEG at the right millimetres, whatever the images' orientation."""

from __future__ import annotations

import itertools
import logging
from dataclasses import replace
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813
from dicom_write_cases import (
    ct_stack,
    lung_run,
    no_dciodvfy_errors,
    points_of,
    projection_stack,
)
from pydicom.uid import generate_uid
from scipy.spatial import cKDTree

from medview.core.errors import GeometryError, InvalidInput, UnreadableInstance
from medview.core.geometry import Geometry, PatientPoint
from medview.core.results import LabelMap, ModelRun
from medview.core.study import FrameRef, Stack
from medview.dicom import scan
from medview.dicom.write import read_sources, write_segmentation

# Every way to lie in the patient with slices along their normal, as stacks are sorted.
ORDERS = [
    axes
    for axes in (
        tuple(
            tuple(float(sign) if n == axis else 0.0 for n in range(3))
            for axis, sign in zip(axes, signs, strict=True)
        )
        for axes in itertools.permutations(range(3))
        for signs in itertools.product((1, -1), repeat=3)
    )
    if np.linalg.det(axes) > 0
]
MIRRORED = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, -1.0))
_C, _S = np.cos(0.4), np.sin(0.4)
OBLIQUE = ((_C, _S, 0.0), (-_S * _C, _C * _C, _S), (_S * _S, -_C * _S, _C))
TILTED = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, np.sin(0.3), np.cos(0.3)))


def expected_points(run: ModelRun, value: int) -> np.ndarray:
    assert run.label_map is not None
    voxels = np.argwhere(run.label_map.voxels == value)
    return run.label_map.geometry.to_patient_array(voxels)


def same_places(found: np.ndarray, expected: np.ndarray) -> None:
    assert len(found) == len(expected)
    # Positions are stored as decimal strings of 16 characters: well below a thousandth.
    assert cKDTree(expected).query(found)[0].max() < 1e-3
    assert cKDTree(found).query(expected)[0].max() < 1e-3


@pytest.mark.parametrize("axes", [*ORDERS, MIRRORED, OBLIQUE, TILTED])
def test_every_voxel_comes_back_at_its_millimetres(tmp_path: Path, axes: tuple) -> None:
    stack = ct_stack(tmp_path, axes=axes)
    run = lung_run(stack)

    written = write_segmentation(run, read_sources(stack), tmp_path / "out.dcm")

    assert written is not None
    for value, number in written.segments.items():
        same_places(points_of(written.path, number), expected_points(run, value))


def test_highdicom_reads_the_mask_back_on_the_grid_of_the_images(tmp_path: Path) -> None:
    stack = ct_stack(tmp_path, axes=OBLIQUE)
    run = lung_run(stack)

    written = write_segmentation(run, read_sources(stack), tmp_path / "out.dcm")

    assert written is not None
    volume = hd.seg.segread(written.path).get_volume(combine_segments=True)
    places = np.argwhere(volume.array == written.segments[1])
    same_places(volume.map_indices_to_reference(places), expected_points(run, 1))


def test_simpleitk_reads_the_same_frames(tmp_path: Path) -> None:
    stack = ct_stack(tmp_path)
    run = lung_run(stack)

    written = write_segmentation(run, read_sources(stack), tmp_path / "out.dcm")

    frames = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "out.dcm"))) > 0
    assert written is not None
    assert run.label_map is not None
    # Six slices for each of two segments, none left out, from the head downwards.
    assert frames.shape == (12, 12, 10)
    assert np.array_equal(frames[5::-1], run.label_map.voxels == 1)
    assert np.array_equal(frames[:5:-1], run.label_map.voxels == 4)


def test_absent_organs_are_no_segments_and_numbers_run_from_one(tmp_path: Path) -> None:
    stack = ct_stack(tmp_path)

    written = write_segmentation(lung_run(stack), read_sources(stack), tmp_path / "out.dcm")

    assert written is not None
    assert written.segments == {1: 1, 4: 2}
    items = pydicom.dcmread(written.path).SegmentSequence
    assert [item.SegmentLabel for item in items] == ["right lung", "airway"]


def test_a_segment_says_which_model_made_it(tmp_path: Path) -> None:
    stack = ct_stack(tmp_path)

    write_segmentation(lung_run(stack), read_sources(stack), tmp_path / "out.dcm")

    dataset = pydicom.dcmread(tmp_path / "out.dcm")
    item = dataset.SegmentSequence[0]
    algorithm = item.SegmentationAlgorithmIdentificationSequence[0]
    modifier = item.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence
    assert dataset.SeriesDescription.startswith("AI ")
    assert (algorithm.AlgorithmName, algorithm.AlgorithmVersion) == ("lungs", "1.2.0")
    assert "abababababababab" in algorithm.AlgorithmParameters
    assert "signature=unsigned" in algorithm.AlgorithmParameters.replace(" ", "")
    assert "device=cpu" in algorithm.AlgorithmParameters.replace(" ", "")
    assert modifier[0].CodeMeaning == "Right"
    assert item.TrackingUID
    assert item.TrackingID


def test_the_written_file_is_valid_and_for_the_owner_alone(tmp_path: Path) -> None:
    stack = ct_stack(tmp_path)

    write_segmentation(lung_run(stack), read_sources(stack), tmp_path / "out.dcm")

    assert (tmp_path / "out.dcm").stat().st_mode & 0o777 == 0o600
    no_dciodvfy_errors(tmp_path / "out.dcm")


def test_a_mask_of_nothing_is_no_file(tmp_path: Path) -> None:
    stack = ct_stack(tmp_path)
    run = lung_run(stack)
    assert run.label_map is not None
    run.label_map.voxels[:] = 0

    assert write_segmentation(run, read_sources(stack), tmp_path / "out.dcm") is None
    assert not (tmp_path / "out.dcm").exists()


def test_a_mask_on_another_grid_lies_where_its_own_grid_says(tmp_path: Path) -> None:
    stack = ct_stack(tmp_path)
    grid = Geometry(shape=(4, 5, 6), spacing=(1, 1, 1), origin=PatientPoint(-9, 9, 33))
    voxels = np.zeros(grid.shape, np.uint8)
    voxels[1:3, 2, 3:5] = 1
    labels = lung_run(stack).label_map.labels  # type: ignore[union-attr]
    small = LabelMap(id="map", geometry=grid, voxels=voxels, labels=labels)
    run = replace(lung_run(stack), label_map=small)

    write_segmentation(run, read_sources(stack), tmp_path / "out.dcm")

    same_places(points_of(tmp_path / "out.dcm", 1), expected_points(run, 1))


def test_images_that_lie_elsewhere_than_their_grid_are_refused(tmp_path: Path) -> None:
    stack = ct_stack(tmp_path)
    moved = tuple(
        frame._replace(position=frame.position._replace(x=frame.position.x + 3))
        for frame in stack.frames
        if frame.position
    )

    with pytest.raises(GeometryError):
        write_segmentation(
            lung_run(stack), read_sources(replace(stack, frames=moved)), tmp_path / "out.dcm"
        )


def test_uneven_slices_keep_their_own_positions(tmp_path: Path) -> None:
    def squeeze(dataset: pydicom.Dataset, k: int) -> None:
        dataset.ImagePositionPatient[2] = [30, 32, 35, 41, 42, 50][k]

    stack = ct_stack(tmp_path, change=squeeze)
    frames = tuple(
        frame._replace(position=PatientPoint(-11, 7, z))
        for frame, z in zip(stack.frames, (30, 32, 35, 41, 42, 50), strict=True)
    )
    stack = replace(stack, frames=frames, verdict="non-uniform")

    write_segmentation(lung_run(stack), read_sources(stack), tmp_path / "out.dcm")

    assert set(points_of(tmp_path / "out.dcm", 1)[:, 2]) == {32, 35, 41}


def test_one_frame_of_reference_per_slice_is_united_and_said(tmp_path: Path) -> None:
    def spoil(dataset: pydicom.Dataset, k: int) -> None:
        dataset.FrameOfReferenceUID = generate_uid(entropy_srcs=[str(k)])

    stack = ct_stack(tmp_path, change=spoil)
    sources = read_sources(stack)

    write_segmentation(lung_run(stack), sources, tmp_path / "out.dcm")

    assert any("6 frames of reference" in note.english() for note in sources.notes)
    first = pydicom.dcmread(stack.frames[0].path).FrameOfReferenceUID
    assert pydicom.dcmread(tmp_path / "out.dcm").FrameOfReferenceUID == first
    no_dciodvfy_errors(tmp_path / "out.dcm")


def test_headers_without_required_attributes_are_mended_and_the_log_names_no_patient(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def spoil(dataset: pydicom.Dataset, k: int) -> None:
        for keyword in ("PatientBirthDate", "AccessionNumber", "StudyID", "FrameOfReferenceUID"):
            delattr(dataset, keyword)
        dataset.PatientID, dataset.PatientName = "MARKER-ID", "MARKER^NAME"

    stack = ct_stack(tmp_path, change=spoil)
    before = {frame.path: Path(frame.path).read_bytes() for frame in stack.frames}
    with caplog.at_level(logging.DEBUG, "medview"):
        sources = read_sources(stack)
        write_segmentation(lung_run(stack), sources, tmp_path / "out.dcm")

    assert "PatientBirthDate" in sources.notes[0].english()
    assert "MARKER" not in caplog.text + str([r.__dict__ for r in caplog.records])
    assert pydicom.dcmread(tmp_path / "out.dcm").PatientID == "MARKER-ID"
    assert before == {path: Path(path).read_bytes() for path in before}
    no_dciodvfy_errors(tmp_path / "out.dcm")


def test_a_name_in_two_scripts_stays_whole(tmp_path: Path) -> None:
    stack = ct_stack(tmp_path)

    write_segmentation(lung_run(stack), read_sources(stack), tmp_path / "out.dcm")

    assert str(pydicom.dcmread(tmp_path / "out.dcm").PatientName) == "Demo^Ada=演示^艾达"


def test_images_without_identity_are_refused_in_words(tmp_path: Path) -> None:
    def spoil(dataset: pydicom.Dataset, k: int) -> None:
        dataset.SeriesInstanceUID = ""

    with pytest.raises(InvalidInput, match="carry no SeriesInstanceUID"):
        read_sources(ct_stack(tmp_path, change=spoil))


def test_a_file_that_has_gone_is_one_sentence(tmp_path: Path) -> None:
    stack = ct_stack(tmp_path)
    Path(stack.frames[2].path).unlink()

    with pytest.raises(UnreadableInstance, match="can no longer be read"):
        read_sources(stack)


def test_a_mask_on_a_film_is_one_frame_with_its_letters(tmp_path: Path) -> None:
    stack = projection_stack(tmp_path)
    voxels = np.zeros(stack.geometry.shape, np.uint8)
    voxels[0, 5:20, 4:12] = 1
    run = lung_run(stack, voxels)
    assert run.label_map is not None

    write_segmentation(run, read_sources(stack), tmp_path / "out.dcm")

    dataset = pydicom.dcmread(tmp_path / "out.dcm")
    assert list(dataset.PatientOrientation) == ["L", "F"]
    assert np.array_equal(dataset.pixel_array.squeeze(), run.label_map.voxels[0] == 1)
    no_dciodvfy_errors(tmp_path / "out.dcm")


@pytest.mark.parametrize(
    "folder", ["ct/lidc-0001", "mr/t1-sag-head", "mr/brain-t1-post", "ct/head-tilt-philips"]
)
def test_real_series_take_a_mask_at_its_place(
    imaging_data: Path, tmp_path: Path, folder: str
) -> None:
    stack = stack_of(imaging_data / folder)
    run = lung_run(stack)
    assert run.label_map is not None
    k, j, i = stack.geometry.shape
    run.label_map.voxels[k // 3 : k // 2, j // 4 : j // 2, i // 5 : i // 3] = 1

    write_segmentation(run, read_sources(stack), tmp_path / "out.dcm")

    same_places(points_of(tmp_path / "out.dcm", 1), expected_points(run, 1))
    no_dciodvfy_errors(tmp_path / "out.dcm")


def stack_of(folder: Path) -> Stack:
    """A regular series of a folder, by positions alone."""
    headers = [(pydicom.dcmread(p, stop_before_pixels=True), p) for p in folder.iterdir()]
    cosines = np.array(headers[0][0].ImageOrientationPatient, float)
    normal = np.cross(cosines[:3], cosines[3:])
    headers.sort(key=lambda pair: float(np.dot(pair[0].ImagePositionPatient, normal)))
    positions = np.array([h.ImagePositionPatient for h, _ in headers], float)
    step = (positions[-1] - positions[0]) / (len(positions) - 1)
    length = float(np.linalg.norm(step))
    first = headers[0][0]
    geometry = Geometry(
        shape=(len(headers), first.Rows, first.Columns),
        spacing=(float(first.PixelSpacing[1]), float(first.PixelSpacing[0]), length),
        origin=PatientPoint(*positions[0]),
        axes=(tuple(cosines[:3]), tuple(cosines[3:]), tuple(step / length)),
    )
    frames = tuple(
        FrameRef(path=str(path), position=PatientPoint(*p))
        for (_, path), p in zip(headers, positions, strict=True)
    )
    return Stack(frames=frames, geometry=geometry, verdict="regular")


@pytest.mark.parametrize("name", ["mr-siemens-xa10.dcm", "ct-2frame-rle.dcm", "mr-hyperfine.dcm"])
def test_a_multi_frame_image_takes_a_mask_at_its_place(
    imaging_data: Path, tmp_path: Path, name: str
) -> None:
    holdings = scan([imaging_data / "enhanced" / name])
    stack = holdings.patients[0].studies[0].series[0].stacks[0]
    voxels = np.zeros(stack.geometry.shape, np.uint8)
    voxels[-1, 10:20, 5:9] = 1
    run = lung_run(stack, voxels)

    write_segmentation(run, read_sources(stack), tmp_path / "out.dcm")

    same_places(points_of(tmp_path / "out.dcm", 1), expected_points(run, 1))
    no_dciodvfy_errors(tmp_path / "out.dcm")


def test_an_unknown_character_set_does_not_stop_the_mask(tmp_path: Path) -> None:
    def spoil(dataset: pydicom.Dataset, k: int) -> None:
        dataset.SpecificCharacterSet = ""
        dataset.PatientName = "Demo^Ada"
        del dataset.SliceThickness

    stack = ct_stack(tmp_path, change=spoil)

    write_segmentation(lung_run(stack), read_sources(stack), tmp_path / "out.dcm")

    assert pydicom.dcmread(tmp_path / "out.dcm").SpecificCharacterSet == "ISO_IR 192"
    no_dciodvfy_errors(tmp_path / "out.dcm")
