"""Display shutters: what of a picture is not to be seen (PS3.3 C.7.6.11, C.7.6.15)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from medview.core.volume import GraphicPlane, Shutter
from medview.dicom.elements import Elements

NUMBERS = (
    "ShutterLeftVerticalEdge", "ShutterRightVerticalEdge", "ShutterUpperHorizontalEdge",
    "ShutterLowerHorizontalEdge", "CenterOfCircularShutter", "RadiusOfCircularShutter",
    "VerticesOfThePolygonalShutter",
)  # fmt: skip
Numbers = Mapping[str, Sequence[float]]


def shutter_group(top: Elements) -> int | None:
    """The overlay group that is a bitmap shutter and no drawing, None where there is none."""
    if "BITMAP" not in top.text("ShutterShape").upper().split("\\"):
        return None
    return top.integer("ShutterOverlayGroup") or None


def shutter_of(top: Elements, bitmap: GraphicPlane | None = None) -> Shutter | None:
    """The shutter of a picture; see `shutter_from`."""
    shapes = top.text("ShutterShape").split("\\")
    return shutter_from(shapes, {name: top.floats(name) for name in NUMBERS}, bitmap)


def shutter_from(
    shapes: Sequence[str], numbers: Numbers, bitmap: GraphicPlane | None = None
) -> Shutter | None:
    """The shutter from its elements by keyword, as written.

    Parts that cannot be are left out, None where none is left. Rows and columns are written from
    1. The standard does not say on which side an edge's own pixels lie: they are shown, so that
    nothing that may be image is hidden.
    """
    named = {shape.strip().upper() for shape in shapes}
    made = Shutter(
        rectangle=_rectangle(numbers) if "RECTANGULAR" in named else None,
        circle=_circle(numbers) if "CIRCULAR" in named else None,
        polygon=_polygon(numbers) if "POLYGONAL" in named else (),
        bitmap=bitmap,
    )
    is_any = made.rectangle or made.circle or made.polygon or made.bitmap
    return made if is_any else None


def _rectangle(numbers: Numbers) -> tuple[float, float, float, float] | None:
    names = ("UpperHorizontal", "LowerHorizontal", "LeftVertical", "RightVertical")
    edges = [numbers[f"Shutter{name}Edge"] for name in names]
    if not all(edges):
        return None
    upper, lower, left, right = (edge[0] - 1 for edge in edges)
    return (upper, lower, left, right) if upper <= lower and left <= right else None


def _circle(numbers: Numbers) -> tuple[float, float, float] | None:
    centre, radius = numbers["CenterOfCircularShutter"], numbers["RadiusOfCircularShutter"]
    if len(centre) < 2 or not radius or radius[0] <= 0:
        return None
    return (centre[0] - 1, centre[1] - 1, radius[0])


def _polygon(numbers: Numbers) -> tuple[tuple[float, float], ...]:
    flat = numbers["VerticesOfThePolygonalShutter"]
    corners = tuple((flat[at] - 1, flat[at + 1] - 1) for at in range(0, len(flat) - 1, 2))
    return corners if len(corners) >= 3 else ()
