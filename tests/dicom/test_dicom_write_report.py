"""Findings, rulers and heatmaps leave as DICOM that validators and other readers take."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from dicom_write_cases import (
    ct_stack,
    film_run,
    lung_run,
    no_dciodvfy_errors,
    projection_stack,
    rulers,
)

from medview.core.errors import GeometryError
from medview.core.geometry import PatientPoint, VoxelIndex
from medview.core.results import Heatmap
from medview.core.study import Stack
from medview.dicom.write import (
    Reader,
    ReportParts,
    read_sources,
    write_heatmap,
    write_measurement_report,
    write_segmentation,
)
from medview.dicom.write.finding_groups import Review


def groups_of(path: Path) -> list[dict[str, list[str]]]:
    """Every measurement group as concept meaning to values, by pydicom alone."""
    (container,) = (
        item
        for item in pydicom.dcmread(path).ContentSequence
        if item.ConceptNameCodeSequence[0].CodeMeaning == "Imaging Measurements"
    )
    found = []
    for group in container.ContentSequence:
        told: dict[str, list[str]] = {}
        for item in group.ContentSequence:
            name = item.ConceptNameCodeSequence[0].CodeMeaning
            told.setdefault(name, []).append(_value(item))
        found.append(told)
    return found


def _value(item: pydicom.Dataset) -> str:
    if item.ValueType == "CODE":
        return str(item.ConceptCodeSequence[0].CodeMeaning)
    if item.ValueType == "NUM":
        measured = item.MeasuredValueSequence[0]
        unit = measured.MeasurementUnitsCodeSequence[0].CodeValue
        return f"{float(measured.NumericValue):g} {unit}"
    return str(item.get("TextValue", item.get("UID", item.ValueType)))


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """SEG and SR of one run with the reader's rulers and one decision."""
    stack = ct_stack(tmp_path)
    sources, run = read_sources(stack), lung_run(stack)
    segmentation = write_segmentation(run, sources, tmp_path / "seg.dcm")
    parts = ReportParts(
        runs=[(run, segmentation)],
        measurements=rulers(stack),
        reviews={"lung": Review(decision="accepted")},
    )
    return write_measurement_report(parts, sources, tmp_path / "sr.dcm")


def test_the_report_is_valid(report: Path) -> None:
    no_dciodvfy_errors(report)


def test_images_mask_and_report_agree_about_the_patient(report: Path, tmp_path: Path) -> None:
    tool = shutil.which("dcentvfy")
    if tool is None:
        pytest.skip("dcentvfy (package dicom3tools) is not installed")
    image = next(tmp_path.glob("0*-*.dcm"))

    said = subprocess.run(
        [tool, str(image), str(tmp_path / "seg.dcm"), str(report)],
        check=False, capture_output=True, text=True,
    )  # fmt: skip

    assert "Error" not in said.stderr + said.stdout


def test_dcmtk_reads_the_report(report: Path) -> None:
    tool = shutil.which("dsrdump")
    if tool is None:
        pytest.skip("dsrdump (package dcmtk) is not installed")

    said = subprocess.run([tool, str(report)], check=False, capture_output=True, text=True)

    assert said.returncode == 0
    assert "Accepted by the reader" in said.stdout


def test_each_finding_tells_its_numbers_its_model_and_the_readers_decision(report: Path) -> None:
    lung = groups_of(report)[1]

    assert lung["Finding"] == ["Right lung"]
    assert lung["Volume"] == ["52.2 mm3"]
    assert lung["below -950 HU"] == ["4.2 %"]
    assert lung["Algorithm Name"] == ["lungs"]
    assert "manifest_sha256=abababababababab" in lung["Algorithm Parameters"]
    assert lung["Reader's decision"] == ["Accepted by the reader"]


def test_a_finding_refers_to_its_segment_and_shares_its_tracking_uid(
    report: Path, tmp_path: Path
) -> None:
    segmentation = pydicom.dcmread(tmp_path / "seg.dcm")
    groups = hd.sr.srread(report).content.get_volumetric_roi_measurement_groups()

    references = {g.tracking_uid: g.reference_type.meaning for g in groups}

    assert set(references) == {item.TrackingUID for item in segmentation.SegmentSequence}
    assert set(references.values()) == {"Referenced Segment"}


def test_an_organ_looked_for_in_vain_is_told_as_absent(report: Path) -> None:
    absent = [g for g in groups_of(report) if "Looked for by the algorithm" in g]

    assert [g["Tracking Identifier"] for g in absent] == [["lungs 1.2.0: left lung"]]
    assert absent[0]["Looked for by the algorithm"] == ["Absent"]


def test_a_run_that_found_nothing_says_so_in_code(tmp_path: Path) -> None:
    stack = ct_stack(tmp_path)
    run = replace(lung_run(stack), findings=(), label_map=None)

    path = write_measurement_report(
        ReportParts(runs=[(run, None)]), read_sources(stack), tmp_path / "sr.dcm"
    )

    assert groups_of(path)[0]["CAD Processing and Findings Summary"] == [
        "All algorithms succeeded; without findings"
    ]
    no_dciodvfy_errors(path)


