"""What all planes have in common whose pixels are no voxels."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import Geometry
from medview.core.volume import Volume
from medview.imaging.slabs import Slab
from medview.imaging.slice_plane import Flat, Sample


class Resampled(Flat):
    """Slices of a geometry, or slabs of them, whose numbers are taken between its voxels."""

    geometry: Geometry
    slab: Slab
    ns_a_pixel: ClassVar[float]  # about what a pixel of one layer costs, on one core

    @property
    def is_native(self) -> bool:
        """Nothing here was acquired so."""
        return False

    @property
    def is_spatial(self) -> bool:
        """Its places are the patient's."""
        return True

    @property
    def is_resampled(self) -> bool:
        """Its pixels are no voxels."""
        return True

    @property
    def own_geometry(self) -> Geometry:
        """The grid of the arrays that it cuts."""
        return self.geometry

    @property
    def reading_step(self) -> int:
        """Slices are counted as they are read."""
        return 1

    @property
    def reach(self) -> float:
        """How far from a slice's middle it shows, in slices."""
        return self.slab.reach(self.step_mm)

    @property
    def offsets(self) -> tuple[float, ...]:
        """Where the layers of its slab lie, in slices from the middle one, the furthest first."""
        return self.slab.offsets(self.step_mm)

    @property
    def cost_ms(self) -> float:
        """About how long a sample takes on one core."""
        return self.shape[0] * self.shape[1] * len(self.offsets) * self.ns_a_pixel * 1e-6

    @abstractmethod
    def sample(self, volume: Volume, index: int) -> Sample:
        """The numbers of a slice or slab."""

    def values(self, volume: Volume, index: int) -> NDArray[np.float32]:
        """Modality values of a slice (rows, columns), float32; NaN where there is no image."""
        return self.sample(volume, index).values()
