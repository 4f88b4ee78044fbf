"""Ultrasound regions: where in a picture a pixel is a length, a time, a velocity (C.8.5.5)."""

from __future__ import annotations

from dataclasses import replace

from medview.core.study import Region
from medview.core.words import Sentence, say
from medview.dicom.elements import Elements

# Physical Units X and Y Direction (0018,6024), (0018,6026): our unit, how many of it in theirs.
_UNITS = {3: ("mm", 10.0), 4: ("s", 1.0), 7: ("cm/s", 1.0)}
_PICTURE, _M_MODE, _SPECTRUM = 1, 2, 3  # Region Spatial Format
_TISSUE = (1, 2)  # Region Data Type: tissue, colour flow
_DEEPEST = 400.0  # mm; no probe sees further: the picture was shrunk and the header was not
_EDGE = 1.0  # pixels that makers count the last row or column too many


def regions_of(top: Elements) -> tuple[tuple[Region, ...], tuple[Sentence, ...]]:
    """The regions in which lengths, times or velocities hold, and what to say.

    None where a region reaches beyond the picture: it was written for a picture of another size,
    and with the size its pixels changed.
    """
    rows, columns = top.integer("Rows"), top.integer("Columns")
    found: list[Region] = []
    for item in top.items("SequenceOfUltrasoundRegions"):
        box = [item.number(f"RegionLocation{end}") for end in ("MinX0", "MinY0", "MaxX1", "MaxY1")]
        low_x, low_y, high_x, high_y = (-1.0 if v is None else v for v in box)
        if not (0 <= low_x <= high_x <= columns - 1 + _EDGE) or not (
            0 <= low_y <= high_y <= rows - 1 + _EDGE
        ):
            said = say("The ultrasound regions do not fit the picture: lengths are in pixels.")
            return (), (said,)
        place = ((low_y, min(high_y, rows - 1.0)), (low_x, min(high_x, columns - 1.0)))
        region = _region(item, place)
        if region is None:
            continue
        deep = region.spacing[0] * (high_y - low_y)
        if region.is_length and deep > _DEEPEST:
            said = say(
                "The ultrasound regions tell of {deep} mm of depth: lengths are in pixels.",
                deep=f"{deep:.0f}",
            )
            return (), (said,)
        found.append(region)
    return tuple(found), ()


def _region(
    item: Elements, place: tuple[tuple[float, float], tuple[float, float]]
) -> Region | None:
    across, down = item.number("PhysicalDeltaX"), item.number("PhysicalDeltaY")
    units = [_UNITS.get(item.integer(f"PhysicalUnits{axis}Direction"), ("", 0.0)) for axis in "YX"]
    named = (units[0][0], units[1][0])
    if not across or not down or not _is_meant(item, named):
        return None
    spacing = (units[0][1] * abs(down), units[1][1] * abs(across))
    region = Region(rows=place[0], columns=place[1], spacing=spacing, units=named)
    if named[0] != "cm/s":
        return region
    reference = item.number("ReferencePixelY0")
    if reference is None:
        return region
    # The reference pixel is counted from the region's corner; its value is 0 unless it is given.
    offset = item.number("ReferencePixelPhysicalValueY") or 0.0
    zero = place[0][0] + reference - offset / down
    return replace(region, zero_row=zero, signed_down=down)


def _is_meant(item: Elements, units: tuple[str, str]) -> bool:
    """Whether the kind of region and its units (down, across) go together."""
    form = item.integer("RegionSpatialFormat")
    if units == ("mm", "mm"):
        return form == _PICTURE and item.integer("RegionDataType") in _TISSUE
    return (form, units) in ((_M_MODE, ("mm", "s")), (_SPECTRUM, ("cm/s", "s")))
