"""Curved reformations of analytic tubes: lengths, diameters and sides are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medview.core.geometry import Geometry, PatientPoint
from medview.core.volume import Volume
from medview.imaging.curved import CurvedPlane, cross_sections, unroll, unrolled_volume
from medview.imaging.curves import curve_through
from medview.imaging.slabs import Slab

RADIUS, TUBE = 30.0, 4.0  # of the bend and of the vessel, millimetres
SPACING = (0.6, 0.6, 0.9)
MIDDLE = np.array([0.0, 0.0, 0.0])


def on_bend(angle: float) -> PatientPoint:
    """A half circle in an oblique plane: right, up and backwards."""
    way = np.array([0.6, 0.8, 0.0]) * np.cos(angle) + np.array([0, 0, 1.0]) * np.sin(angle)
    return PatientPoint(*(float(v) for v in MIDDLE + RADIUS * way))


def bend(count: int = 13) -> tuple[PatientPoint, ...]:
    return tuple(on_bend(angle) for angle in np.linspace(0, np.pi, count))


@pytest.fixture(scope="module")
def tube() -> Volume:
    """A bent vessel of 300 on 0, smooth at its wall; a bead of 600 beside it, on one side only."""
    shape = (60, 110, 110)
    origin = PatientPoint(*(-0.5 * (n - 1) * s for n, s in zip((110, 110), SPACING, strict=False)),
                          -8.0)  # fmt: skip
    geometry = Geometry(shape=shape, spacing=SPACING, origin=origin)
    k, j, i = np.indices(shape)
    places = geometry.to_patient_array(np.column_stack([k.ravel(), j.ravel(), i.ravel()]))
    along = places @ np.array([0.6, 0.8, 0.0])
    aside = places @ np.array([-0.8, 0.6, 0.0])
    distance = np.hypot(np.hypot(along, places[:, 2]) - RADIUS, aside)
    values = 300 * np.clip((TUBE - distance) / 0.6 + 0.5, 0, 1)
    bead = np.array(on_bend(np.pi / 3)) + 9.0 * np.array([-0.8, 0.6, 0.0])
    values = np.maximum(values, 600 * (np.linalg.norm(places - bead, axis=1) < 1.5))
    return Volume(geometry=geometry, stored=values.astype(np.int16).reshape(shape))


def test_the_length_is_that_of_the_bend() -> None:
    curve = curve_through(bend(), 0.5)
    assert curve is not None
    assert curve.length_mm == pytest.approx(np.pi * RADIUS, rel=1e-3)
    steps = np.linalg.norm(np.diff(curve.places, axis=0), axis=1)
    assert steps == pytest.approx(curve.step_mm, rel=1e-3)
    off = np.linalg.norm(curve.places - MIDDLE, axis=1) - RADIUS
    assert np.abs(off).max() < 0.2  # beyond the ends nothing leads the curve
    for point in bend():
        assert np.linalg.norm(curve.places - point, axis=1).min() < curve.step_mm


def test_the_frame_stands_upright_and_turns_no_more_than_the_curve() -> None:
    curve = curve_through(bend(), 0.5)
    assert curve is not None
    assert np.abs((curve.tangents * curve.across).sum(axis=1)).max() < 1e-9
    # Along a plane curve the minimal frame keeps its angle to that plane.
    normal = np.array([-0.8, 0.6, 0.0])
    assert np.ptp(curve.across @ normal) < 1e-3


def test_close_points_make_no_loop_and_equal_points_no_curve() -> None:
    points = tuple(PatientPoint(*p) for p in ((0, 0, 0), (0, 0, 20), (0.5, 0, 20.5), (20, 0, 21)))
    curve = curve_through(points, 0.2)
    assert curve is not None
    turns = (curve.tangents[1:] * curve.tangents[:-1]).sum(axis=1)
    assert turns.min() > 0.5
    assert curve.length_mm < 41
    assert curve_through((PatientPoint(1, 2, 3),) * 3, 0.5) is None
    assert curve_through((PatientPoint(1, 2, 3),), 0.5) is None


@pytest.mark.parametrize("angle", [0.0, 0.7, np.pi / 2])
def test_the_straightened_vessel_has_its_length_and_diameter(tube: Volume, angle: float) -> None:
    curve = curve_through(bend(), 0.5)
    assert curve is not None
    plane = CurvedPlane(geometry=tube.geometry, curve=curve, angle=angle)
    values = plane.values(tube, 0)
    rows, columns = values.shape
    assert rows * plane.pixel_mm == pytest.approx(np.pi * RADIUS + plane.pixel_mm, rel=1e-3)
    for row in (rows // 4, rows // 2, 3 * rows // 4):
        line = np.nan_to_num(values[row])
        inside = np.flatnonzero(line[: columns // 2 + 12] > 150)
        inside = inside[np.abs(inside - columns // 2) < 12]
        assert len(inside) * plane.pixel_mm == pytest.approx(2 * TUBE, abs=plane.pixel_mm)
        assert inside.mean() == pytest.approx(columns // 2, abs=0.7)


def test_what_lies_on_one_side_of_the_vessel_stays_there(tube: Volume) -> None:
    curve = curve_through(bend(), 0.5)
    assert curve is not None
    side = np.array([-0.8, 0.6, 0.0])
    bead = PatientPoint(*(float(v) for v in np.array(on_bend(np.pi / 3)) + 9.0 * side))
    row = round(curve.length_mm / 3 / curve.step_mm)
    angle = float(np.arctan2(curve.aside[row] @ side, curve.across[row] @ side))
    plane = CurvedPlane(geometry=tube.geometry, curve=curve, angle=angle)
    values = np.nan_to_num(plane.values(tube, 0))
    found = np.argwhere(values > 450).mean(axis=0)
    middle = (plane.shape[1] - 1) / 2
    assert found == pytest.approx((row, middle + 9.0 / plane.pixel_mm), abs=1.0)
    off, at_row, at_column = plane.to_pixel(bead)
    assert (at_row, at_column) == pytest.approx(tuple(found), abs=1.0)
    assert abs(off) < 1.0
    assert plane.to_patient(0, at_row, at_column) == pytest.approx(bead, abs=0.5)
    turned = replace(plane, angle=angle + np.pi)
    other = np.argwhere(np.nan_to_num(turned.values(tube, 0)) > 450).mean(axis=0)
    assert other[1] == pytest.approx(middle - 9.0 / plane.pixel_mm, abs=1.0)


def test_lengths_in_the_picture_are_those_along_the_curve_and_across(tube: Volume) -> None:
    curve = curve_through(bend(), 0.5)
    assert curve is not None
    plane = CurvedPlane(geometry=tube.geometry, curve=curve)
    ends = [np.array(unroll(plane, on_bend(angle))) for angle in (0.0, np.pi / 2)]
    assert np.linalg.norm(ends[1] - ends[0]) == pytest.approx(np.pi / 2 * RADIUS, abs=0.5)
    a, b = (np.array(unroll(plane, plane.to_patient(0, 40, column))) for column in (30, 52))
    assert np.linalg.norm(b - a) == pytest.approx(22 * plane.pixel_mm, abs=0.1)
    flat = unrolled_volume(plane, tube)
    assert flat.geometry.shape[1:] == plane.shape
    assert flat.values(0) == pytest.approx(np.nan_to_num(plane.values(tube, 0)))


def test_sections_are_round_and_as_wide_as_the_vessel(tube: Volume) -> None:
    curve = curve_through(bend(), 0.5)
    assert curve is not None
    plane = cross_sections(tube.geometry, curve)
    assert plane.count == len(curve.places)
    for index in (plane.count // 4, plane.count // 2):
        values = np.nan_to_num(plane.values(tube, index))
        rows, columns = np.indices(values.shape)
        near = np.hypot(rows - values.shape[0] // 2, columns - values.shape[1] // 2) < 14
        area = ((values > 150) & near).sum() * plane.pixel_mm**2
        assert area == pytest.approx(np.pi * TUBE**2, rel=0.06)
        centre = plane.to_pixel(PatientPoint(*curve.places[index]))
        assert centre == pytest.approx(
            (index, values.shape[0] // 2, values.shape[1] // 2), abs=0.01
        )
        normal = plane.matrix_at(index)[:3, 0] / plane.pixel_mm
        assert normal == pytest.approx(curve.tangents[index])


def test_a_slab_of_the_straightened_picture_shows_what_lies_before_it(tube: Volume) -> None:
    curve = curve_through(bend(), 0.5)
    assert curve is not None
    side = np.array([-0.8, 0.6, 0.0])
    row = round(curve.length_mm / 3 / curve.step_mm)
    angle = float(np.arctan2(curve.aside[row] @ side, curve.across[row] @ side)) + np.pi / 2
    single = CurvedPlane(geometry=tube.geometry, curve=curve, angle=angle)
    assert np.nanmax(single.values(tube, 0)) < 350  # the bead lies beside the picture
    slab = replace(single, slab=Slab("mip", 20.0))
    assert np.nanmax(slab.values(tube, 0)) > 450
