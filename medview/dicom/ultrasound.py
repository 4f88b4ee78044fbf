"""Ultrasound regions: where in a picture a pixel is a length (PS3.3 C.8.5.5)."""

from __future__ import annotations

from medview.core.study import Region
from medview.core.words import Sentence, say
from medview.dicom.elements import Elements

_CENTIMETRES = 3
_PICTURE = 1  # Region Spatial Format: 2D
_TISSUE = (1, 2)  # Region Data Type: tissue, colour flow
_DEEPEST = 400.0  # mm; no probe sees further: the picture was shrunk and the header was not
_EDGE = 1.0  # pixels that makers count the last row or column too many


def regions_of(top: Elements) -> tuple[tuple[Region, ...], tuple[Sentence, ...]]:
    """The regions in which lengths hold, and what to say.

    None where a region reaches beyond the picture: it was written for a picture of another size,
    and with the size its pixels changed.
    """
    items = top.items("SequenceOfUltrasoundRegions")
    rows, columns = top.integer("Rows"), top.integer("Columns")
    found: list[Region] = []
    for item in items:
        box = [item.number(f"RegionLocation{end}") for end in ("MinX0", "MinY0", "MaxX1", "MaxY1")]
        low_x, low_y, high_x, high_y = (-1.0 if v is None else v for v in box)
        if not (0 <= low_x <= high_x <= columns - 1 + _EDGE) or not (
            0 <= low_y <= high_y <= rows - 1 + _EDGE
        ):
            said = say("The ultrasound regions do not fit the picture: lengths are in pixels.")
            return (), (said,)
        across, down = item.number("PhysicalDeltaX"), item.number("PhysicalDeltaY")
        if not _is_length(item) or not across or not down:
            continue
        deep = 10 * abs(down) * (high_y - low_y)
        if deep > _DEEPEST:
            said = say(
                "The ultrasound regions tell of {deep} mm of depth: lengths are in pixels.",
                deep=f"{deep:.0f}",
            )
            return (), (said,)
        found.append(
            Region(
                rows=(low_y, min(high_y, rows - 1.0)),
                columns=(low_x, min(high_x, columns - 1.0)),
                spacing=(10 * abs(down), 10 * abs(across)),
            )
        )
    return tuple(found), ()


def _is_length(item: Elements) -> bool:
    units = (item.integer("PhysicalUnitsXDirection"), item.integer("PhysicalUnitsYDirection"))
    return (
        units == (_CENTIMETRES, _CENTIMETRES)
        and item.integer("RegionSpatialFormat") == _PICTURE
        and item.integer("RegionDataType") in _TISSUE
    )
