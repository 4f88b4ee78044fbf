"""A header that says what cannot be: the picture is shown with a word on it."""

from __future__ import annotations

from pathlib import Path

import pytest
from dicom_read_cases import save, slice_of

from medview.dicom import scan


def notes_of(path: Path) -> str:
    (patient,) = scan([path]).patients
    (stack,) = patient.studies[0].series[0].stacks
    return " ".join(map(str, stack.notes))


@pytest.mark.parametrize(
    ("elements", "said"),
    [
        ({"BitsStored": 10576}, "Bits Stored is 10576, which cannot be; 16 is taken."),
        ({"HighBit": 11}, "High Bit is 11 where Bits Stored is 16"),
        ({"PixelRepresentation": 32767}, "neither 0 nor 1"),
        ({"PhotometricInterpretation": "8NOCHROME2"}, "none that DICOM knows"),
        ({"PhotometricInterpretation": "RGB"}, "RGB does not go with 1 samples"),
        ({"PixelRepresentation": None}, "is missing; the values are taken as unsigned"),
        ({"BitsStored": None, "HighBit": 15}, "Bits Stored is missing; 16 is taken."),
        ({"WindowWidth": 400}, ""),
        ({"ImagePositionPatient": [0, "1e30", 0]}, "lies 1e+27 m away"),
        ({"ImageOrientationPatient": [2, 0, 0, 0, 1, 0]}, "no unit vectors"),
        ({"ImageOrientationPatient": [1, 0, 0, 0.01, 0.99995, 0]}, "no unit vectors"),
    ],
)
def test_an_impossible_value_is_said(
    tmp_path: Path, elements: dict[str, object], said: str
) -> None:
    notes = notes_of(save(slice_of(0, **elements), tmp_path / "a.dcm"))
    assert said in notes
    assert bool(said) == bool(notes)


@pytest.mark.parametrize("keyword", [b"\x28\x00\x53\x10DS", b"\x28\x00\x52\x10DS"])
def test_a_slope_or_intercept_that_is_no_number_is_said(tmp_path: Path, keyword: bytes) -> None:
    """Found by the fuzzer (seed 102, case 1855): the slope was silently taken as 1."""
    path = save(slice_of(0, RescaleSlope=5, RescaleIntercept=5), tmp_path / "a.dcm")
    sound = keyword + b"\x04\x005.0 "
    path.write_bytes(path.read_bytes().replace(sound, sound[:-1] + b"\x1d"))
    assert "is not a number: the values shown may be wrong." in notes_of(path)


def test_a_number_that_only_python_reads_is_no_number(tmp_path: Path) -> None:
    path = save(slice_of(0, RescaleSlope=1, RescaleIntercept="-10000"), tmp_path / "a.dcm")
    path.write_bytes(path.read_bytes().replace(b"DS\x06\x00-10000", b"DS\x06\x00-1_000"))
    assert "RescaleIntercept is not a number" in notes_of(path)


def test_what_follows_the_pixels_is_said(tmp_path: Path) -> None:
    path = save(slice_of(0), tmp_path / "a.dcm")
    sound = path.read_bytes()
    path.write_bytes(sound + bytes(300))
    assert notes_of(path) == ""
    for behind in (sound[140:], bytes(300) + sound[140:]):
        path.write_bytes(sound + behind)
        assert "follows the pixels" in notes_of(path)


@pytest.mark.parametrize("way", [{}, {"PixelPaddingRangeLimit": -1500}], ids=["value", "limit"])
def test_slices_that_name_other_padding_say_that_the_first_one_s_holds(
    tmp_path: Path, way: dict[str, int]
) -> None:
    for k in range(4):
        limit = way if k == 2 else {}
        save(slice_of(k, PixelPaddingValue=-2000 + (k == 2), **limit), tmp_path / f"{k}.dcm")
    for _ in range(2):
        assert notes_of(tmp_path) == (
            "The pictures name different padding: the first one's is left out of sums in all."
        )


def test_padding_that_is_written_otherwise_and_means_the_same_is_no_difference(
    tmp_path: Path,
) -> None:
    for k in range(4):
        made = slice_of(k, PixelPaddingValue=-2000)
        if k == 2:
            made.add_new(0x00280120, "US", 65536 - 2000)
        save(made, tmp_path / f"{k}.dcm")
    assert notes_of(tmp_path) == ""


def test_slices_without_the_rescale_of_the_others_are_said(tmp_path: Path) -> None:
    for k in range(4):
        without = {} if k != 2 else {"RescaleSlope": None, "RescaleIntercept": None}
        save(slice_of(k, **without), tmp_path / f"{k}.dcm")
    for _ in range(2):
        assert notes_of(tmp_path) == (
            "1 of 4 pictures lack the rescale of the others: their values have no unit."
        )


@pytest.mark.parametrize(
    ("elements", "is_said"),
    [({"RescaleType": "US"}, True), ({"Modality": "PT"}, True), ({"RescaleType": ""}, False)],
    ids=["type", "modality", "empty"],
)
def test_slices_in_another_unit_than_the_first_are_said(
    tmp_path: Path, elements: dict[str, str], is_said: bool
) -> None:
    for k in range(4):
        save(slice_of(k, **({"RescaleType": "HU"} | (elements if k == 2 else {}))),
             tmp_path / f"{k}.dcm")  # fmt: skip
    said = "The pictures give their values in different units: the first one's is shown for all."
    for _ in range(2):
        assert notes_of(tmp_path) == (said if is_said else "")
