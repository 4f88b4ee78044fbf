"""NIfTI, NRRD and MetaImage files in and out, and single slices as PNG or TIFF."""

from __future__ import annotations

import errno
import gzip
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import InvalidInput, MedViewError, WriteFailed
from medview.core.files import replacing
from medview.core.study import FileNote, Holdings, Stack
from medview.core.volume import Volume
from medview.core.words import say
from medview.dicom.evening import is_rectangular
from medview.dicom.volume_stacks import stacks_of_file
from medview.dicom.walk import is_volume_file

VOLUME_ENDINGS = (".nii.gz", ".nii", ".nrrd", ".mha")
PICTURE_ENDINGS = (".png", ".tif", ".tiff")


def write_volume(volume: Volume, path: Path) -> None:
    """Write values after the rescale with their geometry (.nii.gz, .nii, .nrrd, .mha), or those
    of one slice (.tif); `write_picture` writes what is seen.

    The file appears whole or not at all, readable by its owner alone. Raises InvalidInput for an
    unknown ending, for a sheared grid (no such file can say it) or for several slices in a
    picture, WriteFailed when the disk or the rights do not allow it.
    """
    name = path.name.lower()
    if name.endswith(VOLUME_ENDINGS):
        writer: Callable[[str], None] = _volume_writer(volume)
    elif name.endswith(PICTURE_ENDINGS[1:]):
        writer = _picture_writer(_single(volume))
    else:
        endings = ", ".join((*VOLUME_ENDINGS, *PICTURE_ENDINGS))
        raise InvalidInput(say("The ending must be one of {endings}.", endings=endings), str(path))
    _write_whole(path, writer)


def write_picture(pixels: NDArray[np.uint8], path: Path) -> None:
    """Write 8-bit grey [rows, columns] or colour [rows, columns, 3] as PNG; see `write_volume`."""
    _write_whole(path, _picture_writer(pixels))


def _write_whole(path: Path, writer: Callable[[str], None]) -> None:
    ending = next(
        end for end in (*VOLUME_ENDINGS, *PICTURE_ENDINGS) if path.name.lower().endswith(end)
    )
    try:
        with replacing(path, ending) as beside:
            writer(str(beside))
    except (OSError, RuntimeError) as error:
        raise WriteFailed(
            say("The file could not be written"),
            str(path),
            say("Check the free space and the rights of the folder."),
            detail=type(error).__name__,
        ) from error


def _itk() -> Any:
    # Imported when it is needed: a third of a second; its stubs leave most calls untyped.
    return import_module("SimpleITK")


def _volume_writer(volume: Volume) -> Callable[[str], None]:
    sitk = _itk()

    axes = np.array(volume.geometry.axes, float)
    if not is_rectangular(volume.geometry):
        raise InvalidInput(
            say("The slices are sheared or uneven; such a file cannot say so."),
            what_to_do=say("Export a single slice, or resample the series first."),
        )
    image = sitk.GetImageFromArray(_values(volume), isVector=volume.is_colour)
    image.SetSpacing(volume.geometry.spacing)
    image.SetOrigin(tuple(volume.geometry.origin))
    # ITK wants an exactly orthonormal matrix; the header's cosines are rounded.
    rotation = np.linalg.qr(axes.T)
    exact = rotation.Q * np.sign(np.diag(rotation.R))
    image.SetDirection(exact.flatten().tolist())

    def write(where: str) -> None:
        if where.endswith(".nrrd"):
            _write_nrrd(image, where)
        else:
            sitk.WriteImage(image, where, useCompression=True)
        # On a full disk ITK ends without an error for some formats and leaves the file cut.
        written = sitk.ReadImage(where)  # held: a view does not keep its image alive
        found, wanted = (sitk.GetArrayViewFromImage(one) for one in (written, image))
        # Of a NIfTI with one slice in colour ITK's reader drops the axis of slices.
        if not np.array_equal(np.squeeze(found), np.squeeze(wanted), equal_nan=True):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return write


