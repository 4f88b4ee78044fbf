"""Pixel kinds for which no real file is at hand: made here, their values known beforehand."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from dicom_read_cases import save, slice_of
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_color_lut, convert_color_space
from pydicom.uid import UID

from medview.core.errors import UnreadableInstance
from medview.core.volume import Volume
from medview.dicom import load_volume, scan
from medview.dicom.frames import frames_of
from medview.dicom.instance import open_instance
from medview.dicom.pixels import PixelReader
from medview.dicom.statistics import measure

RANDOM = np.random.default_rng(7)
CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def stored_of(path: Path) -> np.ndarray:
    with PixelReader(open_instance(str(path))) as reader:
        frames = range(reader.form.frames)
        return np.stack([np.array(reader.stored(index).values) for index in frames])


def volume_of(path: Path) -> Volume:
    return load_volume(scan([path]).patients[0].studies[0].series[0].stacks[0])


def colour(values: np.ndarray, photometric: str, **elements: Any) -> Dataset:
    """A secondary capture of [rows, columns, samples] or of given bytes."""
    made = slice_of(0, np.zeros(values.shape[:2], values.dtype), SOPClassUID=CAPTURE, Modality="OT")
    made.SamplesPerPixel, made.PhotometricInterpretation = values.shape[2], photometric
    made.PlanarConfiguration = 0
    raw = values.tobytes()
    made.PixelData = raw + b"\0" * (len(raw) % 2)
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    return made


def compressed(made: Dataset, stream: bytes, syntax: str, path: Path) -> Path:
    """The same with its pixels in one fragment, in the file's words of that syntax."""
    made.PixelData = encapsulate([stream])
    made["PixelData"].VR = "OB"
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = UID(syntax)
    made.save_as(path, implicit_vr=False, little_endian=True, enforce_file_format=True)
    return path


@pytest.mark.parametrize("allocated", [1, 2, 4, 7, 10, 12, 20, 24, 31])
def test_pixels_that_end_inside_bytes_are_unpacked(tmp_path: Path, allocated: int) -> None:
    wanted = RANDOM.integers(0, 1 << allocated, (3, 5, 7))
    number = sum(int(v) << (n * allocated) for n, v in enumerate(wanted.ravel()))
    size = (wanted.size * allocated + 7) // 8
    made = slice_of(0, np.zeros((5, 7), np.uint8), NumberOfFrames=3, BitsAllocated=allocated)
    made.BitsStored, made.HighBit = allocated, allocated - 1
    made.PixelData = number.to_bytes(size + size % 2, "little")
    stored = stored_of(save(made, tmp_path / "a.dcm"))
    assert np.array_equal(stored, wanted)


@pytest.mark.parametrize("allocated", [8, 16, 32])
@pytest.mark.parametrize("is_signed", [False, True])
def test_every_number_of_stored_bits_keeps_its_sign_and_drops_the_rest(
    tmp_path: Path, allocated: int, is_signed: bool
) -> None:
    for bits in range(1, allocated + 1):
        low = -(1 << (bits - 1)) if is_signed else 0
        wanted = RANDOM.integers(low, low + (1 << bits), (4, 6))
        noise = RANDOM.integers(0, 1 << (allocated - bits), (4, 6)) << bits
        words = ((wanted & ((1 << bits) - 1)) | noise).astype(f"u{allocated // 8}")
        made = slice_of(0, words, BitsStored=bits, HighBit=bits - 1)
        made.PixelRepresentation = int(is_signed)
        assert np.array_equal(stored_of(save(made, tmp_path / "a.dcm"))[0], wanted), bits


def test_values_in_the_upper_bits_come_down(tmp_path: Path) -> None:
    wanted = RANDOM.integers(-512, 512, (4, 6))
    words = (wanted << 6).astype(np.int16)
    made = slice_of(0, words, BitsStored=10, HighBit=15)
    assert np.array_equal(stored_of(save(made, tmp_path / "a.dcm"))[0], wanted)


