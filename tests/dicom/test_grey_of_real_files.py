"""The grey that is shown, against DCMTK's dcm2pnm and against the standard's own words.

dcm2pnm cuts fractions off where MedView rounds; one grey level is what they may differ by.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.pixels import apply_modality_lut, apply_voi_lut, pixel_array
from pydicom.uid import ExplicitVRLittleEndian

from medview.core.volume import Volume
from medview.dicom import read_frame, scan
from medview.imaging import Plane, Window, grey_slice
from medview.imaging.planes import is_padding
from medview.imaging.window import file_windows

DCM2PNM = shutil.which("dcm2pnm") or ""
FILES = (
    "lut-overlay/modality-lut.dcm", "lut-overlay/mr-overlay.dcm", "lut-overlay/voi-lut.dcm",
    "cr-dx/chest-cxr-jpeg.dcm", "cr-dx/chest-cxr-monochrome1.dcm",
    "cr-dx/chest-monochrome1-no-preamble.dcm", "cr-dx/dog-monochrome1.dcm",
    "cr-dx/rg2-jpeg12.dcm", "cr-dx/rg3-monochrome1-j2k.dcm", "mg/mammo-sigmoid.dcm",
    "ct/toshiba-signed-j2k-0bit.dcm", "transfer-syntax/ct-jpeg-lossless-57.dcm",
    "pixel-kinds/int14-signed.dcm",
)  # fmt: skip


def volume_of(path: Path) -> Volume:
    return read_frame(scan([path]).patients[0].studies[0].series[0].stacks[0], 0)


def as_stored(volume: Volume) -> Plane:
    return Plane(name="native", geometry=volume.geometry, normal=0, down=1, right=2)


def padding_of(volume: Volume) -> np.ndarray:
    """Pixels that MedView shows as background, which neither peer does."""
    if volume.padding is None:
        return np.zeros(volume.stored[0].shape, bool)
    return is_padding(volume.stored[0], volume.padding)


def with_plain_pixels(path: Path, volume: Volume, out: Path) -> pydicom.Dataset:
    """The same file with its pixels decompressed: dcm2pnm reads no JPEG 2000."""
    made = pydicom.dcmread(path, force=True)
    syntax = (
        made.file_meta.get("TransferSyntaxUID") if "TransferSyntaxUID" in made.file_meta else ""
    )
    if syntax and syntax.is_compressed:
        made.decompress() if syntax.endswith((".50", ".90", ".91")) else None
        if made.file_meta.TransferSyntaxUID.is_compressed:
            made.PixelData = np.array(volume.stored[0]).tobytes()
            made["PixelData"].VR = "OW"
            made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    elif not syntax:
        implicit = made.original_encoding[0]
        made.file_meta.TransferSyntaxUID = (
            pydicom.uid.ImplicitVRLittleEndian if implicit else (ExplicitVRLittleEndian)
        )
    made["PixelData"].is_undefined_length = False
    made.save_as(out, enforce_file_format=True)
    return made


def how(windows: tuple[Window, ...], number: int) -> list[str]:
    """What dcm2pnm is to be told for the window of that number."""
    window = windows[number]
    if window.function == "TABLE":
        return ["+Wl", str(1 + sum(w.function == "TABLE" for w in windows[:number]))]
    return ["+Wi", str(number + 1), "+Wfs" if window.function == "SIGMOID" else "+Wfl"]


@pytest.mark.skipif(not DCM2PNM, reason="DCMTK is not installed")
@pytest.mark.parametrize("name", FILES)
def test_every_window_of_a_file_is_that_of_dcm2pnm(
    imaging_data: Path, tmp_path: Path, name: str
) -> None:
    volume = volume_of(imaging_data / name)
    with_plain_pixels(imaging_data / name, volume, tmp_path / "a.dcm")
    windows = file_windows(volume)
    options = [(window, how(windows, number)) for number, window in enumerate(windows)]
    # With a window of one's own dcm2pnm keeps the function that the file names.
    own = Window(center=100, width=371, function=volume.voi_function)
    free = own, ["+Ww", "100", "371"]
    for window, said in [*options, free]:
        out = tmp_path / "a.png"
        subprocess.run(
            [DCM2PNM, "--no-overlays", *said, "+on", str(tmp_path / "a.dcm"), str(out)],
            check=True, capture_output=True,
        )  # fmt: skip
        theirs = np.asarray(Image.open(out)).astype(int)
        ours = grey_slice(volume, as_stored(volume), 0, window).astype(int)
        known = ~padding_of(volume)
        assert np.abs(ours - theirs)[known].max() <= 1, window


@pytest.mark.parametrize("name", FILES)
def test_the_first_window_is_the_standards_by_pydicom(imaging_data: Path, tmp_path: Path,
                                                     name: str) -> None:  # fmt: skip
    volume = volume_of(imaging_data / name)
    made = with_plain_pixels(imaging_data / name, volume, tmp_path / "a.dcm")
    windows = file_windows(volume)
    if not windows:
        pytest.skip("the file proposes no window")
    values = apply_modality_lut(pixel_array(made), made)
    wide = apply_voi_lut(values, made, prefer_lut=windows[0].function == "TABLE").astype(float)
    low, high = _limits(made, windows[0])
    theirs = np.clip((wide - low) / (high - low), 0, 1)
    if volume.is_inverted:
        theirs = 1 - theirs
    ours = grey_slice(volume, as_stored(volume), 0, windows[0]) / 255.0
    known = ~padding_of(volume)
    assert np.abs(ours - theirs)[known].max() <= 1.01 / 255


def _limits(made: pydicom.Dataset, window: Window) -> tuple[float, float]:
    """What pydicom takes for black and white: the whole range of the stored type, rescaled."""
    if window.function == "TABLE":
        return 0.0, 2.0 ** made.VOILUTSequence[0].LUTDescriptor[2] - 1
    bits = made.BitsStored
    ends = (
        (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if made.PixelRepresentation else (0, 2**bits - 1)
    )
    slope, add = float(made.get("RescaleSlope", 1)), float(made.get("RescaleIntercept", 0))
    return ends[0] * slope + add, ends[1] * slope + add