def test_rulers_lie_in_the_report_where_they_were_drawn(report: Path, tmp_path: Path) -> None:
    stack = ct_stack(tmp_path)

    shapes = list(_shapes(pydicom.dcmread(report), size=3))

    expected = {m.kind: np.array(m.points) for m in rulers(stack)}
    assert [kind for kind, _ in shapes] == ["POLYLINE", "ELLIPSE", "POINT"]
    assert shapes[0][1] == pytest.approx(expected["length"], abs=1e-3)
    longer_first = expected["ellipse"][[2, 3, 0, 1]]
    assert shapes[1][1] == pytest.approx(longer_first, abs=1e-3)
    assert shapes[2][1] == pytest.approx(expected["probe"], abs=1e-3)


def _shapes(dataset: pydicom.Dataset, size: int) -> Iterator[tuple[str, np.ndarray]]:
    for item in dataset.get("ContentSequence", ()):
        if "GraphicData" in item:
            yield item.GraphicType, np.array(item.GraphicData).reshape(-1, size)
        yield from _shapes(item, size)


def test_without_a_reader_nothing_is_verified(report: Path) -> None:
    dataset = pydicom.dcmread(report)

    assert dataset.VerificationFlag == "UNVERIFIED"
    assert dataset.PreliminaryFlag == "PRELIMINARY"


def test_with_a_reader_the_report_is_verified_in_that_name(tmp_path: Path) -> None:
    stack = ct_stack(tmp_path)
    parts = ReportParts(measurements=rulers(stack), reader=Reader("Müller^Ada", "Clinic"))

    path = write_measurement_report(parts, read_sources(stack), tmp_path / "sr.dcm")

    dataset = pydicom.dcmread(path)
    assert dataset.VerificationFlag == "VERIFIED"
    assert str(dataset.VerifyingObserverSequence[0].VerifyingObserverName) == "Müller^Ada"
    no_dciodvfy_errors(path)


def test_on_a_film_probability_and_rulers_are_told_on_the_image(tmp_path: Path) -> None:
    stack = projection_stack(tmp_path)
    parts = ReportParts(runs=[(film_run(stack), None)], measurements=rulers(stack))

    path = write_measurement_report(parts, read_sources(stack), tmp_path / "sr.dcm")

    finding = groups_of(path)[1]
    assert finding["Probability"] == ["0.71 1"]
    shapes = dict(_shapes(pydicom.dcmread(path), size=2))
    # Rows 2 and 6 of column 3: the first pixel's centre is 0.5, 0.5; column first.
    assert shapes["POLYLINE"] == pytest.approx(np.array([[3.5, 2.5], [3.5, 6.5]]), abs=1e-3)
    no_dciodvfy_errors(path)


def test_a_ruler_outside_its_film_is_refused(tmp_path: Path) -> None:
    stack = projection_stack(tmp_path)
    outside = replace(rulers(stack)[0], points=(PatientPoint(-5, 0, 0), PatientPoint(1, 1, 0)))

    with pytest.raises(GeometryError, match="outside its image"):
        write_measurement_report(
            ReportParts(measurements=[outside]), read_sources(stack), tmp_path / "sr.dcm"
        )


def heat_of(stack: Stack) -> Heatmap:
    values = np.zeros(stack.geometry.shape, np.float32)
    values[1, 3:6, 2:5] = 0.5
    values[1, 4, 3] = 0.875
    return Heatmap(id="cam", geometry=stack.geometry, values=values, class_name="nodule")


def test_a_heatmap_of_a_volume_is_a_parametric_map_in_its_place(tmp_path: Path) -> None:
    stack = ct_stack(tmp_path)
    heatmap = heat_of(stack)

    path = write_heatmap(lung_run(stack), heatmap, read_sources(stack), tmp_path / "pm.dcm")

    dataset = pydicom.dcmread(path)
    frames = np.frombuffer(dataset.FloatPixelData, np.float32).reshape(heatmap.values.shape)
    hottest = np.unravel_index(frames.argmax(), frames.shape)
    group = dataset.PerFrameFunctionalGroupsSequence[hottest[0]]
    corner = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
    place = corner + np.array([hottest[2] * 0.8, hottest[1] * 0.9, 0])
    assert frames.max() == 0.875
    assert place == pytest.approx(np.array(stack.geometry.to_patient(VoxelIndex(1, 4, 3))))
    no_dciodvfy_errors(path)


def test_a_heatmap_on_a_film_is_a_picture_that_says_it_is_ai(tmp_path: Path) -> None:
    stack = projection_stack(tmp_path)
    run = film_run(stack)
    film = np.full(stack.geometry.shape[1:], 100, np.uint8)

    path = write_heatmap(
        run, run.heatmaps[0], read_sources(stack), tmp_path / "sc.dcm", picture=film
    )

    dataset = pydicom.dcmread(path)
    pixels = dataset.pixel_array
    assert dataset.SeriesDescription.startswith("AI heatmap")
    assert tuple(pixels[30, 25]) == (100, 100, 100)  # cold: the film as it was
    assert tuple(pixels[14, 11]) != (100, 100, 100)
    assert (pixels[:6] != 100).any()  # the words
    assert dataset.SourceImageSequence[0].ReferencedSOPInstanceUID
    no_dciodvfy_errors(path)


def test_a_heatmap_of_another_size_is_refused(tmp_path: Path) -> None:
    stack = projection_stack(tmp_path)
    run = film_run(stack)
    wrong = replace(run.heatmaps[0], values=np.zeros((1, 4, 4), np.float32))

    with pytest.raises(GeometryError):
        write_heatmap(run, wrong, read_sources(stack), tmp_path / "sc.dcm")
