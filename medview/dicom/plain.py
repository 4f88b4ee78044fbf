"""Plain slices: from the file straight to their place, with as few calls as can be."""

from __future__ import annotations

import os
import sys

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import UnreadableInstance
from medview.core.words import say
from medview.dicom.elements import TO_READ, FileStamp, file_stamp, read_fully
from medview.dicom.instance import Instance
from medview.dicom.pixel_format import PixelFormat, pixel_format
from medview.dicom.remembered import Known, instance_of
from medview.dicom.stored import keep_stored_bits

Array = NDArray[np.generic]
_LITTLE = sys.byteorder == "little"


class FileChanged(Exception):
    """A file was written to, or is another one, since its header was read."""


def read_whole(instance: Instance, form: PixelFormat, target: Array) -> bool:
    """Fill a C-contiguous [rows, columns] array of the stored type from a file of one plain frame.

    The quick way of `PixelReader.read_into`, for nearly every slice; False, and nothing is done,
    where that one is needed. Raises FileChanged, UnreadableInstance for a short read, OSError.
    """
    place = instance.elements.pixels
    if place is None or place.length < target.nbytes or instance.stamp is None:
        return False
    if place.offset + target.nbytes > instance.size or not _fits(instance, form, target):
        return False
    _read(instance.path, place.offset, instance.stamp, target)
    if may_overfill(form):
        keep_stored_bits(target, form)
    return True


class KnownFiles:
    """The same for files of which a scan has remembered all that is needed (`remembered`).

    What follows from what the files of a series say alike is worked out once; a slice then costs
    the system's calls and little else.
    """

    def __init__(self, form: PixelFormat) -> None:
        self._form = form
        self._is_checked = may_overfill(form)
        self._fits: dict[tuple[int, str], bool] = {}  # by table and transfer syntax

    def read(self, path: str, known: Known, target: Array) -> bool:
        """As `read_whole`; False also where the file is not the one that was remembered."""
        place, count = known.pixels, target.nbytes
        if place is None or place.length < count or place.offset + count > known.size:
            return False
        key = (id(known.table), known.syntax)
        fits = self._fits.get(key)
        if fits is None:
            fits = self._fits[key] = _fits(instance_of(path, known), self._form, target)
        if not fits:
            return False
        try:
            _read(path, place.offset, known.stamp, target)
        except FileChanged:
            return False
        if self._is_checked:
            keep_stored_bits(target, self._form)
        return True


def _fits(instance: Instance, form: PixelFormat, target: Array) -> bool:
    """Whether the bytes of a frame are what belongs into the array."""
    return (
        pixel_format(instance) is form  # equal ones are one
        and form.frames <= 1
        and is_plain(instance, form)
        and target.shape == (form.rows, form.columns)
        and target.dtype == form.dtype
    )


def _read(path: str, offset: int, stamp: FileStamp, target: Array) -> None:
    file = os.open(path, TO_READ)
    try:
        if file_stamp(os.fstat(file)) != stamp:
            raise FileChanged
        there = read_fully(file, offset, target.data.cast("B"))
    finally:
        os.close(file)
    if there < target.nbytes:
        raise UnreadableInstance(say("The file ends before this picture."), path)


def may_overfill(form: PixelFormat) -> bool:
    """Whether bits above Bits Stored may say something."""
    return not form.is_float and form.bits_stored < form.bits_allocated


def is_plain(instance: Instance, form: PixelFormat) -> bool:
    """Whether bytes can go from the file straight into an array of the stored type."""
    return (
        _LITTLE
        and not instance.is_encapsulated
        and not instance.encoding.big
        and form.samples == 1
        and not form.is_packed
        and form.high_bit == form.bits_stored - 1
    )
