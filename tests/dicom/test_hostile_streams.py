"""What damaged files did to native code and to whole runs, each find once."""

from __future__ import annotations

import json
import resource
import struct
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from medview.cli.main import main
from medview.core.errors import UnreadableInstance, WriteFailed
from medview.dicom import fill_of, scan, write_volume
from medview.dicom.anonymize import Decision, Export, Options, Secret, export, survey
from medview.dicom.codecs import decode
from medview.dicom.pixel_format import PixelFormat

RLE = "1.2.840.10008.1.2.5"


def run_lengths(*segments: bytes, offsets: tuple[int, ...] = ()) -> bytes:
    """A frame of PS3.5 G.5 with true offsets, or with those that are given."""
    at, places = 64, []
    for segment in segments:
        places.append(at)
        at += len(segment)
    places = list(offsets) or places
    head = struct.pack("<16I", len(segments), *places, *[0] * (15 - len(places)))
    return head + b"".join(segments)


def form(rows: int, columns: int, bits: int = 8, samples: int = 1) -> PixelFormat:
    return PixelFormat(
        rows=rows, columns=columns, frames=1, samples=samples, bits_allocated=bits,
        bits_stored=bits, high_bit=bits - 1, is_signed=False, is_planar=False,
        photometric="RGB" if samples == 3 else "MONOCHROME2",
    )  # fmt: skip


# In this process the first of them ended the test run with a segmentation fault.
@pytest.mark.parametrize(
    "offsets", [(64, 1 << 31), (0x31323030, 64), (64, 64), (70, 66), (12, 64), (64, 4096)]
)
def test_run_lengths_that_point_astray_never_reach_the_decoder(offsets: tuple[int, ...]) -> None:
    segment = bytes(imagecodecs.packbits_encode(bytes(range(40))))
    with pytest.raises(UnreadableInstance):
        decode(RLE, run_lengths(segment, segment, offsets=offsets), form(4, 10, bits=16))
    with pytest.raises(UnreadableInstance):
        decode(RLE, run_lengths(segment)[:30], form(4, 10))


def test_segments_longer_than_the_picture_leave_every_plane_in_its_place() -> None:
    planes = np.arange(3 * 40, dtype=np.uint8).reshape(3, 40)
    longer = (bytes(imagecodecs.packbits_encode(p.tobytes() + b"\7\7")) for p in planes)
    found = decode(RLE, run_lengths(*longer), form(4, 10, samples=3)).values
    assert (np.moveaxis(found, 2, 0).reshape(3, 40) == planes).all()


def test_a_transfer_syntax_of_strange_letters_costs_its_file_alone(
    imaging_data: Path, tmp_path: Path
) -> None:
    source, folder = imaging_data / "ct" / "ct-small.dcm", tmp_path / "in"
    folder.mkdir()
    (folder / "a.dcm").write_bytes(source.read_bytes())
    data = source.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.1000\xe9.1.2.1\0", 1)
    (folder / "b.dcm").write_bytes(data)
    how = Export(options=Options(), secret=Secret(b"k" * 32), burned_in=Decision.KEEP)
    done = export(survey([folder]), tmp_path / "out", how)
    assert len(done.copies) + len(done.left_out) == 2
    assert any(Path(path).name == "a.dcm" for path, _ in done.copies)


def test_nrrd_says_the_same_as_itk_would(imaging_data: Path, tmp_path: Path) -> None:
    for folder in ("brain-t1-post", "rgb-secondary-capture-stack"):
        for ending in ("nrrd", "mha"):
            out = tmp_path / f"out.{ending}"
            command = ["convert", "--quiet", str(imaging_data / "mr" / folder), "--out", str(out)]
            assert main(command) == 0
        ours, itk = (sitk.ReadImage(tmp_path / f"out.{ending}") for ending in ("nrrd", "mha"))
        assert ours.GetPixelIDTypeAsString() == itk.GetPixelIDTypeAsString()
        assert (sitk.GetArrayFromImage(ours) == sitk.GetArrayFromImage(itk)).all()
        for what in ("GetSpacing", "GetOrigin", "GetDirection"):
            assert getattr(ours, what)() == pytest.approx(getattr(itk, what)(), abs=1e-6)


def test_a_full_disk_ends_a_nrrd_file_with_a_sentence(imaging_data: Path, tmp_path: Path) -> None:
    fill = fill_of(
        scan([imaging_data / "ct" / "head-small"]).patients[0].studies[0].series[0].stacks[0]
    )
    fill.run()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))  # ITK never came back from this
    try:
        with pytest.raises(WriteFailed, match="could not be written"):
            write_volume(fill.volume, tmp_path / "out.nrrd")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.iterdir())


def test_maps_with_unknown_values_give_json_that_everyone_reads(
    imaging_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = dcmread(imaging_data / "ct" / "ct-small.dcm")
    values = np.arange(128 * 128, dtype=np.float32)
    values[:3] = np.nan, np.inf, -np.inf
    del made.PixelData, made.PixelRepresentation, made.BitsStored, made.HighBit
    made.BitsAllocated, made.FloatPixelData = 32, values.tobytes()
    made.save_as(tmp_path / "map.dcm")

    assert main(["info", "--json", "--pixels", "--files", "--quiet", str(tmp_path)]) == 0

    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    (stack,) = found["patients"][0]["studies"][0]["series"][0]["stacks"]
    stored = stack["files"][0]["stored"]
    assert (stored["min"], stored["max"]) == (3, 16383)


@pytest.mark.parametrize(
    ("change", "unit", "said"),
    [
        ({"RescaleIntercept": None}, "", "Rescale Intercept is missing"),
        ({"RescaleSlope": "0"}, "", "Rescale Slope is 0"),
        ({"RescaleSlope": "1e400"}, "", "RescaleSlope is not a number"),
        ({"Rows": 64}, "HU", "more pixels than its header says: 16384 of 32768"),
        ({}, "HU", ""),
    ],
)
def test_what_cannot_be_right_is_said_and_has_no_unit(
    imaging_data: Path, tmp_path: Path, change: dict[str, object], unit: str, said: str
) -> None:
    made = dcmread(imaging_data / "ct" / "ct-small.dcm")
    for keyword, value in change.items():
        if value is None:
            delattr(made, keyword)
        elif isinstance(value, str):
            made[keyword] = RawDataElement(
                Tag(keyword), "DS", len(value), value.encode(), 0, False, True
            )
        else:
            setattr(made, keyword, value)
    made.save_as(tmp_path / "image.dcm")
    (stack,) = scan([tmp_path]).patients[0].studies[0].series[0].stacks
    notes = " ".join(note.english() for note in stack.notes)
    assert (stack.unit, said in notes) == (unit, True)
    assert bool(said) == bool(notes)