def test_doubles_keep_every_bit_and_their_padding_is_no_value(tmp_path: Path) -> None:
    wanted = RANDOM.normal(0, 1e-200, (6, 5))
    wanted[0, 0] = -1e300
    made = slice_of(0, np.zeros((6, 5), np.uint16), RescaleIntercept=0)
    made.DoubleFloatPixelData, made.BitsAllocated = wanted.tobytes(), 64
    made.DoubleFloatPixelPaddingValue = -1e299
    made.DoubleFloatPixelPaddingRangeLimit = -9.9e299
    del made.PixelData
    wanted[0, 0] = -5e299
    made.DoubleFloatPixelData = wanted.tobytes()
    path = save(made, tmp_path / "a.dcm")
    assert stored_of(path)[0].tobytes() == wanted.tobytes()
    volume = volume_of(path)
    assert volume.value_at(0, 0, 0) is None
    assert volume.value_at(0, 1, 1) == wanted[1, 1]


def test_ybr_partial_422_is_shown_in_its_colours(tmp_path: Path) -> None:
    # PS3.3 C.7.6.3.1.2: white is Y 235, black Y 16; red by the equations of CCIR 601.
    pixels = {"white": (235, 128, 128), "black": (16, 128, 128), "red": (81, 90, 240)}
    row = np.array(
        [[y, y, blue, red] for y, blue, red in pixels.values()], np.uint8
    ).ravel()  # two pixels share one blue and one red
    made = colour(np.zeros((2, 6, 3), np.uint8), "YBR_PARTIAL_422")
    made.PixelData = np.tile(row, 2).tobytes()
    shown = volume_of(save(made, tmp_path / "a.dcm")).stored[0, 0]
    assert shown[0].tolist() == [255, 255, 255]
    assert shown[2].tolist() == [0, 0, 0]
    assert np.abs(shown[4].astype(int) - [254, 0, 0]).max() <= 1


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
def test_colour_by_pixel_and_by_plane_are_one_picture(
    tmp_path: Path, planar: int, photometric: str
) -> None:
    values = RANDOM.integers(0, 256, (6, 5, 3)).astype(np.uint8)
    made = colour(values, photometric, PlanarConfiguration=planar)
    laid = np.moveaxis(values, 2, 0) if planar else values
    made.PixelData = np.ascontiguousarray(laid).tobytes()
    shown = volume_of(save(made, tmp_path / "a.dcm")).stored[0]
    wanted = values if photometric == "RGB" else convert_color_space(values, "YBR_FULL", "RGB")
    assert np.abs(shown.astype(int) - wanted).max() <= (photometric != "RGB")


@pytest.mark.parametrize("columns", [6, 7])
def test_colour_in_full_under_the_name_of_half_is_shown_whole_and_said(
    tmp_path: Path, columns: int
) -> None:
    values = RANDOM.integers(0, 256, (5, columns, 3)).astype(np.uint8)
    path = save(colour(values, "YBR_FULL_422"), tmp_path / "a.dcm")
    wanted = convert_color_space(values, "YBR_FULL", "RGB").astype(int)
    assert np.abs(volume_of(path).stored[0] - wanted).max() <= 1
    notes = scan([path]).patients[0].studies[0].series[0].stacks[0].notes
    assert "shown as YBR_FULL" in " ".join(note.english() for note in notes)


def test_ybr_full_422_gives_two_pixels_one_colour(tmp_path: Path) -> None:
    y = RANDOM.integers(0, 256, (4, 6)).astype(np.uint8)
    chroma = RANDOM.integers(0, 256, (4, 3, 2)).astype(np.uint8)
    full = np.dstack((y, np.repeat(chroma, 2, axis=1)))
    packed = np.dstack((y[:, 0::2], y[:, 1::2], chroma))
    made = colour(full, "YBR_FULL_422")
    made.PixelData = packed.tobytes()
    shown = volume_of(save(made, tmp_path / "a.dcm")).stored[0]
    wanted = convert_color_space(full, "YBR_FULL", "RGB").astype(int)
    assert np.abs(shown - wanted).max() <= 1


