"""Multi-frame nuclear medicine: what its vectors say of each frame (PS3.3 C.8.4)."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from medview.dicom.elements import Elements
    from medview.dicom.frames import FloatArray

# Vectors whose values part pictures of one kind from others; what is left runs through a stack:
# slices, views around the patient, time.
_PARTS = ("EnergyWindowVector", "DetectorVector", "PhaseVector", "RotationVector",
          "RRIntervalVector")  # fmt: skip
_RECONSTRUCTED = frozenset(("RECON TOMO", "RECON GATED TOMO"))


def is_nuclear(top: Elements) -> bool:
    """Whether this is a multi-frame object of nuclear medicine."""
    return top.text("Modality").upper() == "NM" and top.has("NumberOfFrames")


def parts_of(top: Elements, index: int) -> tuple[Hashable, ...]:
    """Energy window, detector, phase, rotation and heart interval of a frame; time slot too where
    each slot is a volume of slices."""
    names = [*_PARTS, "TimeSlotVector"] if top.has("SliceVector") else [*_PARTS]
    return tuple(_entry(top, name, index) for name in names)


def _entry(top: Elements, name: str, index: int) -> int:
    found = top.floats(name)
    return int(found[index]) if index < len(found) else 1


def place_of(top: Elements, index: int) -> FloatArray | None:
    """First voxel of a reconstructed slice (C.8.4.15): behind the first slice for positive steps.

    None for views from outside and where the file does not say where its slices lie.
    """
    kind = {word.strip() for word in top.text("ImageType").upper().split("\\")}
    step = top.number("SpacingBetweenSlices")
    first, axes = _detector(top, "ImagePositionPatient", 3), axes_of(top)
    if not kind & _RECONSTRUCTED or step is None or step == 0 or first is None or axes is None:
        return None
    normal = np.cross(axes[:3], axes[3:])
    return np.asarray(first + (_entry(top, "SliceVector", index) - 1) * step * normal, np.float64)


def axes_of(top: Elements) -> FloatArray | None:
    """(6,) direction cosines of the first detector, or of the reconstruction."""
    return _detector(top, "ImageOrientationPatient", 6)


def _detector(top: Elements, keyword: str, count: int) -> FloatArray | None:
    for item in top.items("DetectorInformationSequence")[:1]:
        found = item.floats(keyword)
        if len(found) >= count:
            return np.array(found[:count])
    return None
