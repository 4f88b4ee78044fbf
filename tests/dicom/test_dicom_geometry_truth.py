"""Index to millimetres of every real stack against readings that are not MedView's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from medview.core.geometry import VoxelIndex
from medview.core.study import Stack
from medview.dicom import scan

NEAR_MM = 1e-3
# SimpleITK's ImageSeriesReader gives every series an even grid whose third axis is the normal.
WRONG_IN_ITK = {
    "ct/gap": "one step, the mean, for all",
    "ct/head-tilt-ge-nonuniform": "one step, no shear",
    "ct/head-tilt-philips": "no shear",
}


def stacks_below(folder: Path) -> Iterator[Stack]:
    for patient in scan([folder]).patients:
        for study in patient.studies:
            for series in study.series:
                yield from series.stacks


def corners(stack: Stack) -> list[VoxelIndex]:
    """The four corners of every slice."""
    k, j, i = stack.geometry.shape
    return [VoxelIndex(c, b, a) for c in range(k) for b in (0, j - 1) for a in (0, i - 1)]


def _in_groups(made: Dataset, frame: int, sequence: str, keyword: str) -> Any:
    groups = [made.PerFrameFunctionalGroupsSequence[frame], made.SharedFunctionalGroupsSequence[0]]
    return next(g[sequence][0][keyword].value for g in groups if sequence in g)


def header_place(made: Dataset, frame: int, j: float, i: float) -> np.ndarray:
    """PS3.3 C.7.6.2.1.1, read with pydicom."""
    if "PerFrameFunctionalGroupsSequence" in made:
        origin = _in_groups(made, frame, "PlanePositionSequence", "ImagePositionPatient")
        axes = _in_groups(made, frame, "PlaneOrientationSequence", "ImageOrientationPatient")
        spacing = _in_groups(made, frame, "PixelMeasuresSequence", "PixelSpacing")
    else:
        origin, axes = made.ImagePositionPatient, made.ImageOrientationPatient
        spacing = made.PixelSpacing
    x, y = np.array(axes[:3], float), np.array(axes[3:], float)
    return np.array(origin, float) + x * float(spacing[1]) * i + y * float(spacing[0]) * j


@pytest.mark.parametrize("folder", ["ct", "mr", "enhanced", "pt", "petct", "seg", "rt"])
def test_corners_of_every_stack_are_where_the_headers_say(imaging_data: Path, folder: str) -> None:
    seen = 0
    headers: dict[str, Dataset] = {}
    for stack in stacks_below(imaging_data / folder):
        if not stack.geometry.is_spatial or any(f.tile or f.position is None for f in stack.frames):
            continue
        if stack.verdict == "duplicates":
            continue
        seen += 1
        count = len(stack.frames)
        for k in sorted({0, count - 1}) if stack.geometry.is_even else range(count):
            reference = stack.frames[k]
            if reference.path not in headers:
                headers[reference.path] = pydicom.dcmread(reference.path, stop_before_pixels=True)
            _, rows, columns = stack.geometry.shape
            for j, i in ((0, 0), (0, columns - 1), (rows - 1, 0), (rows - 1, columns - 1)):
                want = header_place(headers[reference.path], reference.frame, j, i)
                got = stack.geometry.to_patient(VoxelIndex(k, j, i))
                assert np.linalg.norm(want - got) <= NEAR_MM, (reference.path, k, j, i)
                back = stack.geometry.to_index(got)
                assert back == pytest.approx((k, j, i), abs=1e-6)
    assert seen or folder in ("seg", "rt")


def test_corners_agree_with_simpleitk(imaging_data: Path) -> None:
    sitk = pytest.importorskip("SimpleITK")
    expected = json.loads((imaging_data / "expected.json").read_text(encoding="utf-8"))["series"]
    compared = 0
    for name, fact in expected.items():
        if "mosaic" in fact["expect"]:
            continue
        for stack in stacks_below(imaging_data / name):
            if len(stack.frames) < 2 or not stack.geometry.is_spatial:
                continue
            if stack.verdict == "duplicates":
                continue
            reader = sitk.ImageSeriesReader()
            reader.SetFileNames([frame.path for frame in stack.frames])
            image = reader.Execute()
            assert image.GetSize() == stack.geometry.shape[::-1], name
            off = 0.0
            for index in corners(stack):
                want = image.TransformContinuousIndexToPhysicalPoint((index.i, index.j, index.k))
                got = stack.geometry.to_patient(index)
                off = max(off, float(np.linalg.norm(np.subtract(want, got))))
            assert (off > NEAR_MM) == (name in WRONG_IN_ITK), (name, off)
            compared += 1
    assert compared >= 30


def test_every_series_is_the_stacks_that_positions_tell(imaging_data: Path) -> None:
    expected = json.loads((imaging_data / "expected.json").read_text(encoding="utf-8"))["series"]
    for name, fact in expected.items():
        if not fact.get("stacks") or "mosaic" in fact["expect"]:
            continue
        for truth in fact["stacks"]:
            mine = [
                stack
                for stack in stacks_below(imaging_data / name)
                if stack.geometry.is_spatial
                and abs(np.dot(stack.geometry.normal, truth["normal"])) > 0.999
            ]
            if not mine or mine[0].verdict == "duplicates":
                is_none = truth["distinct_positions"] == 1 or "projection" in fact["expect"]
                assert is_none, name
                continue
            for stack in mine:
                first = stack.geometry.to_patient(VoxelIndex(0, 0, 0))
                last = stack.geometry.to_patient(VoxelIndex(stack.geometry.shape[0] - 1, 0, 0))
                found = sorted([tuple(first), tuple(last)])
                wanted = sorted([tuple(truth["first_position"]), tuple(truth["last_position"])])
                assert np.abs(np.subtract(found, wanted)).max() <= NEAR_MM, name
                assert stack.tilt_deg == pytest.approx(
                    truth["angle_between_stack_axis_and_normal_deg"], abs=0.11
                ), name


def test_uneven_steps_are_each_where_the_truth_has_them(imaging_data: Path) -> None:
    expected = json.loads((imaging_data / "expected.json").read_text(encoding="utf-8"))["series"]
    for name in ("ct/gap", "ct/head-tilt-ge-nonuniform"):
        (stack,) = stacks_below(imaging_data / name)
        (truth,) = expected[name]["stacks"]
        found = set(np.round(stack.geometry.ladder.steps, 2))
        for step in found:
            assert min(abs(step - want) for want in truth["steps"]) <= 0.02, (name, step)