@pytest.mark.parametrize(
    ("photometric", "stored", "wanted"),
    [
        ("ARGB", (9, 10, 20, 30), (10, 20, 30)),
        ("CMYK", (0, 255, 255, 0), (255, 0, 0)),
        ("CMYK", (0, 0, 0, 255), (0, 0, 0)),
    ],
)
def test_retired_colours_of_four_samples_are_shown(
    tmp_path: Path, photometric: str, stored: tuple[int, ...], wanted: tuple[int, ...]
) -> None:
    values = np.tile(np.array(stored, np.uint8), (4, 6, 1))
    shown = volume_of(save(colour(values, photometric), tmp_path / "a.dcm")).stored
    assert (shown == wanted).all()


@pytest.mark.parametrize("photometric", ["HSV", "YBR_PARTIAL_420"])
def test_kinds_that_cannot_be_shown_are_refused_by_name(tmp_path: Path, photometric: str) -> None:
    path = save(colour(np.zeros((4, 6, 3), np.uint8), photometric), tmp_path / "a.dcm")
    with pytest.raises(UnreadableInstance, match=photometric):
        stored_of(path)


def _smooth(dtype: type, bits: int, samples: int = 3) -> np.ndarray:
    ramp = np.linspace(0, (1 << bits) - 1, 40 * 24 * samples).reshape(40, 24, samples)
    return np.squeeze(ramp.astype(dtype))


@pytest.mark.parametrize("photometric", ["YBR_RCT", "YBR_ICT"])
def test_jpeg_2000_colours_come_back_from_their_transform(tmp_path: Path, photometric: str) -> None:
    values = _smooth(np.uint8, 8)
    is_exact = photometric == "YBR_RCT"
    stream = imagecodecs.jpeg2k_encode(
        values, level=0 if is_exact else 60, codecformat="j2k", colorspace="RGB",
        reversible=is_exact, mct=True,
    )  # fmt: skip
    syntax = f"1.2.840.10008.1.2.4.{90 if is_exact else 91}"
    path = compressed(colour(values, photometric), stream, syntax, tmp_path / "a.dcm")
    difference = np.abs(volume_of(path).stored[0].astype(int) - values).max()
    assert difference == 0 if is_exact else difference <= 3


KINDS = ((np.uint8, 8, 3), (np.uint8, 8, 1), (np.uint16, 12, 1), (np.uint16, 16, 1))


@pytest.mark.parametrize(("dtype", "bits", "samples"), KINDS)
def test_jpeg_xl_without_loss_is_exact(
    tmp_path: Path, dtype: type, bits: int, samples: int
) -> None:
    values = _smooth(dtype, bits, samples)
    stream = imagecodecs.jpegxl_encode(values, lossless=True)
    made = (
        colour(values, "RGB") if samples == 3
        else slice_of(0, values, BitsStored=bits, HighBit=bits - 1)
    )  # fmt: skip
    path = compressed(made, stream, "1.2.840.10008.1.2.4.201", tmp_path / "a.dcm")
    # pydicom 3.0 does not know the UID and so does not write it.
    path.write_bytes(path.read_bytes().replace(b"1.2.4.201", b"1.2.4.110"))
    assert np.array_equal(stored_of(path)[0], values)


