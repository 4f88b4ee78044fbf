"""Overlay planes of groups 60xx: where their bits stand and over which picture they lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_read_cases import save, slice_of
from pydicom.dataset import Dataset
from pydicom.overlays import numpy_handler

from medview.core.volume import GraphicPlane, Volume
from medview.dicom import load_volume, scan

RANDOM = np.random.default_rng(3)


def volume_of(path: Path) -> Volume:
    return load_volume(scan([path]).patients[0].studies[0].series[0].stacks[0])


def add_plane(
    made: Dataset, mask: np.ndarray, group: int = 0x6000, origin: tuple[int, int] = (1, 1)
) -> Dataset:
    """A plane apart; `mask` is [rows, columns] or [frames, rows, columns]."""
    made.add_new((group, 0x0010), "US", mask.shape[-2])
    made.add_new((group, 0x0011), "US", mask.shape[-1])
    made.add_new((group, 0x0040), "CS", "G")
    made.add_new((group, 0x0050), "SS", list(origin))
    made.add_new((group, 0x0100), "US", 1)
    made.add_new((group, 0x0102), "US", 0)
    packed = np.packbits(mask.astype(np.uint8), axis=None, bitorder="little").tobytes()
    made.add_new((group, 0x3000), "OW", packed + b"\0" * (len(packed) % 2))
    return made


def test_a_plane_that_is_no_square_lies_where_its_bits_say(tmp_path: Path) -> None:
    mask = RANDOM.integers(0, 2, (6, 5)).astype(bool)
    volume = volume_of(save(add_plane(slice_of(0), mask), tmp_path / "a.dcm"))
    (plane,) = volume.graphics[0]
    assert np.array_equal(plane.mask(6, 5), mask)


def test_planes_of_several_groups_are_all_found(tmp_path: Path) -> None:
    first, second = np.eye(6, 5, dtype=bool), np.eye(6, 5, k=2, dtype=bool)
    made = add_plane(add_plane(slice_of(0), first), second, group=0x601E)
    planes = volume_of(save(made, tmp_path / "a.dcm")).graphics[0]
    assert [plane.mask(6, 5).tolist() for plane in planes] == [first.tolist(), second.tolist()]


@pytest.mark.parametrize("origin", [(1, 1), (3, 2), (-1, 0), (6, 5), (40, 40)])
def test_a_plane_with_an_origin_is_cut_to_the_picture(
    tmp_path: Path, origin: tuple[int, int]
) -> None:
    mask = np.ones((3, 4), bool)
    made = add_plane(slice_of(0), mask, origin=origin)
    (plane,) = volume_of(save(made, tmp_path / "a.dcm")).graphics[0]
    wanted = np.zeros((6, 5), bool)
    for row in range(3):
        for column in range(4):
            j, i = origin[0] - 1 + row, origin[1] - 1 + column
            if 0 <= j < 6 and 0 <= i < 5:
                wanted[j, i] = True
    assert np.array_equal(plane.mask(6, 5), wanted)


def test_an_overlay_of_frames_lies_over_the_frames_it_names(tmp_path: Path) -> None:
    made = slice_of(0, np.zeros((6, 5), np.uint8), NumberOfFrames=4, Modality="XA")
    made.PixelData = bytes(4 * 30)
    masks = RANDOM.integers(0, 2, (2, 6, 5)).astype(bool)
    add_plane(made, masks)
    made.add_new((0x6000, 0x0015), "IS", 2)
    made.add_new((0x6000, 0x0051), "US", 2)
    volume = volume_of(save(made, tmp_path / "a.dcm"))
    assert sorted(volume.graphics) == [1, 2]
    for k in (1, 2):
        assert np.array_equal(volume.graphics[k][0].mask(6, 5), masks[k - 1])


def test_a_plane_that_names_no_frame_lies_over_all(tmp_path: Path) -> None:
    made = slice_of(0, np.zeros((6, 5), np.uint8), NumberOfFrames=3, Modality="XA")
    made.PixelData = bytes(3 * 30)
    mask = np.eye(6, 5, dtype=bool)
    volume = volume_of(save(add_plane(made, mask), tmp_path / "a.dcm"))
    assert sorted(volume.graphics) == [0, 1, 2]


def test_a_plane_in_unused_bits_is_found_and_is_no_value(tmp_path: Path) -> None:
    mask = RANDOM.integers(0, 2, (6, 5)).astype(bool)
    words = (np.full((6, 5), 77) | (mask.astype(int) << 13)).astype(np.uint16)
    made = slice_of(0, words, BitsStored=12, HighBit=11)
    made.add_new((0x6002, 0x0010), "US", 6)
    made.add_new((0x6002, 0x0011), "US", 5)
    made.add_new((0x6002, 0x0040), "CS", "G")
    made.add_new((0x6002, 0x0050), "SS", [1, 1])
    made.add_new((0x6002, 0x0100), "US", 16)
    made.add_new((0x6002, 0x0102), "US", 13)
    volume = volume_of(save(made, tmp_path / "a.dcm"))
    assert (volume.stored == 77).all()
    assert np.array_equal(volume.graphics[0][0].mask(6, 5), mask)


def test_an_overlay_without_its_bytes_leaves_the_picture_as_it_is(tmp_path: Path) -> None:
    made = add_plane(slice_of(0), np.ones((60, 50), bool))
    made[0x6000, 0x3000].value = b"\xff\xff"
    volume = volume_of(save(made, tmp_path / "a.dcm"))
    assert volume.graphics == {}
    assert volume.stored[0, 0, 0] == 1


def test_only_slices_with_a_plane_have_one(tmp_path: Path) -> None:
    for k in range(3):
        made = slice_of(k)
        if k == 1:
            add_plane(made, np.eye(6, 5, dtype=bool))
        save(made, tmp_path / f"{k}.dcm")
    assert sorted(volume_of(tmp_path).graphics) == [1]


def test_the_real_overlay_is_that_of_pydicom(imaging_data: Path) -> None:
    from pydicom import dcmread

    path = imaging_data / "lut-overlay" / "mr-overlay.dcm"
    plane: GraphicPlane = volume_of(path).graphics[0][0]
    theirs = numpy_handler.get_overlay_array(dcmread(path), 0x6000)
    assert np.array_equal(plane.mask(300, 484), theirs)
