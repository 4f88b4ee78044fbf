"""Display shutters: what of a picture is not to be seen (PS3.3 C.7.6.11, C.7.6.15)."""

from __future__ import annotations

from medview.core.volume import GraphicPlane, Shutter
from medview.dicom.elements import Elements


def shutter_group(top: Elements) -> int | None:
    """The overlay group that is a bitmap shutter and no drawing, None where there is none."""
    if "BITMAP" not in _shapes(top):
        return None
    return top.integer("ShutterOverlayGroup") or None


def shutter_of(top: Elements, bitmap: GraphicPlane | None = None) -> Shutter | None:
    """The shutter of a picture; parts that cannot be are left out, None where none is left.

    Rows and columns are written from 1. The standard does not say on which side an edge's own
    pixels lie: they are shown, so that nothing that may be image is hidden.
    """
    shapes = _shapes(top)
    made = Shutter(
        rectangle=_rectangle(top) if "RECTANGULAR" in shapes else None,
        circle=_circle(top) if "CIRCULAR" in shapes else None,
        polygon=_polygon(top) if "POLYGONAL" in shapes else (),
        bitmap=bitmap,
    )
    is_any = made.rectangle or made.circle or made.polygon or made.bitmap
    return made if is_any else None


def _shapes(top: Elements) -> list[str]:
    return [shape.strip().upper() for shape in top.text("ShutterShape").split("\\")]


def _rectangle(top: Elements) -> tuple[float, float, float, float] | None:
    upper, lower = (top.number(f"Shutter{e}HorizontalEdge") for e in ("Upper", "Lower"))
    left, right = (top.number(f"Shutter{e}VerticalEdge") for e in ("Left", "Right"))
    if upper is None or lower is None or left is None or right is None:
        return None
    box = (upper - 1, lower - 1, left - 1, right - 1)
    return box if box[0] <= box[1] and box[2] <= box[3] else None


def _circle(top: Elements) -> tuple[float, float, float] | None:
    centre, radius = top.floats("CenterOfCircularShutter"), top.number("RadiusOfCircularShutter")
    if len(centre) < 2 or radius is None or radius <= 0:
        return None
    return (centre[0] - 1, centre[1] - 1, radius)


def _polygon(top: Elements) -> tuple[tuple[float, float], ...]:
    flat = top.floats("VerticesOfThePolygonalShutter")
    corners = tuple((flat[at] - 1, flat[at + 1] - 1) for at in range(0, len(flat) - 1, 2))
    return corners if len(corners) >= 3 else ()