@pytest.mark.parametrize(("syntax", "is_jpeg"), [("111", True), ("112", False)])
def test_jpeg_xl_made_of_jpeg_or_with_loss_is_shown(
    tmp_path: Path, syntax: str, is_jpeg: bool
) -> None:
    values = _smooth(np.uint8, 8)
    jpeg = imagecodecs.jpeg_encode(values, level=98, subsampling="444")
    stream = (
        imagecodecs.jpegxl_encode_jpeg(jpeg) if is_jpeg
        else imagecodecs.jpegxl_encode(values, distance=0.5)
    )  # fmt: skip
    path = compressed(colour(values, "RGB"), stream, "1.2.840.10008.1.2.4.201", tmp_path / "a.dcm")
    path.write_bytes(path.read_bytes().replace(b"1.2.4.201", f"1.2.4.{syntax}".encode()))

    shown = volume_of(path).stored[0].astype(int)
    assert np.abs(shown - (imagecodecs.jpeg_decode(jpeg) if is_jpeg else values)).mean() < 3


@pytest.mark.parametrize("syntax", ["4.52", "4.54", "4.56", "4.58", "4.92", "4.93"])
def test_compressions_without_a_decoder_are_refused_by_name(tmp_path: Path, syntax: str) -> None:
    made = slice_of(0, np.zeros((4, 6), np.uint8))
    path = compressed(made, b"\xff\xd8\xff\xd9", "1.2.840.10008.1.2.4.90", tmp_path / "a.dcm")
    path.write_bytes(path.read_bytes().replace(b"1.2.4.90", f"1.2.{syntax}".encode()))

    found = scan([path])
    assert found.patients == ()
    assert f"1.2.840.10008.1.2.{syntax}" in found.unreadable[0].reason


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.94", "1.2.840.10008.1.2.4.204"])
def test_pixels_that_stand_on_a_server_are_not_called_lost(tmp_path: Path, syntax: str) -> None:
    made = slice_of(0, PixelDataProviderURL="http://archive.example/picture")
    del made.PixelData
    path = save(made, tmp_path / "a.dcm")
    made.file_meta.TransferSyntaxUID = syntax
    made.save_as(path, implicit_vr=False, little_endian=True)

    (note,) = scan([path]).unreadable
    assert note.reason == "The pixels stand on a server (JPIP), and MedView reads files only."
    assert str(note.advice) == "Have the archive send the pictures themselves."


@pytest.mark.parametrize("syntax", ["201", "202"])
def test_htj2k_without_loss_is_exact(tmp_path: Path, syntax: str) -> None:
    values = _smooth(np.uint16, 14, 1)
    stream = imagecodecs.htj2k_encode(values, reversible=True)
    made = slice_of(0, values, BitsStored=14, HighBit=13)
    path = compressed(made, stream, f"1.2.840.10008.1.2.4.{syntax}", tmp_path / "a.dcm")
    assert np.array_equal(stored_of(path)[0], values)


def test_compressed_pixels_of_stated_length_are_no_raw_values(tmp_path: Path) -> None:
    values = _smooth(np.uint16, 12, 1)
    stream = imagecodecs.jpegls_encode(values)
    made = slice_of(0, values, BitsStored=12, HighBit=11)
    path = compressed(made, stream, "1.2.840.10008.1.2.4.80", tmp_path / "a.dcm")
    raw = path.read_bytes()
    at = raw.index(b"\xe0\x7f\x10\x00OB\0\0") + 8
    path.write_bytes(raw[:at] + (len(raw) - at - 4).to_bytes(4, "little") + raw[at + 4 :])
    assert np.array_equal(stored_of(path)[0], values)


def test_bits_in_run_lengths_are_unpacked(tmp_path: Path) -> None:
    wanted = RANDOM.integers(0, 2, (5, 7)).astype(np.uint8)
    packed = np.packbits(wanted, axis=None, bitorder="little").tobytes()
    literal = bytes([len(packed) - 1]) + packed
    stream = b"\1\0\0\0" + (64).to_bytes(4, "little") + b"\0" * 56 + literal
    made = slice_of(0, np.zeros((5, 7), np.uint8), BitsAllocated=1, BitsStored=1, HighBit=0)
    path = compressed(made, stream + b"\0" * (len(stream) % 2), "1.2.840.10008.1.2.5",
                      tmp_path / "a.dcm")  # fmt: skip
    assert np.array_equal(stored_of(path)[0], wanted)


