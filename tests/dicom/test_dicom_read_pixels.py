"""Stored values: bits, signs, byte order, colour, compression, and volumes made of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pydicom.data
import pytest
from dicom_read_cases import save, save_series, slice_of
from pydicom import dcmwrite
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian

from medview.core.errors import Cancelled, UnreadableInstance
from medview.core.progress import CancelToken
from medview.core.study import Stack
from medview.core.volume import Volume
from medview.dicom import VolumeFill, load_volume, read_frame, scan
from medview.dicom.instance import open_instance
from medview.dicom.pixels import PixelReader
from medview.dicom.statistics import measure


def stack_of(folder: Path) -> Stack:
    return scan([folder]).patients[0].studies[0].series[0].stacks[0]


def volume_of(folder: Path) -> Volume:
    return load_volume(stack_of(folder))


@pytest.mark.parametrize("implicit", [False, True])
def test_a_volume_keeps_the_stored_type_and_says_the_rescale(
    tmp_path: Path, implicit: bool
) -> None:
    for k in range(3):
        save(slice_of(k), tmp_path / f"{k}.dcm", implicit=implicit)
    volume = volume_of(tmp_path)
    assert volume.stored.dtype == np.int16
    assert volume.block is not None
    assert volume.stored[:, 0, 0].tolist() == [1, 11, 21]
    assert volume.value_at(2, 5, 4) == -979
    assert volume.windows == ((40, 400, ""), (-600, 1500, ""))


@pytest.mark.parametrize("is_big", [True, False])
def test_a_label_of_the_other_byte_order_is_seen_through_and_said(
    tmp_path: Path, is_big: bool
) -> None:
    little, big = ExplicitVRLittleEndian, ExplicitVRBigEndian
    made = slice_of(1, np.arange(30, dtype=np.int16).reshape(6, 5))
    path = save(made, tmp_path / "a.dcm")
    made.file_meta.TransferSyntaxUID = big if is_big else little
    if is_big:
        made.PixelData = np.frombuffer(made.PixelData, "<i2").astype(">i2").tobytes()
    dcmwrite(path, made, implicit_vr=False, little_endian=not is_big)
    true, false = (big, little) if is_big else (little, big)
    path.write_bytes(path.read_bytes().replace(f"{true}\0".encode(), f"{false}\0".encode(), 1))

    stack = stack_of(tmp_path)
    assert load_volume(stack).stored[0].ravel().tolist() == list(range(30))
    assert ["other byte order" in str(note) for note in stack.notes] == [True]


def test_bits_above_the_stored_ones_are_dropped_and_the_sign_is_extended(tmp_path: Path) -> None:
    pixels = np.full((6, 5), 0x4000 | 0x0FFF, np.int16)  # an overlay bit over -1 of 12 bits
    save(slice_of(0, pixels, BitsStored=12, HighBit=11), tmp_path / "a.dcm")
    assert (volume_of(tmp_path).stored == -1).all()


def test_slopes_that_differ_by_slice_are_kept_by_slice(tmp_path: Path) -> None:
    volume = volume_of(save_series(tmp_path, RescaleSlope=lambda k: k + 1, RescaleIntercept=0))
    assert volume.per_slice is not None
    assert volume.value_at(3, 0, 0) == 31 * 4


def test_monochrome1_padding_and_illegal_windows(tmp_path: Path) -> None:
    made = slice_of(0, PhotometricInterpretation="MONOCHROME1", WindowWidth=[0, 1500])
    made.PixelPaddingValue = -2000
    save(made, tmp_path / "a.dcm")
    volume = volume_of(tmp_path)
    assert volume.is_inverted
    assert volume.padding == (-2000, -2000)
    assert volume.windows == ((-600, 1500, ""),)


def test_a_slice_that_cannot_be_read_stays_padding_and_the_rest_goes_on(tmp_path: Path) -> None:
    stack = stack_of(save_series(tmp_path, PixelPaddingValue=-2000))
    Path(stack.frames[1].path).unlink()
    fill = VolumeFill(stack)
    seen: list[int] = []
    fill.run(first=3, on_slice=seen.append)
    assert seen[0] == 3
    assert sorted(seen) == [0, 1, 2, 3]
    assert fill.ready.tolist() == [True, False, True, True]
    assert list(fill.failed) == [1]
    assert fill.failed[1].english().endswith(".")
    assert (fill.volume.stored[1] == -2000).all()
    assert fill.volume.stored[2, 0, 0] == 21


def test_a_file_cut_inside_its_pixels_is_shown_in_part_with_a_note(tmp_path: Path) -> None:
    path = save(slice_of(3), tmp_path / "a.dcm")
    path.write_bytes(path.read_bytes()[:-20])
    stack = stack_of(tmp_path)
    assert "40 of 60 bytes" in stack.notes[0].english()
    stored = load_volume(stack).stored[0]
    assert stored[0, 0] == 31
    assert stored[-1, -1] == 0


def test_a_fill_can_be_stopped_and_keeps_what_is_ready(tmp_path: Path) -> None:
    token = CancelToken()
    fill = VolumeFill(stack_of(save_series(tmp_path, count=9)))
    with pytest.raises(Cancelled):
        fill.run(cancel=token, first=5, on_slice=lambda _: token.cancel())
    assert fill.ready[5]


def test_one_frame_lies_where_it_lies_in_the_stack(tmp_path: Path) -> None:
    stack = stack_of(save_series(tmp_path))
    single = read_frame(stack, 2)
    assert single.stored.shape == (1, 6, 5)
    assert single.stored[0, 0, 0] == 21
    assert tuple(single.geometry.origin) == (-10, -20, 4)


def test_a_stack_whose_files_are_gone_is_refused_in_words(tmp_path: Path) -> None:
    stack = stack_of(save_series(tmp_path))
    for frame in stack.frames:
        Path(frame.path).unlink()
    with pytest.raises(UnreadableInstance):
        load_volume(stack)


REAL = (
    "transfer-syntax/ct-explicit-be.dcm", "transfer-syntax/ct-deflated.dcm",
    "transfer-syntax/ct-rle.dcm", "transfer-syntax/ct-jpeg-lossless-57.dcm",
    "transfer-syntax/ct-jpegls-80.dcm", "transfer-syntax/ct-j2k-lossless-90.dcm",
    "transfer-syntax/rgb-htj2k-lossless-201.dcm", "transfer-syntax/rgb-jpegls-ilv0.dcm",
    "pixel-kinds/int14-signed.dcm", "pixel-kinds/rgb-odd-3x3-be.dcm", "pixel-kinds/rgb16.dcm",
    "pixel-kinds/jpegls-15of16-signed.dcm", "pixel-kinds/float64-map.dcm",
    "pixel-kinds/palette16.dcm",
    "cr-dx/rg2-jpeg12.dcm", "enhanced/mr-small-j2k.dcm", "us/palette16-aloka-be.dcm",
)  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_stored_values_are_those_that_other_readers_agree_on(imaging_data: Path, name: str) -> None:
    fact = json.loads((imaging_data / "expected.json").read_text())["files"][name]
    found = measure(str(imaging_data / name)).stored_json()
    assert found["shape"] == fact["stored"]["shape"]
    assert found["dtype"] == fact["stored"]["dtype"]
    if fact.get("lossy"):
        assert found["mean"] == pytest.approx(fact["stored"]["mean"], abs=1)
    else:
        assert found["sha256"] == fact["stored"]["sha256"]


COLOURED = (
    "us/palette.dcm", "us/ybr-full-rle-planar.dcm", "us/j2k-rct.dcm", "us/palette-rle-10frames.dcm",
    "us/cine-ybr422-jpeg-30frames.dcm", "pixel-kinds/ybr-full-422.dcm", "pixel-kinds/palette8.dcm",
    "pixel-kinds/jpeg-rgb-app14.dcm", "pixel-kinds/jpeg-rgb-no-transform.dcm",
    "pixel-kinds/jpeg-rgb-really-rgb.dcm", "pixel-kinds/jpeg-ybr-411.dcm",
    "pixel-kinds/rgb-planar1.dcm", "us/palette16-aloka-be.dcm", "pixel-kinds/rgb16.dcm",
    "transfer-syntax/vl-j2k-ict.dcm", "pixel-kinds/j2k-gbr.dcm", "odd/icon-before-image.dcm",
)  # fmt: skip


@pytest.mark.parametrize("name", COLOURED)
def test_colours_are_those_that_other_readers_show(imaging_data: Path, name: str) -> None:
    fact = json.loads((imaging_data / "expected.json").read_text())["files"][name]
    want = (fact.get("rgb_mean_first_frame") or {}).get("mean")
    if want is None:
        pytest.skip("readers do not agree on its colours")
    volume = volume_of(imaging_data / name)
    assert volume.is_colour
    assert volume.stored[0].mean(axis=(0, 1)) == pytest.approx(want, abs=3)


def test_a_jpeg_with_half_an_adobe_marker_has_the_colours_that_the_header_says() -> None:
    """libjpeg passes over a marker that is too short and would guess YCbCr."""
    file = Path(pydicom.data.__file__).parent / "test_files" / "SC_rgb_jpeg.dcm"
    with PixelReader(open_instance(str(file))) as reader:
        assert reader.stored(0).values[5, 128].tolist() == [244, 244, 244]


def test_video_is_refused_by_its_name(imaging_data: Path) -> None:
    found = scan([imaging_data / "transfer-syntax" / "made-mpeg4-stub-102.dcm"])
    assert "MPEG-4" in found.unreadable[0].reason


def test_a_real_modality_table_is_applied(imaging_data: Path) -> None:
    volume = volume_of(imaging_data / "lut-overlay" / "modality-lut.dcm")
    assert volume.slope == 1
    assert volume.stored.dtype.kind == "u"
