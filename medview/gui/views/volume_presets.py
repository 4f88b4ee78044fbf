"""How values become colour and opacity in the volume view; CT presets hold in HU only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medview.core.volume import Volume

QUICK, FULL = 128, 256  # voxels along the longest axis while moving, and at rest

Point = tuple[float, float]
ColourPoint = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumePreset:
    """opacity: (value, 0 to 1); colours: (value, red, green, blue of 0 to 1)."""

    id: str
    name: str
    opacity: tuple[Point, ...]
    colours: tuple[ColourPoint, ...]


BONE = VolumePreset(
    id="bone",
    name="bone",
    opacity=((130, 0.0), (220, 0.06), (360, 0.30), (700, 0.60), (1600, 0.85)),
    colours=(
        (140, 0.62, 0.25, 0.18),
        (260, 0.84, 0.58, 0.44),
        (420, 0.95, 0.86, 0.70),
        (1200, 1.0, 0.98, 0.93),
    ),
)
SOFT_TISSUE = VolumePreset(
    id="soft-tissue",
    name="soft tissue",
    opacity=((-600, 0.0), (-350, 0.06), (-100, 0.25), (100, 0.5), (400, 0.8)),
    colours=(
        (-600, 0.60, 0.42, 0.34),
        (-120, 0.90, 0.72, 0.60),
        (80, 0.84, 0.55, 0.46),
        (300, 0.95, 0.90, 0.82),
    ),
)
LUNG = VolumePreset(
    id="lung",
    name="lung",
    opacity=((-960, 0.0), (-880, 0.015), (-720, 0.02), (-560, 0.12), (-420, 0.0), (3000, 0.0)),
    colours=((-960, 0.30, 0.42, 0.60), (-760, 0.55, 0.66, 0.78), (-480, 0.92, 0.74, 0.66)),
)
VESSELS = VolumePreset(
    id="vessels",
    name="vessels and heart",
    opacity=((130, 0.0), (190, 0.10), (280, 0.35), (420, 0.5), (800, 0.8)),
    colours=(
        (130, 0.45, 0.08, 0.07),
        (240, 0.78, 0.22, 0.18),
        (420, 0.92, 0.62, 0.48),
        (700, 0.97, 0.93, 0.84),
    ),
)
CT_PRESETS = (BONE, SOFT_TISSUE, LUNG, VESSELS)


def generic(values: NDArray[np.int16 | np.float32]) -> VolumePreset:
    """For numbers without a scale of their own (MR): the bright half of what is not background."""
    sample = values[:: max(1, len(values) // 24), ::4, ::4]
    low, high = np.percentile(sample, (40.0, 99.5))
    top = float(max(high, low + 1e-3))
    start = float(low + 0.12 * (top - low))
    middle = float(low + 0.35 * (top - low))
    return VolumePreset(
        id="generic",
        name="surface",
        opacity=((start, 0.0), (middle, 0.35), (top, 0.85)),
        colours=((start, 0.42, 0.34, 0.32), (middle, 0.80, 0.70, 0.64), (top, 1.0, 0.97, 0.92)),
    )


def presets(
    volume: Volume, values: NDArray[np.int16 | np.float32] | None = None
) -> tuple[VolumePreset, ...]:
    """What a volume can be shown as; values are needed where nothing is known beforehand."""
    if volume.unit == "HU":
        return CT_PRESETS
    return (generic(values if values is not None else np.zeros((1, 1, 1), np.float32)),)