def _segmented(made: Dataset, words: int = 14) -> None:
    """16-bit tables by discrete, linear and indirect segments (PS3.3 C.7.9.2)."""
    data = np.array([0, 2, 0, 1000, 1, 2, 3000, 1, 4, 65535, 2, 2, 8, 0], np.uint16)[:words]
    count = 14 if words == 14 else 8
    for name in ("Red", "Green", "Blue"):
        setattr(made, f"{name}PaletteColorLookupTableDescriptor", [count, 0, 16])
        setattr(made, f"Segmented{name}PaletteColorLookupTableData", data.tobytes())


def test_a_segmented_palette_of_16_bits_is_unrolled(tmp_path: Path) -> None:
    # discrete 0 1000; linear to 3000 in 2; linear to 65535 in 4; the two linear ones again.
    table = np.array([0, 1000, 2000, 3000, 18634, 34268, 49901, 65535, 34268, 3000,
                      18634, 34268, 49901, 65535])  # fmt: skip
    index = np.arange(14, dtype=np.uint16).reshape(2, 7)
    made = slice_of(0, index, SOPClassUID=CAPTURE, PhotometricInterpretation="PALETTE COLOR")
    _segmented(made)
    shown = volume_of(save(made, tmp_path / "a.dcm")).stored[0, ..., 0].ravel()
    assert shown.tolist() == (table >> 8).tolist()


def test_a_segmented_palette_without_indirect_segments_is_pydicoms(tmp_path: Path) -> None:
    # pydicom 3.0 takes the byte offset of 16-bit indirect segments for one of words.
    index = np.arange(8, dtype=np.uint16).reshape(2, 4)
    made = slice_of(0, index, SOPClassUID=CAPTURE, PhotometricInterpretation="PALETTE COLOR")
    _segmented(made, words=10)
    shown = volume_of(save(made, tmp_path / "a.dcm")).stored[0]
    assert np.abs(shown.astype(int) - (apply_color_lut(index, made) >> 8)).max() <= 1


def test_a_modality_table_maps_and_holds_its_ends(tmp_path: Path) -> None:
    made = slice_of(0, np.array([[-5, -2, -1], [0, 1, 9]], np.int16), Modality="OT")
    item = Dataset()
    item.add_new(0x00283002, "SS", [4, -2, 16])
    item.add_new(0x00283006, "US", [100, 200, 400, 65000])
    item.ModalityLUTType = "US"
    made.ModalityLUTSequence = [item]
    del made.RescaleSlope, made.RescaleIntercept
    volume = volume_of(save(made, tmp_path / "a.dcm"))
    assert volume.values(0).tolist() == [[100, 100, 200], [400, 65000, 65000]]


def _philips(made: Dataset, slope: float, intercept: float) -> Dataset:
    made.Modality, made.SOPClassUID = "MR", "1.2.840.10008.5.1.4.1.1.4"
    block = made.private_block(0x2005, "Philips MR Imaging DD 001", create=True)
    block.add_new(0x0D, "FL", intercept)
    block.add_new(0x0E, "FL", slope)
    return made


def test_philips_own_scale_holds_where_the_standard_one_is_absent(tmp_path: Path) -> None:
    made = _philips(slice_of(0, RescaleSlope=None, RescaleIntercept=None), 0.5, 3.0)
    assert volume_of(save(made, tmp_path / "a.dcm")).value_at(0, 0, 0) == (1 - 3) / 0.5


def test_the_standard_rescale_comes_before_philips_own(tmp_path: Path) -> None:
    made = _philips(slice_of(0, RescaleSlope=2, RescaleIntercept=7), 0.5, 3.0)
    assert volume_of(save(made, tmp_path / "a.dcm")).value_at(0, 0, 0) == 1 * 2 + 7


ENHANCED = {
    "XA": "1.2.840.10008.5.1.4.1.1.12.1.1",
    "US": "1.2.840.10008.5.1.4.1.1.6.2",
    "PT": "1.2.840.10008.5.1.4.1.1.130",
}


