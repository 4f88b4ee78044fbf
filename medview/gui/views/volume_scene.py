"""What the picture of a volume shows, as one value: look, cuts, surfaces, slices."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import Vector
from medview.imaging.cutting import CropBox, CutPlane, Lasso
from medview.imaging.surfaces import Mesh
from medview.imaging.transfer import Look, rgb


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Surface:
    """The surface of one label of one label map; colour is #rrggbb."""

    key: tuple[str, int]
    name: str
    colour: str
    mesh: Mesh


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class SliceInSpace:
    """A slice as it lies in the patient.

    corners: (4, 3) LPS mm of its outer corners, upper left first, then clockwise. pixels: (rows,
    columns) grey or (rows, columns, 3), None for its outline alone. colour: of the outline.
    """

    corners: NDArray[np.float64]
    colour: str
    pixels: NDArray[np.uint8] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything but the place of the viewer."""

    look: Look
    box: CropBox = field(default_factory=CropBox)
    planes: tuple[CutPlane, ...] = ()
    lassos: tuple[Lasso, ...] = ()
    surfaces: tuple[Surface, ...] = ()
    slices: tuple[SliceInSpace, ...] = ()
    surface_opacity: float = 1.0
    is_volume_shown: bool = True

    @property
    def background(self) -> Vector:
        """Red, green and blue (0 to 1) behind the volume: what holds nothing of a projection."""
        if self.look.blend == "composite":
            return (0.0, 0.0, 0.0)
        red, green, blue = rgb(self.look.points[-1 if self.look.blend == "minip" else 0].colour)
        return (red / 255, green / 255, blue / 255)
