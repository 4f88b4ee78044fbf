"""Descriptions of single frames and the extended offset table are held against the frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from dicom_read_cases import save, slice_of
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate_extended
from pydicom.uid import JPEG2000Lossless

from medview.dicom.doctor import examine


def _group(index: int) -> Dataset:
    position, orientation, made = Dataset(), Dataset(), Dataset()
    position.ImagePositionPatient = [0, 0, float(index)]
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    made.PlanePositionSequence = [position]
    made.PlaneOrientationSequence = [orientation]
    return made


def _enhanced(path: Path, change: Callable[[list[Dataset]], object]) -> set[str]:
    made = slice_of(0, np.zeros((3, 16, 16), np.uint8), NumberOfFrames=3)
    groups = [_group(index) for index in range(3)]
    change(groups)
    made.PerFrameFunctionalGroupsSequence = groups
    save(made, path)
    return {f.check.id for f in examine([path]).findings if f.check.id.startswith("frames.")}


def _set(groups: list[Dataset], value: list[float]) -> None:
    groups[1].PlaneOrientationSequence[0].ImageOrientationPatient = value


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda groups: None, set()),
        (lambda groups: groups.pop(), {"frames.groups"}),
        (lambda groups: groups.append(_group(3)), {"frames.groups"}),
        (lambda groups: delattr(groups[2], "PlanePositionSequence"), {"frames.place"}),
        (lambda groups: _set(groups, [0, 0, 0, 0, 1, 0]), {"frames.place"}),
        (lambda groups: _set(groups, [1, 0, 0, 0.5, 0.866, 0]), {"frames.place"}),
    ],
)
def test_descriptions_of_frames_are_counted_and_sound(
    change: Callable[[list[Dataset]], object], expected: set[str], tmp_path: Path
) -> None:
    assert _enhanced(tmp_path / "a.dcm", change) == expected


@pytest.mark.parametrize(("shift", "is_wrong"), [(0, False), (8, True)])
def test_the_extended_offset_table_is_held_against_the_fragments(
    shift: int, is_wrong: bool, tmp_path: Path
) -> None:
    import imagecodecs

    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    stream = imagecodecs.jpeg2k_encode(pixels, codecformat="j2k", reversible=True)
    made = slice_of(0, pixels, NumberOfFrames=2)
    save(made, tmp_path / "a.dcm")
    made.file_meta.TransferSyntaxUID = JPEG2000Lossless
    made.PixelData, offsets, lengths = encapsulate_extended([stream, stream])
    made["PixelData"].is_undefined_length = True
    first, second = np.frombuffer(offsets, "<u8")
    made.ExtendedOffsetTable = np.array([first, second + shift], "<u8").tobytes()
    made.ExtendedOffsetTableLengths = lengths
    made.save_as(tmp_path / "a.dcm", enforce_file_format=True)

    found = {finding.check.id for finding in examine([tmp_path / "a.dcm"]).findings}

    assert ("frames.extended-offsets" in found) is is_wrong
