"""What a model found as standard objects, and the reader's word on it: primitives of IHE AIR."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from dicom_write_cases import AIRWAY, LUNG, ct_stack, lung_run, no_dciodvfy_errors, points_of
from pydicom.dataset import Dataset

from medview.core.geometry import VoxelIndex
from medview.core.results import (
    Check,
    Finding,
    GateVerdict,
    Heatmap,
    ModelRun,
    Provenance,
)
from medview.core.study import Stack
from medview.core.words import say
from medview.dicom.objects.sr import read_structured_report
from medview.dicom.write import (
    KeptRun,
    Reader,
    ReportParts,
    read_sources,
    write_measurement_report,
    write_run_files,
)
from medview.dicom.write.drawn_segments import DrawnSegment, write_drawn_segments
from medview.dicom.write.finding_groups import EditedMask, Review

TOLD = Provenance(
    inputs=("1.2.3.1", "1.2.3.2"),
    input_sha256="ef" * 32,
    backend="torch 2.13.0",
    program="MedView 1",
    started="2026-11-22T02:00:00.000+00:00",
    finished="2026-11-22T02:00:01.000+00:00",
)
GATE = GateVerdict("accepted", (Check("modality", True, say("CT")),))


def told_run(stack: Stack) -> ModelRun:
    run = replace(lung_run(stack), provenance=TOLD, gate=GATE, seed=7, precision="bfloat16")
    named = tuple(replace(f, tracking_uid=f"2.25.{n}") for n, f in enumerate(run.findings, 50))
    return replace(run, findings=named)


def box_run(stack: Stack, *, ends: tuple[VoxelIndex, VoxelIndex]) -> ModelRun:
    geometry = stack.geometry
    (k0, j0, i0), (k1, j1, i1) = ends
    corners = tuple(
        geometry.to_patient(VoxelIndex(k, j, i))
        for k in (k0, k1) for j in (j0, j1) for i in (i0, i1)
    )  # fmt: skip
    found = Finding(
        id="box-0", kind="detection", label="nodule", score=0.8, probability=0.8,
        corners=corners, tracking_uid="2.25.77",
    )  # fmt: skip
    return replace(told_run(stack), id="run-box", findings=(found,), label_map=None)


def every(dataset: Dataset) -> Iterator[Dataset]:
    yield dataset
    for element in dataset:
        for item in element.value if element.VR == "SQ" else ():
            yield from every(item)


def texts(path: Path) -> dict[str, list[str]]:
    """Concept meaning to the values of the items that carry it, by pydicom alone."""
    found: dict[str, list[str]] = {}
    for item in every(pydicom.dcmread(path)):
        if "ConceptNameCodeSequence" not in item or "ValueType" not in item:
            continue
        value = item.get("TextValue") or item.get("UID") or item.get("PersonName")
        value = value or item.get("DateTime")
        if item.get("ConceptCodeSequence"):
            value = item.ConceptCodeSequence[0].CodeValue
        if item.get("MeasuredValueSequence"):
            value = item.MeasuredValueSequence[0].NumericValue
        name = item.ConceptNameCodeSequence[0].CodeMeaning
        found.setdefault(name, []).append(str(value))
    return found


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return ct_stack(tmp_path)


def test_each_object_tells_which_model_on_what_and_when(stack: Stack, tmp_path: Path) -> None:
    heat = Heatmap(
        id="h", geometry=stack.geometry, class_name="lung",
        values=np.full(stack.geometry.shape, 0.5, np.float32),
    )  # fmt: skip
    run = replace(told_run(stack), heatmaps=(heat,))
    files = write_run_files(run, stack, tmp_path / "out")

    seg = pydicom.dcmread(tmp_path / "out" / str(files.seg))
    algorithm = seg.SegmentSequence[0].SegmentationAlgorithmIdentificationSequence[0]
    heatmap = pydicom.dcmread(tmp_path / "out" / str(files.heatmaps["h"][0]))
    maker = heatmap.ContributingEquipmentSequence[0]
    report = texts(tmp_path / "out" / str(files.sr))

    assert algorithm.AlgorithmFamilyCodeSequence[0].CodeValue == "123110"
    for told in (algorithm.AlgorithmParameters, maker.ContributionDescription,
                 "; ".join(report["Algorithm Parameters"])):  # fmt: skip
        for word in ("torch 2.13.0", "cpu", "bfloat16", "7", "accepted", "ef" * 32,
                     run.model.manifest_sha256[:16], TOLD.started, TOLD.finished):  # fmt: skip
            assert word in told
    wanted = {pydicom.dcmread(frame.path).SOPInstanceUID for frame in stack.frames}
    for dataset in (seg, heatmap, pydicom.dcmread(tmp_path / "out" / str(files.sr))):
        named = {str(i.ReferencedSOPInstanceUID) for i in every(dataset)
                 if "ReferencedSOPInstanceUID" in i}  # fmt: skip
        assert wanted <= named
    for name in (files.seg, files.sr, files.heatmaps["h"][0]):
        no_dciodvfy_errors(tmp_path / "out" / str(name))


def test_air_tracking_identifier_is_the_same_in_mask_and_report(
    stack: Stack, tmp_path: Path
) -> None:
    files = write_run_files(told_run(stack), stack, tmp_path / "out")

    seg = pydicom.dcmread(tmp_path / "out" / str(files.seg))
    report = texts(tmp_path / "out" / str(files.sr))

    of_masks = {str(item.TrackingUID) for item in seg.SegmentSequence}
    assert of_masks == {"2.25.50", "2.25.51"}
    assert of_masks <= set(report["Tracking Unique Identifier"])


def test_written_twice_a_result_is_the_same_object(stack: Stack, tmp_path: Path) -> None:
    uids = []
    for name in ("one", "two"):
        files = write_run_files(told_run(stack), stack, tmp_path / name)
        uids.append([
            pydicom.dcmread(tmp_path / name / str(file)).SOPInstanceUID
            for file in (files.seg, files.sr)
        ])  # fmt: skip

    assert uids[0] == uids[1]


def test_what_is_shown_again_after_something_else_is_a_report_of_its_own(
    stack: Stack, tmp_path: Path
) -> None:
    run, told = replace(lung_run(stack), label_map=None), []
    (tmp_path / "out").mkdir()
    for threshold in (None, 0.3, None, None):
        kept = KeptRun(whole=run, threshold=threshold)
        files = write_run_files(run, stack, tmp_path / "out", kept=kept)
        report = read_structured_report(str(tmp_path / "out" / str(files.sr)))
        assert files.sr_uid == report.uid
        told.append((report.uid, report.predecessors))

    first, second, third, last = told
    assert first[1] == ()
    assert second[1] == (first[0],)
    assert third[1] == (second[0],)
    assert len({first[0], second[0], third[0]}) == 3
    assert last == third  # written twice it is the same object


def test_air_qualitative_finding_says_ran_and_how_it_ended(stack: Stack, tmp_path: Path) -> None:
    ran = told_run(stack)
    nothing = replace(ran, id="none", findings=(), label_map=None)
    failed = replace(nothing, id="bad", status="failed", reason=say("Memory did not suffice."))

    def outcomes(*runs: ModelRun) -> list[str]:
        path = tmp_path / f"{len(runs)}{runs[0].id}.dcm"
        parts = ReportParts(runs=[(run, None) for run in runs])
        write_measurement_report(parts, read_sources(stack), path)
        no_dciodvfy_errors(path)
        return texts(path)["CAD Processing and Findings Summary"]

    assert outcomes(ran) == ["111242"]
    assert outcomes(nothing) == ["111241"]
    assert outcomes(failed) == ["111245"]
    assert outcomes(nothing, failed)[0] == "111243"
    assert outcomes(ran, failed)[0] == "111244"


def test_air_region_and_location_of_a_detection_lie_at_their_millimetres(
    stack: Stack, tmp_path: Path
) -> None:
    run = box_run(stack, ends=(VoxelIndex(1, 2, 3), VoxelIndex(4, 7, 8)))
    files = write_run_files(run, stack, tmp_path / "out")
    path = tmp_path / "out" / str(files.sr)

    faces = [
        np.array(item.GraphicData, float).reshape(-1, 3)
        for item in every(pydicom.dcmread(path))
        if item.get("ValueType") == "SCOORD3D"
    ]

    no_dciodvfy_errors(path)
    assert len(faces) == 2
    found = {tuple(np.round(p, 2)) for face in faces for p in face}
    assert found == {tuple(np.round(c, 2)) for c in run.findings[0].corners}
    assert texts(path)["Probability"] == ["0.8"]


def test_accepted_rejected_and_edited_make_a_new_verified_report(
    stack: Stack, tmp_path: Path
) -> None:
    run, sources = told_run(stack), read_sources(stack)
    first = write_run_files(run, stack, tmp_path / "out")
    moved = np.zeros(stack.geometry.shape, bool)
    moved[1:3, 2:5, 1:4] = True
    drawn = DrawnSegment(
        id="seg1", label=LUNG, first=(0, 0, 0), voxels=moved, origin="lungs 1.0.0: right lung",
        run=run, began_as=first.segmentation, tracking=("2.25.50", "right lung"),
        made_by="Dr A", made_at="2026-11-22T03:00:00+00:00",
    )  # fmt: skip
    corrected = write_drawn_segments([drawn], sources, tmp_path / "edited.dcm")
    assert corrected is not None
    volume = float(moved.sum()) * stack.geometry.voxel_mm3
    reviews = {
        "lung": Review(
            decision="edited", by="Dr A", at="2026-11-22T03:00:00+00:00",
            edited=EditedMask(segmentation=corrected, number=1, volume_mm3=volume),
        ),
        "airway": Review(decision="rejected", by="Dr A", at="2026-11-22T03:01:00+00:00"),
    }  # fmt: skip
    path = tmp_path / "reviewed.dcm"
    parts = ReportParts(
        runs=[(run, first.segmentation)], reviews=reviews, reader=Reader("Dr A", "Ward"),
        predecessors=[tmp_path / "out" / str(first.sr)],
    )  # fmt: skip
    write_measurement_report(parts, sources, path)

    report, seg = pydicom.dcmread(path), pydicom.dcmread(tmp_path / "edited.dcm")
    told = texts(path)
    no_dciodvfy_errors(path)
    no_dciodvfy_errors(tmp_path / "edited.dcm")
    assert report.VerificationFlag == "VERIFIED"
    assert str(report.VerifyingObserverSequence[0].VerifyingObserverName) == "Dr A"
    assert report.VerifyingObserverSequence[0].VerificationDateTime
    assert told["Reader's decision"] == ["edited", "rejected"]
    assert told["Who decided"] == ["Dr A", "Dr A"]
    assert [when[:14] for when in told["When it was decided"]] == [
        "20261122030000", "20261122030100"]  # fmt: skip
    assert float(told["Volume"][0]) == pytest.approx(volume)
    before = report.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0]
    old = pydicom.dcmread(tmp_path / "out" / str(first.sr)).SOPInstanceUID
    assert before.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == old
    segment = seg.SegmentSequence[0]
    assert segment.SegmentAlgorithmType == "SEMIAUTOMATIC"
    assert segment.TrackingUID == "2.25.50"
    assert first.segmentation is not None
    original = first.segmentation.dataset.SOPInstanceUID
    assert seg.SourceImageSequence[0].ReferencedSOPInstanceUID == original
    named = {str(i.ReferencedSOPInstanceUID): i.ReferencedSegmentNumber for i in every(report)
             if "ReferencedSegmentNumber" in i}  # fmt: skip
    assert named[str(seg.SOPInstanceUID)] == 1


def test_highdicom_reads_an_edited_mask_where_pydicom_alone_finds_it(
    stack: Stack, tmp_path: Path
) -> None:
    moved = np.zeros(stack.geometry.shape, bool)
    moved[2, 3:5, 4:7] = True
    drawn = DrawnSegment(
        id="s", label=AIRWAY, first=(0, 0, 0), voxels=moved, origin="lungs 1.0.0: airway",
        run=told_run(stack), tracking=("2.25.9", "airway"),
    )  # fmt: skip
    path = tmp_path / "edited.dcm"
    write_drawn_segments([drawn], read_sources(stack), path)

    k, j, i = np.nonzero(moved)
    expected = stack.geometry.to_patient_array(np.stack([k, j, i], axis=1).astype(float))
    volume = hd.seg.segread(path).get_volume(segment_numbers=[1], combine_segments=True)
    inside = np.stack(np.nonzero(volume.array), axis=1).astype(float)
    by_highdicom = volume.map_indices_to_reference(inside)

    for found in (points_of(path, 1), by_highdicom):
        order = np.lexsort(np.round(found, 2).T)
        assert np.allclose(found[order], expected[np.lexsort(np.round(expected, 2).T)], atol=1e-3)


def test_a_report_keeps_the_whole_run_in_one_private_item(stack: Stack, tmp_path: Path) -> None:
    files = write_run_files(told_run(stack), stack, tmp_path / "out")

    kept = json.loads(texts(tmp_path / "out" / str(files.sr))["State of the run in MedView"][0])

    assert kept["run"]["id"] == "run-1"
    assert kept["run"]["provenance"]["input_sha256"] == "ef" * 32
