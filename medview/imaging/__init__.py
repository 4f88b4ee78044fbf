"""Arithmetic on volumes: windows, planes, letters, measures, overlays, finished pictures.

No files, no Qt: arrays and core values in, arrays and core values out. Front door: `Window`,
`Plane`, `SlicePlane`, `planes_of`, `grey_slice`, and the modules `roi`, `overlay`, `picture`,
`presets`.
"""

from medview.imaging.grey import grey_slice
from medview.imaging.planes import Plane, native_plane, planes_of
from medview.imaging.slice_plane import SlicePlane
from medview.imaging.window import Window, auto_window, first_window

__all__ = [
    "Plane",
    "SlicePlane",
    "Window",
    "auto_window",
    "first_window",
    "grey_slice",
    "native_plane",
    "planes_of",
]