def enhanced(modality: str, *, shared: bool) -> Dataset:
    """Three frames with windows of their own or one for all, and no place in the patient."""
    made = slice_of(0, np.zeros((4, 6), np.uint16), Modality=modality,
                    SOPClassUID=ENHANCED[modality], NumberOfFrames=3)  # fmt: skip
    made.PixelData = np.arange(72, dtype=np.uint16).tobytes()
    for keyword in ("WindowCenter", "WindowWidth", "RescaleSlope", "RescaleIntercept",
                    "ImagePositionPatient", "ImageOrientationPatient"):  # fmt: skip
        delattr(made, keyword)
    groups = []
    for n in range(3):
        voi, change, group = Dataset(), Dataset(), Dataset()
        voi.WindowCenter, voi.WindowWidth = 10.0 * (n + 1), 20
        voi.VOILUTFunction = "SIGMOID"
        change.RescaleSlope, change.RescaleIntercept, change.RescaleType = n + 1, 5 * n, "US"
        group.FrameVOILUTSequence, group.PixelValueTransformationSequence = [voi], [change]
        groups.append(group)
    made.SharedFunctionalGroupsSequence = groups[:1] if shared else [Dataset()]
    made.PerFrameFunctionalGroupsSequence = [Dataset() for _ in range(3)] if shared else groups
    return made


@pytest.mark.parametrize("modality", ENHANCED)
def test_frames_of_enhanced_objects_have_their_own_rescale_and_window(
    tmp_path: Path, modality: str
) -> None:
    volume = volume_of(save(enhanced(modality, shared=False), tmp_path / "a.dcm"))
    assert volume.value_at(2, 0, 1) == 49 * 3 + 10
    assert [own[0][0] for own in volume.slice_windows] == [10, 20, 30]
    assert volume.voi_function == "SIGMOID"


@pytest.mark.parametrize("modality", ENHANCED)
def test_shared_groups_speak_for_every_frame(tmp_path: Path, modality: str) -> None:
    path = save(enhanced(modality, shared=True), tmp_path / "a.dcm")
    volume = volume_of(path)
    assert volume.windows == ((10, 20, ""),)
    assert volume.slice_windows == ()
    assert len(frames_of(open_instance(str(path)))) == 3


def test_a_lossless_jpeg_that_writers_get_wrong_is_shown_with_a_note(imaging_data: Path) -> None:
    torn, whole = (
        scan([imaging_data / name]).patients[0].studies[0].series[0].stacks[0]
        for name in ("odd/jpeg-lossless-bad.dcm", "transfer-syntax/ct-jpeg-lossless-57.dcm")
    )
    assert [note for note in torn.notes if "torn" in note.english()]
    assert not whole.notes


def test_padding_is_left_out_of_a_stacks_range(tmp_path: Path) -> None:
    pixels = np.array([[-2000, -2000, 5], [7, 9, -2000]], np.int16)
    path = save(slice_of(0, pixels, PixelPaddingValue=-2000), tmp_path / "a.dcm")
    found = measure(str(path))
    assert found.frame_ranges == ((5 - 1000, 9 - 1000),)
    assert found.minimum == -2000


def test_a_dark_channel_of_a_16_bit_palette_stays_dark(tmp_path: Path) -> None:
    made = slice_of(0, np.arange(4, dtype=np.uint8).reshape(2, 2), SOPClassUID=CAPTURE,
                    PhotometricInterpretation="PALETTE COLOR")  # fmt: skip
    tables = {"Red": [0, 200, 100, 65535], "Green": [0, 9, 200, 255], "Blue": [0, 0, 65535, 9]}
    for name, entries in tables.items():
        setattr(made, f"{name}PaletteColorLookupTableDescriptor", [4, 0, 16])
        raw = np.array(entries, np.uint16).tobytes()
        setattr(made, f"{name}PaletteColorLookupTableData", raw)
    shown = volume_of(save(made, tmp_path / "a.dcm")).stored[0].reshape(4, 3)
    assert shown.tolist() == [[0, 0, 0], [0, 0, 0], [0, 0, 255], [255, 0, 0]]


