"""Series whose files differ in what makes a picture of their bytes: shown as pydicom reads each."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dicom_read_cases import save, slice_of
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut
from pydicom.uid import RLELossless

from medview.core.study import Stack
from medview.dicom import VolumeFill, scan

_PHILIPS_BLOCK, _PHILIPS_SLOPE = 0x20050010, 0x2005100E


def table(bits: int, first: int) -> Dataset:
    """A Modality LUT of 256 entries, twice the stored value."""
    item = Dataset()
    item.LUTDescriptor, item.ModalityLUTType = [256, first, bits], "US"
    item.add_new(
        0x00283006, "OW", (np.arange(256) * 2).astype("u1" if bits == 8 else "u2").tobytes()
    )
    return item


def without_rescale(made: Dataset) -> None:
    for keyword in ("RescaleSlope", "RescaleIntercept"):
        if keyword in made:
            delattr(made, keyword)


def tabled(bits: int, first: int = 0) -> Callable[[Dataset], None]:
    def change(made: Dataset) -> None:
        without_rescale(made)
        made.ModalityLUTSequence = [table(bits, first)]

    return change


def philips(creator: str, slope: float) -> Callable[[Dataset], None]:
    def change(made: Dataset) -> None:
        without_rescale(made)
        made.add_new(_PHILIPS_BLOCK, "LO", creator)
        made.add_new(_PHILIPS_SLOPE, "FL", slope)

    return change


def saying(**elements: Any) -> Callable[[Dataset], None]:
    def change(made: Dataset) -> None:
        for keyword, value in elements.items():
            setattr(made, keyword, value)

    return change


def bytes_of_pixels(made: Dataset) -> None:
    """The same in eight bits."""
    made.BitsAllocated = made.BitsStored = 8
    made.HighBit, made.PixelRepresentation = 7, 0
    made.PixelData = bytes(made.PixelData[::2])


# What the files of a series may say differently; in the order in which it is said.
DIFFERENCES: dict[str, Callable[[Dataset], None]] = {
    "slope": saying(RescaleSlope=2, RescaleIntercept=-1000),
    "slope in more letters": saying(RescaleSlope="1.50000", RescaleIntercept="0"),
    "intercept": saying(RescaleSlope=1, RescaleIntercept=-1024),
    "no rescale": without_rescale,
    "unsigned": saying(PixelRepresentation=0),
    "twelve bits": saying(BitsStored=12, HighBit=11),
    "inverse": saying(PresentationLUTShape="INVERSE"),
    "identity": saying(PresentationLUTShape="IDENTITY"),
    "MONOCHROME1": saying(PhotometricInterpretation="MONOCHROME1"),
    "rows": saying(Rows=5, Columns=6),
    "eight bits": bytes_of_pixels,
    "a table": tabled(16),
    "a table of bytes": tabled(8),
    "a table from 20": tabled(16, first=20),
    "Philips' scale": philips("Philips MR Imaging DD 001", 0.5),
    "another's block": philips("OTHER", 0.5),
    "one frame": saying(NumberOfFrames=1),
    "longer pixels": lambda made: setattr(made, "PixelData", made.PixelData + bytes(6)),
    "a comment": saying(ImageComments="seen by nobody"),
    "a long comment": saying(ImageComments="x" * 400),
    "a vendor's block": lambda made: made.add_new(0x00091001, "OB", bytes(300)),
    "a sequence": saying(ReferencedImageSequence=[Dataset(), Dataset()]),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("series")


def stacks(folder: Path) -> Iterator[Stack]:
    for patient in scan([folder]).patients:
        for study in patient.studies:
            for series in study.series:
                yield from series.stacks


def expected(path: str) -> tuple[np.ndarray, bool]:
    """Modality values and whether the lowest is white, by what pydicom reads of the file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = dcmread(path)
        stored = read.pixel_array
    if "ModalityLUTSequence" in read:
        first = read.ModalityLUTSequence[0].LUTDescriptor[1]
        values = 2.0 * np.clip(stored.astype(int) - first, 0, 255)
    elif _PHILIPS_BLOCK in read and read[_PHILIPS_BLOCK].value.startswith("Philips"):
        slope = 1 if "RescaleSlope" in read else read[_PHILIPS_SLOPE].value
        values = np.asarray(apply_modality_lut(stored, read), float) / slope
    else:
        values = np.asarray(apply_modality_lut(stored, read), float)
    is_inverse = read.get("PresentationLUTShape", "") == "INVERSE"
    return values, read.PhotometricInterpretation == "MONOCHROME1" or is_inverse


series = st.lists(
    st.lists(st.sampled_from(sorted(DIFFERENCES)), max_size=2, unique=True), min_size=2, max_size=6
)


@settings(
    max_examples=150, deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(said=series, way=st.sampled_from(("explicit", "implicit", "run lengths")))
@example(said=[[], ["a table"]], way="explicit")
@example(said=[["a table"], []], way="explicit")
@example(said=[["a table of bytes"], ["a table"]], way="implicit")
@example(said=[[], [], ["inverse"]], way="explicit")
def test_each_slice_shows_what_its_own_file_says(
    folder: Path, said: list[list[str]], way: str
) -> None:
    shutil.rmtree(folder)
    for k, names in enumerate(said):
        made = slice_of(k, np.arange(30, dtype=np.int16).reshape(6, 5) + 10 * k)
        for name in sorted(names, key=list(DIFFERENCES).index):
            DIFFERENCES[name](made)
        path = save(made, folder / f"{k}.dcm", implicit=way == "implicit")
        if way == "run lengths":
            packed = dcmread(path)
            packed.compress(RLELossless)
            packed.save_as(path)
    for _ in range(2):  # read alone, then as headers like others
        shown = list(stacks(folder))
        assert sum(len(stack.frames) for stack in shown) == len(said)
        for stack in shown:
            fill = VolumeFill(stack)
            fill.run()
            assert fill.failed == {}
            for k, frame in enumerate(stack.frames):
                values, is_inverted = expected(frame.path)
                assert np.array_equal(fill.volume.values(k), values)
                assert fill.volume.is_inverted == is_inverted
            if fill.volume.block is not None:
                fill.volume.block.release()
