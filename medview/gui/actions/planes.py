"""The rows about planes, slabs and curves."""

from __future__ import annotations

from medview.gui.actions.row import Row

PLANES = (
    Row("planes.reset", "Planes along the volume's axes", keys="Shift+X", in_views=True),
    Row("planes.thicker", "Thicker slab", keys="Alt+.", in_views=True, repeats=True),
    Row("planes.thinner", "Thinner slab", keys="Alt+,", in_views=True, repeats=True),
    Row("planes.slab_mode", "Slab: maximum, minimum, mean", keys="Shift+S", in_views=True),
    Row("planes.single_slice", "Single slice"),
    Row("planes.smoothing", "Pixels interpolated or as they are", keys="Shift+I", in_views=True),
)