def test_a_segmented_palette_of_bytes_is_unrolled(tmp_path: Path) -> None:
    # discrete 0 10; linear to 30 in 2; the linear one again, which stands at byte 4.
    data = bytes([0, 2, 0, 10, 1, 2, 30, 2, 1, 4, 0, 0, 0, 0])
    made = slice_of(0, np.arange(6, dtype=np.uint8).reshape(2, 3), SOPClassUID=CAPTURE,
                    PhotometricInterpretation="PALETTE COLOR")  # fmt: skip
    for name in ("Red", "Green", "Blue"):
        setattr(made, f"{name}PaletteColorLookupTableDescriptor", [6, 0, 8])
        setattr(made, f"Segmented{name}PaletteColorLookupTableData", data)
    shown = volume_of(save(made, tmp_path / "a.dcm")).stored[0, ..., 0]
    assert shown.tolist() == [[0, 10, 20], [30, 30, 30]]


def test_frames_in_several_fragments_are_told_apart_by_the_extended_table(tmp_path: Path) -> None:
    values = [_smooth(np.uint16, 12, 1), _smooth(np.uint16, 12, 1)[::-1].copy()]
    streams = [imagecodecs.jpegls_encode(each) for each in values]
    halves = [half for s in streams for half in (s[: len(s) // 4 * 2], s[len(s) // 4 * 2 :])]
    made = slice_of(0, values[0], BitsStored=12, HighBit=11, NumberOfFrames=2)
    path = compressed(made, streams[0], "1.2.840.10008.1.2.4.80", tmp_path / "a.dcm")
    items = [half + b"\0" * (len(half) % 2) for half in halves]
    starts = np.cumsum([0, *(len(item) + 8 for item in items)])
    made.ExtendedOffsetTable = np.array(starts[[0, 2]], np.uint64).tobytes()
    made.ExtendedOffsetTableLengths = np.zeros(2, np.uint64).tobytes()
    made.PixelData = b"\xfe\xff\x00\xe0\0\0\0\0" + b"".join(
        b"\xfe\xff\x00\xe0" + len(item).to_bytes(4, "little") + item for item in items
    )
    made.save_as(path, implicit_vr=False, little_endian=True, enforce_file_format=True)
    assert np.array_equal(stored_of(path), np.stack(values))


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
def test_lossless_jpeg_of_colour_keeps_every_sample(tmp_path: Path, photometric: str) -> None:
    values = RANDOM.integers(0, 256, (24, 40, 3)).astype(np.uint8)
    stream = imagecodecs.jpeg8_encode(
        values, lossless=True, predictor=1, colorspace="RGB", outcolorspace="RGB"
    )
    path = compressed(colour(values, photometric), stream, "1.2.840.10008.1.2.4.70",
                      tmp_path / "a.dcm")  # fmt: skip
    assert np.array_equal(stored_of(path)[0], values)


def test_tables_of_odd_bytes_and_impossible_numbers_stop_nothing(tmp_path: Path) -> None:
    made, item, other = slice_of(0), Dataset(), Dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns of what is wrong here on purpose
        item.add_new(0x00283002, "FD", [float("inf"), 0.0, 16.0])
        item.add_new(0x00283006, "OB", b"\1\2\3\4")
        other.add_new(0x00283002, "US", [3, 0, 16])
        other.add_new(0x00283006, "OB", b"\1\2\3")
        made.VOILUTSequence = [item, other]
        made.add_new(0x60000010, "FD", float("inf"))
        made.add_new(0x60000011, "US", 5)
        path = save(made, tmp_path / "a.dcm")
    volume = volume_of(path)
    assert volume.stored[0, 0, 0] == 1
    assert volume.graphics == {}
