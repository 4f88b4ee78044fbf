"""What independent decoders make of a file, beside what MedView makes of it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import MedViewError
from medview.dicom.colour import is_colour, to_rgb
from medview.dicom.frames import frames_of
from medview.dicom.instance import Instance, NotDicom, open_instance
from medview.dicom.modality import modality_table, rescale_of
from medview.dicom.pixel_format import has_image
from medview.dicom.pixels import PixelReader

Array = NDArray[Any]
_JPEG = "1.2.840.10008.1.2.4."
_LOSSY = frozenset(_JPEG + n for n in ("50", "51", "53", "55", "81", "91", "203", "112"))
_HTJ2K = frozenset(_JPEG + n for n in ("201", "202", "203"))
_DCMTK = {"1.2.840.10008.1.2.5": "dcmdrle", _JPEG + "80": "dcmdjpls", _JPEG + "81": "dcmdjpls"}
_DCMTK |= {_JPEG + n: "dcmdjpeg" for n in ("50", "51", "53", "55", "57", "70")}


@dataclass
class Compared:
    """The largest difference (levels), and the share of values that differ; None: not read."""

    largest: float | None = None
    share: float = 0.0
    why: str = ""


class CannotRead(Exception):
    """The peer does not read this file; `args[0]` says why."""


def picture_of(path: str) -> str | None:
    """ "" for an image that MedView reads, the reason where it refuses; None for no image."""
    try:
        instance = open_instance(path)
        if not has_image(instance.elements):
            return None
        ours(path)
    except NotDicom:
        return None
    except MedViewError as error:
        return error.what.english()
    return ""


def is_lossy(path: str) -> bool:
    """Whether the stream allows decoders to round differently; colour conversion does too."""
    instance = open_instance(path)
    photometric = instance.elements.text("PhotometricInterpretation")
    return instance.syntax in _LOSSY or photometric.startswith("YBR_F")


def ours(path: str) -> tuple[Array, Instance]:
    """All frames as MedView has them: [frames, rows, columns] stored, or [..., 3] shown colour."""
    instance = open_instance(path)
    with PixelReader(instance) as reader:
        frames = []
        for frame in frames_of(instance):
            decoded = reader.stored(frame.index)
            if is_colour(reader.form):
                frames.append(to_rgb(decoded, instance.elements, reader.form))
            else:
                frames.append(np.array(decoded.values))
    return np.stack(frames), instance


def compare(peer: str, path: str) -> Compared:
    """A peer's picture against ours; never raises."""
    try:
        mine, instance = ours(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = _READERS[peer](path, instance)
        if peer == "GDCM":
            mine = _modality(mine, instance)
        if theirs.size != mine.size:
            return Compared(why=f"another size: {theirs.shape}")
        wide = np.abs(theirs.reshape(mine.shape).astype(np.float64) - mine.astype(np.float64))
        wide[np.isnan(theirs.reshape(mine.shape)) & np.isnan(mine)] = 0
    except CannotRead as error:
        return Compared(why=str(error))
    except Exception as error:  # noqa: BLE001 - whatever a peer raises, it has not read the file
        return Compared(why=f"{type(error).__name__}: {str(error).splitlines()[0][:60]}"
                        if str(error) else type(error).__name__)  # fmt: skip
    return Compared(float(wide.max()), float((wide > 0).mean()))


def _modality(values: Array, instance: Instance) -> Array:
    """GDCM through ITK gives values after the rescale, never stored ones."""
    if values.ndim == 4:
        return values
    pairs = [rescale_of(frame) for frame in frames_of(instance)]
    if len(set(pairs)) > 1:
        raise CannotRead("frames differ in their rescale, which ITK does not know")
    with PixelReader(instance) as reader:
        if modality_table(instance.elements, reader.form) is not None:
            return values
    return values * pairs[0][0] + pairs[0][1]


def _dataset(path: str) -> Any:
    import pydicom
    from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

    dataset = pydicom.dcmread(path, force=True)
    if "TransferSyntaxUID" not in dataset.file_meta:
        is_implicit = dataset.original_encoding[0]
        dataset.file_meta.TransferSyntaxUID = (
            ImplicitVRLittleEndian if is_implicit else ExplicitVRLittleEndian
        )
    return dataset


def _by_pydicom(path: str, instance: Instance) -> Array:
    dataset = _dataset(path)
    if not instance.is_encapsulated and "PixelData" in dataset:
        # A cut file: what it lacks is given as zeros, so that what it has can be compared.
        from pydicom.pixels.utils import get_expected_length

        missing = get_expected_length(dataset) - len(dataset.PixelData)
        if missing > 0:
            dataset.PixelData += bytes(missing + missing % 2)
    return _pixels_of(dataset)


def _pixels_of(dataset: Any) -> Array:
    from pydicom.pixels import apply_color_lut, pixel_array

    photometric = str(dataset.get("PhotometricInterpretation", ""))
    if photometric == "PALETTE COLOR":
        wide: Array = apply_color_lut(pixel_array(dataset, raw=True), dataset)
        return wide >> 8 if wide.dtype.itemsize == 2 and wide.max() > 255 else wide
    is_grey = int(dataset.get("SamplesPerPixel", 1)) == 1
    values: Array = pixel_array(dataset, raw=is_grey)
    if not is_grey and int(dataset.BitsStored) > 8:
        values = values >> (int(dataset.BitsStored) - 8)
    return values


def _by_gdcm(path: str, _: Instance) -> Array:
    import SimpleITK as sitk  # noqa: N813 - its usual name

    sitk.ProcessObject_SetGlobalWarningDisplay(False)
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(path)
    image = reader.Execute()
    values: Array = sitk.GetArrayFromImage(image)
    if image.GetNumberOfComponentsPerPixel() == 3 and values.dtype.itemsize > 1:
        bits = int(_dataset(path).BitsStored)
        values = values >> (bits - 8)
    return values


def _by_dcmtk(path: str, instance: Instance) -> Array:
    tool = _DCMTK.get(instance.syntax, "dcmconv")
    if shutil.which(tool) is None:
        raise CannotRead("DCMTK is not installed")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "plain.dcm"
        write = ["--write-xfer-little"] if tool == "dcmconv" else []
        done = subprocess.run([tool, *write, path, str(out)], capture_output=True, check=False)
        if done.returncode or not out.exists():
            said = done.stderr.decode("ascii", "replace").strip().splitlines()
            raise CannotRead(f"{tool}: {said[-1][-60:] if said else 'failed'}")
        return _pixels_of(_dataset(str(out)))


def _by_openjph(path: str, instance: Instance) -> Array:
    import imagecodecs
    from pydicom.encaps import generate_frames

    if instance.syntax not in _HTJ2K:
        raise CannotRead("not HTJ2K")
    dataset = _dataset(path)
    count = int(dataset.get("NumberOfFrames", 1))
    frames = generate_frames(dataset.PixelData, number_of_frames=count)
    return np.stack([imagecodecs.htj2k_decode(frame) for frame in frames])


_READERS: dict[str, Callable[[str, Instance], Array]] = {
    "pydicom": _by_pydicom,
    "GDCM": _by_gdcm,
    "DCMTK": _by_dcmtk,
    "OpenJPH": _by_openjph,
}
PEERS = tuple(_READERS)
