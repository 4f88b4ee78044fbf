"""What the picture of a volume shows, as one value: look, cuts, surfaces, slices."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import FloatArray, Vector
from medview.core.volume import Volume
from medview.imaging.cutting import CropBox, CutPlane, Lasso
from medview.imaging.grey import grey_slice
from medview.imaging.slice_plane import SlicePlane
from medview.imaging.surfaces import Mesh
from medview.imaging.transfer import Look, rgb
from medview.imaging.window import Window


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Surface:
    """The surface of one label of one label map; colour is #rrggbb."""

    key: tuple[str, int]
    name: str
    colour: str
    mesh: Mesh


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceInSpace:
    """A slice as it lies in the patient; colour: of its outline. window: None for that alone."""

    volume: Volume
    plane: SlicePlane
    index: int
    window: Window | None
    colour: str

    def corners(self) -> FloatArray:
        """(4, 3) LPS mm of its outer corners, upper left first, then clockwise."""
        rows, columns = self.plane.shape
        low, down, right = -0.5, rows - 0.5, columns - 0.5
        places = ((low, low), (low, right), (down, right), (down, low))
        return np.array([self.plane.to_patient(self.index, *place) for place in places])

    def pixels(self) -> NDArray[np.uint8] | None:
        """(rows, columns) grey or (rows, columns, 3); None for the outline alone."""
        if self.window is None:
            return None
        return grey_slice(self.volume, self.plane, self.index, self.window)


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
