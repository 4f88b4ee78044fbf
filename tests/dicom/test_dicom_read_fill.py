"""Filling a volume: what is remembered of the files, what comes first, what a bad slice leaves."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
from dicom_read_cases import save, save_packed, save_series, slice_of
from pydicom.dataset import Dataset

from medview.core.errors import Cancelled
from medview.core.progress import CancelToken
from medview.core.study import Stack
from medview.dicom import VolumeFill, load_volume, remembered, scan
from medview.dicom.instance import open_instance
from medview.dicom.order import Outwards


def stack_of(folder: Path) -> Stack:
    return scan([folder]).patients[0].studies[0].series[0].stacks[0]


def test_the_slice_that_is_looked_at_is_there_before_any_other(tmp_path: Path) -> None:
    fill = VolumeFill(stack_of(save_series(tmp_path, count=9)))
    at_first: list[list[int]] = []
    fill.run(first=6, on_slice=lambda _: at_first.append(fill.volume.stored[:, 0, 0].tolist()))
    assert at_first[0] == [0, 0, 0, 0, 0, 0, 61, 0, 0]
    assert at_first[-1] == [1, 11, 21, 31, 41, 51, 61, 71, 81]


def test_a_file_that_was_replaced_after_the_scan_is_read_anew(tmp_path: Path) -> None:
    stack = stack_of(save_series(tmp_path, RescaleIntercept=-1000))
    path = Path(stack.frames[2].path)
    written = np.full((6, 5), 77, np.int16)
    uid = stack.frames[2].sop_instance_uid
    other = slice_of(2, written, RescaleIntercept=-1000, SOPInstanceUID=uid, PatientName="A^B")
    save(other, tmp_path / "beside").replace(path)
    volume = load_volume(stack)
    assert volume.stored[:, 0, 0].tolist() == [1, 11, 77, 31]


@pytest.mark.parametrize("moved", [True, False])
def test_a_stack_from_before_a_second_scan_never_shows_what_that_has_found(
    tmp_path: Path, moved: bool
) -> None:
    stack = stack_of(save_series(tmp_path))
    path = Path(stack.frames[2].path)
    uid = stack.frames[2].sop_instance_uid
    other = slice_of(7, SOPInstanceUID=uid) if moved else slice_of(2, PatientID="P2")
    save(other, tmp_path / "beside").replace(path)
    scan([tmp_path])
    fill = VolumeFill(stack)
    fill.run()
    assert {k: said.template for k, said in fill.failed.items()} == {2: "The file has changed."}
    assert fill.volume.stored[[0, 1, 3], 0, 0].tolist() == [1, 11, 31]


@pytest.mark.parametrize("moved", [True, False])
def test_another_image_in_the_place_of_the_scanned_one_fails_its_slice_alone(
    tmp_path: Path, moved: bool
) -> None:
    stack = stack_of(save_series(tmp_path))
    path = Path(stack.frames[2].path)
    uid = stack.frames[2].sop_instance_uid
    other = slice_of(7, SOPInstanceUID=uid) if moved else slice_of(2, PatientID="P2")
    save(other, tmp_path / "beside").replace(path)
    fill = VolumeFill(stack)
    fill.run()
    assert {k: said.template for k, said in fill.failed.items()} == {2: "The file has changed."}
    assert fill.volume.stored[[0, 1, 3], 0, 0].tolist() == [1, 11, 31]


def test_an_image_that_has_no_place_any_more_fails_its_slice_alone(tmp_path: Path) -> None:
    stack = stack_of(save_series(tmp_path))
    reference = stack.frames[2]
    other = slice_of(2, SOPInstanceUID=reference.sop_instance_uid, ImageOrientationPatient=None)
    save(other, tmp_path / "beside").replace(reference.path)
    fill = VolumeFill(stack)
    fill.run()
    assert {k: said.template for k, said in fill.failed.items()} == {2: "The file has changed."}


def test_a_file_of_other_values_in_the_place_of_the_scanned_one_fails_its_slice_alone(
    tmp_path: Path,
) -> None:
    stack = stack_of(save_series(tmp_path, RescaleIntercept=-1000))
    path = Path(stack.frames[2].path)
    save(slice_of(2, RescaleIntercept=-1024), tmp_path / "beside").replace(path)
    fill = VolumeFill(stack)
    fill.run(first=0)
    assert {k: said.template for k, said in fill.failed.items()} == {2: "The file has changed."}
    assert fill.volume.stored[[0, 1, 3], 0, 0].tolist() == [1, 11, 31]


@pytest.mark.skipif(os.name != "posix", reason="pipes, links and devices as files")
@pytest.mark.parametrize("what", ["pipe", "folder", "neighbour", "itself", "/dev/zero", "nothing"])
def test_whatever_stands_in_the_place_of_a_scanned_file_costs_its_slice_alone(
    tmp_path: Path, what: str
) -> None:
    stack = stack_of(save_series(tmp_path))
    path = Path(stack.frames[2].path)
    path.unlink()
    if what == "pipe":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    elif what != "nothing":
        linked = {"neighbour": stack.frames[1].path, "itself": path}
        path.symlink_to(linked.get(what, what))
    fill = VolumeFill(stack)
    fill.run()
    assert list(fill.failed) == [2]
    assert fill.volume.stored[:, 0, 0].tolist() == [1, 11, 0, 31]


def test_a_file_just_written_where_times_are_whole_seconds_is_not_remembered(
    tmp_path: Path,
) -> None:
    """Another write within the same second would not show."""
    stack = stack_of(save_series(tmp_path))
    reference = stack.frames[1]
    instance = open_instance(reference.path)
    now = time.time_ns() // 10**9 * 10**9
    for age, is_kept in ((0, False), (10**10, True)):
        remembered.forget_all()
        stamp = (instance.size, now - age, now - age, 7)
        remembered.remember([instance._replace(stamp=stamp)], time.time_ns())
        assert (remembered.known_of(reference) is not None) == is_kept


@pytest.mark.parametrize(
    "elements",
    [
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"PresentationLUTShape": "INVERSE"},
        {"BitsStored": 1},
        {"RescaleSlope": None, "RescaleIntercept": None, "ModalityLUTSequence": [Dataset()]},
    ],
    ids=lambda elements: next(iter(elements)),
)
@pytest.mark.parametrize("when", ["while it is filled", "before", "before another scan"])
def test_a_file_that_shows_its_pixels_otherwise_now_fails_its_slice_alone(
    tmp_path: Path, elements: dict[str, object], when: str
) -> None:
    stack = stack_of(save_series(tmp_path, RescaleIntercept=0))
    path = Path(stack.frames[2].path)
    table = next(iter(elements.get("ModalityLUTSequence") or [Dataset()]))
    table.LUTDescriptor, table.ModalityLUTType = [4, 0, 16], "US"
    table.add_new(0x00283006, "OW", bytes(8))
    uid = stack.frames[2].sop_instance_uid
    other = slice_of(2, SOPInstanceUID=uid, RescaleIntercept=0)
    for keyword, value in elements.items():
        delattr(other, keyword) if value is None else setattr(other, keyword, value)
    fill = VolumeFill(stack)
    save(other, tmp_path / "beside").replace(path)
    if when == "before another scan":
        scan([tmp_path])
    if when != "while it is filled":
        fill = VolumeFill(stack)
    fill.run()
    assert {k: said.template for k, said in fill.failed.items()} == {2: "The file has changed."}
    assert fill.volume.stored[[0, 1, 3], 0, 0].tolist() == [1, 11, 31]


def test_a_file_written_to_in_place_is_not_taken_for_the_one_that_was_scanned(
    tmp_path: Path,
) -> None:
    stack = stack_of(save_series(tmp_path))
    path = stack.frames[1].path
    known = remembered.known_of(stack.frames[1])
    assert known is not None
    assert remembered.is_same(path, known)
    with Path(path).open("r+b") as file:
        file.seek(-2, os.SEEK_END)
        file.write(b"\1\1")
    os.utime(path, ns=(1, 1))
    assert not remembered.is_same(path, known)
    assert load_volume(stack).stored[1, -1, -1] == 257


def test_a_file_cut_after_its_header_was_read_fails_its_slice_alone(tmp_path: Path) -> None:
    fill = VolumeFill(stack_of(save_series(tmp_path, PixelPaddingValue=-2000)))
    path = Path(fill.stack.frames[1].path)
    os.truncate(path, path.stat().st_size - 20)
    fill.run(first=0)
    assert list(fill.failed) == [1]
    assert (fill.volume.stored[1] == -2000).all()
    assert fill.volume.stored[[0, 2, 3], 5, 4].tolist() == [1, 21, 31]


def test_a_damaged_stream_leaves_nothing_of_the_slice_before_it(tmp_path: Path) -> None:
    save_packed(tmp_path, count=5, damaged=3)
    fill = VolumeFill(stack_of(tmp_path))
    fill.run(first=2)
    assert list(fill.failed) == [3]
    for k in range(5):
        assert (fill.volume.stored[k] == (0 if k == 3 else 100 * k + 7)).all()


def test_what_is_remembered_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "_MOST", 3)
    monkeypatch.setattr(remembered, "_files", {})
    monkeypatch.setattr(remembered, "_tables", {})
    stack = stack_of(save_series(tmp_path, count=8))
    assert 0 < sum(remembered.known_of(frame) is not None for frame in stack.frames) <= 3
    assert load_volume(stack).stored[:, 0, 0].tolist() == [10 * k + 1 for k in range(8)]


def test_one_plain_picture_needs_no_shared_memory(tmp_path: Path) -> None:
    alone = VolumeFill(stack_of(save_series(tmp_path / "plain", count=1)))
    assert alone.volume.block is None
    assert not alone.volume.stored.any()
    alone.run()
    assert alone.ready.all()
    assert (alone.volume.stored == 1).any()
    packed = VolumeFill(stack_of(save_packed(tmp_path / "packed", count=1)))
    assert packed.volume.block is not None  # its decoder is another process


def test_one_picture_that_cannot_be_read_stays_blank(tmp_path: Path) -> None:
    stack = stack_of(save_series(tmp_path, count=1))
    fill = VolumeFill(stack)
    os.truncate(stack.frames[0].path, 600)
    fill.run()
    assert list(fill.failed) == [0]
    assert not fill.volume.stored.any()


def test_a_volume_closed_while_it_is_filled_harms_nothing(tmp_path: Path) -> None:
    fill = VolumeFill(stack_of(save_series(tmp_path, count=6)))
    block = fill.volume.block
    assert block is not None
    fill.run(first=0, on_slice=lambda _: block.release())
    assert fill.volume.stored[:, 0, 0].tolist() == [1, 11, 21, 31, 41, 51]


def test_a_look_at_another_slice_changes_what_is_read_next(tmp_path: Path) -> None:
    fill = VolumeFill(stack_of(save_series(tmp_path, count=40)))
    fill.look_at(30)
    seen: list[int] = []

    def look_elsewhere(k: int) -> None:
        if not seen:
            fill.look_at(5)
        seen.append(k)

    fill.run(on_slice=look_elsewhere)
    assert seen[0] == 30
    assert max(abs(k - 5) for k in seen[1:4]) <= 4  # one thread may overtake the other
    assert sorted(seen) == list(range(40))
    assert fill.ready.all()


def test_a_look_beyond_the_last_slice_means_the_last_slice() -> None:
    order = Outwards(5, first=99, largest=4)
    assert [order.take() for _ in range(3)] == [[4], [3, 2], [1, 0]]
    order.look_at(-3)
    assert order.take() == []


def test_the_nearest_slices_come_first_on_both_sides() -> None:
    order = Outwards(7, first=2, largest=2)
    assert [order.take() for _ in range(4)] == [[2], [3, 1], [4, 0], [5, 6]]


def test_a_cancelled_fill_says_so_and_keeps_what_is_ready(tmp_path: Path) -> None:
    fill = VolumeFill(stack_of(save_series(tmp_path, count=60)))
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        fill.run(cancel=cancel, first=7, on_slice=lambda _: cancel.cancel())
    assert fill.ready[7]
    assert fill.volume.stored[7, 0, 0] == 71
    assert not fill.ready.all()


def test_philips_own_scale_holds_for_every_slice_of_a_scanned_series(tmp_path: Path) -> None:
    for k in range(4):
        made = slice_of(k, Modality="MR", RescaleSlope=None, RescaleIntercept=None)
        made.add_new(0x20050010, "LO", "Philips MR Imaging DD 001")
        made.add_new(0x2005100D, "FL", 0.0)
        made.add_new(0x2005100E, "FL", 0.25)
        save(made, tmp_path / f"{k}")
    volume = load_volume(stack_of(tmp_path))
    assert volume.per_slice is None
    assert volume.slope == 4.0
