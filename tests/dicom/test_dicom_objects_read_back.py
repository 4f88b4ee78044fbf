"""SEG and SR, ours and others', come back as label maps and groups in their place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import highdicom as hd
import numpy as np
import pytest
from dicom_write_cases import ct_stack, lung_run, rulers

from medview.core.errors import GeometryError, UnreadableInstance
from medview.core.geometry import PatientPoint
from medview.dicom.objects.seg import read_segmentation
from medview.dicom.objects.sr import read_structured_report
from medview.dicom.write import (
    ReportParts,
    read_sources,
    write_measurement_report,
    write_segmentation,
)
from medview.dicom.write.finding_groups import Review

C, S = np.cos(0.4), np.sin(0.4)
OBLIQUE = ((C, S, 0.0), (-S * C, C * C, S), (S * S, -C * S, C))
DOWNWARDS = ((1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, -1.0))


@pytest.mark.parametrize("axes", [OBLIQUE, DOWNWARDS])
def test_our_own_mask_comes_back_on_the_grid_of_its_images(tmp_path: Path, axes: tuple) -> None:
    stack = ct_stack(tmp_path, axes=axes)
    run = lung_run(stack)
    write_segmentation(run, read_sources(stack), tmp_path / "seg.dcm")

    back = read_segmentation(str(tmp_path / "seg.dcm"), onto=stack.geometry)

    (label_map,) = back.label_maps
    assert run.label_map is not None
    expected = np.where(run.label_map.voxels == 4, 2, run.label_map.voxels)
    assert np.array_equal(label_map.voxels, expected)
    assert [(x.name, x.code, x.modifier) for x in label_map.labels] == [
        (x.name, x.code, x.modifier) for x in run.label_map.labels if x.value != 3
    ]


def test_without_images_a_mask_lies_on_the_grid_of_its_frames(tmp_path: Path) -> None:
    stack = ct_stack(tmp_path, axes=OBLIQUE)
    write_segmentation(lung_run(stack), read_sources(stack), tmp_path / "seg.dcm")

    (label_map,) = read_segmentation(str(tmp_path / "seg.dcm")).label_maps

    assert label_map.geometry.same_grid(stack.geometry)


def test_a_mask_on_other_images_is_refused(tmp_path: Path) -> None:
    stack = ct_stack(tmp_path)
    write_segmentation(lung_run(stack), read_sources(stack), tmp_path / "seg.dcm")
    moved = replace(stack.geometry, origin=PatientPoint(0, 0, 0))

    with pytest.raises(GeometryError, match="another grid"):
        read_segmentation(str(tmp_path / "seg.dcm"), onto=moved)


@pytest.mark.parametrize(
    "name", ["liver", "petct-tumour-seg", "seg_image_ct_binary", "small-ct-seg", "labelmap-sparse"]
)
def test_masks_of_others_agree_with_highdicom_at_millimetres(imaging_data: Path, name: str) -> None:
    path = imaging_data / "seg" / f"{name}.dcm"

    (label_map,) = read_segmentation(str(path)).label_maps

    volume = hd.seg.segread(path).get_volume(combine_segments=True, skip_overlap_checks=True)
    theirs = volume.map_indices_to_reference(np.argwhere(volume.array > 0))
    ours = label_map.geometry.to_patient_array(np.argwhere(label_map.voxels))
    assert len(ours) == len(theirs)
    assert np.sort(ours, axis=0) == pytest.approx(np.sort(theirs, axis=0), abs=0.01)


def test_overlapping_segments_stand_in_several_maps(imaging_data: Path) -> None:
    path = imaging_data / "seg/partial_overlaps.dcm"

    back = read_segmentation(str(path))

    names = [label.name for label_map in back.label_maps for label in label_map.labels]
    assert len(names) == 5
    assert len(back.label_maps) > 1
    assert any("overlap" in note.english() for note in back.notes)


def test_probabilities_are_shown_from_half_on(imaging_data: Path) -> None:
    path = imaging_data / "seg/seg_image_ct_true_fractional.dcm"

    back = read_segmentation(str(path))

    assert back.kind == "FRACTIONAL"
    assert "probabilities" in back.notes[0].english()


@pytest.mark.parametrize(
    "name",
    [
        "seg/seg_image_sm_dots_tiled_full.dcm",
        "ct/ct-small.dcm",
        "sr/basic-text.dcm",
        "pixel-kinds/bit1-seg-510-rle.dcm",
    ],
)
def test_what_is_no_mask_of_a_patient_is_one_sentence(imaging_data: Path, name: str) -> None:
    with pytest.raises(UnreadableInstance):
        read_segmentation(str(imaging_data / name))


def test_a_mask_cut_short_is_one_sentence(tmp_path: Path) -> None:
    stack = ct_stack(tmp_path)
    write_segmentation(lung_run(stack), read_sources(stack), tmp_path / "seg.dcm")
    (tmp_path / "cut.dcm").write_bytes((tmp_path / "seg.dcm").read_bytes()[:-150])

    with pytest.raises(UnreadableInstance, match="cannot be read"):
        read_segmentation(str(tmp_path / "cut.dcm"))


def test_our_own_report_comes_back_with_numbers_decisions_and_regions(tmp_path: Path) -> None:
    stack = ct_stack(tmp_path)
    sources, run = read_sources(stack), lung_run(stack)
    segmentation = write_segmentation(run, sources, tmp_path / "seg.dcm")
    parts = ReportParts(
        runs=[(run, segmentation)],
        measurements=rulers(stack),
        reviews={"lung": Review(decision="accepted")},
    )
    write_measurement_report(parts, sources, tmp_path / "sr.dcm")

    back = read_structured_report(str(tmp_path / "sr.dcm"))

    lung, length = back.groups[1], back.groups[4]
    assert segmentation is not None
    assert (lung.finding.meaning if lung.finding else "") == "Right lung"
    assert [(q.concept, q.value) for q in lung.quantities] == [
        ("Volume", 52.2),
        ("below -950 HU", 4.2),
    ]
    assert lung.evaluations[0][1].value == "accepted"
    assert lung.segment == (segmentation.dataset.SOPInstanceUID, 1)
    assert lung.algorithm == "lungs 1.2.0"
    assert length.regions[0].points == pytest.approx(np.array(rulers(stack)[0].points), abs=1e-3)


def test_a_report_of_others_gives_its_measurements(imaging_data: Path) -> None:
    report = read_structured_report(str(imaging_data / "sr/tid1500-pet-measurements.dcm"))

    assert report.title == "Imaging Measurement Report"
    assert report.groups[0].segment is not None
    assert all(quantity.unit for quantity in report.groups[0].quantities)
    assert len(report.groups[0].quantities) > 10


@pytest.mark.parametrize(
    "name", ["basic-text", "comprehensive", "comprehensive3d-groups", "deflated-report"]
)
def test_every_kind_of_report_can_be_read_as_lines(imaging_data: Path, name: str) -> None:
    report = read_structured_report(str(imaging_data / "sr" / f"{name}.dcm"))

    assert any(line.name and line.value for line in report.lines)


def test_an_image_is_no_report(imaging_data: Path) -> None:
    with pytest.raises(UnreadableInstance, match="holds no report"):
        read_structured_report(str(imaging_data / "ct/ct-small.dcm"))
