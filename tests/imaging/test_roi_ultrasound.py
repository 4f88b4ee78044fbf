"""Ultrasound: every number in the units of the region that holds all points."""

from __future__ import annotations

import numpy as np
import pytest

from medview.core.geometry import Geometry
from medview.core.study import Region
from medview.core.volume import Volume
from medview.imaging import roi
from medview.imaging.planes import native_plane

FLAT = Geometry(shape=(1, 200, 200), is_spatial=False)
PICTURE = Region(rows=(0, 99), columns=(0, 199), spacing=(0.3, 0.2))
SPECTRUM = Region(
    rows=(100, 199), columns=(0, 199), spacing=(2.5, 0.01), units=("cm/s", "s"), zero_row=150.0,
    signed_down=-2.5,
)  # fmt: skip
INSET = Region(rows=(10, 29), columns=(10, 29), spacing=(0.1, 0.1))


def measured(kind: str, *places: tuple[float, float], regions=(PICTURE, SPECTRUM)):
    volume = Volume(geometry=FLAT, stored=np.full(FLAT.shape, 7, np.uint8))
    plane = native_plane(FLAT)
    site = roi.Site(volume=volume, plane=plane, calibration="US", regions=regions)
    found = roi.measured(kind, tuple(plane.to_patient(0, *p) for p in places), site)
    return found.calibration, [(q.concept, q.value, q.unit) for q in found.quantities]


def test_a_length_in_a_spectrum_is_a_time_and_a_difference_of_velocities() -> None:
    assert measured("length", (120, 50), (160, 90)) == (
        "US",
        [("Time", pytest.approx(0.4), "s"), ("Velocity difference", pytest.approx(100), "cm/s")],
    )


def test_a_probe_in_a_spectrum_gives_the_velocity_from_the_base_line() -> None:
    assert measured("probe", (130, 20)) == ("US", [("Velocity", pytest.approx(50.0), "cm/s")])
    assert measured("probe", (170, 20)) == ("US", [("Velocity", pytest.approx(-50.0), "cm/s")])


def test_shapes_that_mean_nothing_in_a_spectrum_have_no_numbers() -> None:
    for kind, places in (("angle", 3), ("rectangle", 4), ("bidirectional", 4)):
        corners = ((120, 20), (120, 60), (150, 60), (150, 20))[:places]
        assert measured(kind, *corners) == ("US", [])


def test_across_two_regions_lengths_are_in_pixels() -> None:
    assert measured("length", (90, 50), (120, 90)) == (
        "none",
        [("Length", pytest.approx(50), "{pixels}")],
    )


def test_area_and_angle_in_a_picture_have_its_millimetres() -> None:
    state, found = measured("rectangle", (10, 10), (10, 60), (40, 60), (40, 10))
    assert (state, found[0]) == ("US", ("Area", pytest.approx(9 * 10), "mm2"))
    _, found = measured("angle", (10, 70), (10, 10), (50, 70))  # 12 mm across, 12 mm down
    assert found == [("Angle", pytest.approx(45), "deg")]


def test_of_regions_that_overlap_the_smaller_one_holds() -> None:
    _, found = measured("length", (12, 12), (12, 22), regions=(PICTURE, INSET))
    assert found == [("Length", pytest.approx(1.0), "mm")]
