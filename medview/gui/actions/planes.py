"""The rows about planes, slabs and curves."""

from __future__ import annotations

from medview.gui.actions.row import Row

PLANES = (
    Row("planes.reset", "Planes along the volume's axes", keys="Shift+X", in_views=True),
    Row("planes.thicker", "Thicker slab", keys="Alt+.", in_views=True, repeats=True),
    Row("planes.thinner", "Thinner slab", keys="Alt+,", in_views=True, repeats=True),
    Row("planes.slab_mode", "Slab: maximum, minimum, mean", keys="Shift+M", in_views=True),
    Row("planes.single_slice", "Single slice"),
    Row("tool.curve", "Curve along a vessel", "slice", "Shift+V", in_views=True, is_marked=True),
    Row("planes.straighten", "Straighten along the curve", keys="Ctrl+Shift+V"),
    Row("planes.new_curve", "Begin another curve"),
    Row("planes.delete_curve", "Delete the curve"),
    Row("planes.smoothing", "Pixels interpolated or as they are", keys="Shift+I", in_views=True),
)