def _write_nrrd(image: Any, where: str) -> None:
    """NRRD 4 with gzip (teem.sourceforge.net/nrrd/format.html): on a full disk ITK's never ends."""
    values = np.ascontiguousarray(_itk().GetArrayViewFromImage(image))
    axes = np.array(image.GetDirection()).reshape(3, 3).T * np.array(image.GetSpacing())[:, None]
    said = ["(" + ",".join(repr(float(part)) for part in axis) + ")" for axis in axes]
    is_vector = values.ndim > 3
    sizes = values.shape[3:] + values.shape[2::-1]
    name = {"float32": "float", "float64": "double"}.get(values.dtype.name, values.dtype.name)
    head = (
        "NRRD0004",
        f"type: {name}",
        f"dimension: {values.ndim}",
        "space: left-posterior-superior",
        "sizes: " + " ".join(map(str, sizes)),
        "space directions: " + " ".join(["none"] * is_vector + said),
        "kinds: " + " ".join(["vector"] * is_vector + ["domain"] * 3),
        f"endian: {sys.byteorder}",
        "encoding: gzip",
        "space origin: (" + ",".join(repr(float(part)) for part in image.GetOrigin()) + ")",
    )
    with Path(where).open("wb") as file:
        file.write(("\n".join(head) + "\n\n").encode("ascii"))
        with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
            packed.write(values.data)


def _values(volume: Volume) -> NDArray[Any]:
    """Modality values in the smallest exact type: integers where the rescale keeps them whole."""
    if volume.is_colour:
        return np.asarray(volume.stored)
    stored = np.asarray(volume.stored)
    is_whole = stored.dtype.kind in "iu" and volume.per_slice is None
    if is_whole and volume.slope == 1 and volume.intercept == int(volume.intercept):
        wide = stored.astype(np.int64) + int(volume.intercept)
        for kind in (stored.dtype, np.dtype(np.int16), np.dtype(np.int32)):
            limits = np.iinfo(kind)
            if limits.min <= wide.min() and wide.max() <= limits.max:
                return wide.astype(kind)
    return volume.values()


def _single(volume: Volume) -> NDArray[Any]:
    count = volume.geometry.shape[0]
    if count != 1:
        raise InvalidInput(say("A picture holds one slice; this stack has {count}.", count=count))
    return np.asarray(volume.stored[0], np.uint8) if volume.is_colour else volume.values(0)


def _picture_writer(pixels: NDArray[Any]) -> Callable[[str], None]:
    from PIL import Image

    picture = Image.fromarray(pixels)

    def write(where: str) -> None:
        picture.save(where)

    return write


def volume_files_in(holdings: Holdings, *, pixels: bool) -> tuple[list[dict[str, Any]], Holdings]:
    """The volume files among what was ignored, in the form of medview.info/1 stacks, and the rest.

    What carries the name of a volume file and is none goes to the unreadable ones.
    """
    volumes: list[dict[str, Any]] = []
    ignored: list[FileNote] = []
    unreadable = list(holdings.unreadable)
    for note in holdings.ignored:
        if not is_volume_file(Path(note.path)):
            ignored.append(note)
            continue
        try:
            stack = stacks_of_file(note.path)[0]
            volumes.append(_described(note.path, stack, pixels=pixels))
        except MedViewError as error:
            unreadable.append(FileNote(path=note.path, reason=error.what.english()))
        except RuntimeError:
            said = say("The volume file is damaged.")
            unreadable.append(FileNote(path=note.path, reason=said.english()))
    return volumes, replace(holdings, ignored=tuple(ignored), unreadable=tuple(unreadable))


def _described(path: str, stack: Stack, *, pixels: bool) -> dict[str, Any]:
    geometry = stack.geometry
    frames, rows, columns = geometry.shape
    found: dict[str, Any] = {
        "file": path,
        "frames": frames,
        "size": [columns, rows, frames],
        "spacing": [round(v, 6) for v in geometry.spacing],
        "origin": [round(v, 6) for v in geometry.origin],
        "direction": [round(float(v), 9) for v in np.array(geometry.axes).T.flatten()],
        "geometry": stack.verdict,
        "tilt_deg": 0.0,
        "unit": "",
        "split_by": None,
        "transfer_syntax": "",
        "photometric": stack.photometric,
        "stored_type": stack.stored_type,
        "notes": [note.english() for note in stack.notes],
    }
    if pixels:
        sitk = _itk()
        values = sitk.GetArrayFromImage(sitk.ReadImage(path))
        found["minimum"], found["maximum"] = float(values.min()), float(values.max())
    return found
