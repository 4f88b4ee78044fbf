"""Shapes on analytic phantoms: areas, angles and statistics against numpy and hand counts."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its own name for itself

from medview.core.geometry import Geometry, PatientPoint
from medview.core.volume import Volume
from medview.imaging import roi
from medview.imaging.planes import Plane, native_plane, planes_of


def quantities(kind, volume, plane, points, calibration):
    """The numbers of a measurement on a plane."""
    site = roi.Site(volume=volume, plane=plane, calibration=calibration)
    return roi.measured(kind, points, site).quantities


def tilted() -> Geometry:
    """Pixels of 0.5 by 0.8 mm, slices 2.5 mm apart, turned about two axes."""
    turn = sitk.Euler3DTransform((0, 0, 0), 0.4, -0.3, 0.2)
    axes = np.array(turn.GetMatrix()).reshape(3, 3).T
    return Geometry(
        shape=(6, 40, 50), spacing=(0.8, 0.5, 2.5), origin=PatientPoint(-7, 11, 30),
        axes=tuple(tuple(float(v) for v in axis) for axis in axes),
    )  # fmt: skip


@pytest.fixture
def phantom() -> Volume:
    rng = np.random.default_rng(5)
    stored = rng.integers(0, 3000, (6, 40, 50)).astype(np.int16)
    return Volume(
        geometry=tilted(), stored=stored, unit="HU", modality="CT", intercept=-1000.0, slope=0.5
    )


def at(plane: Plane, index: float, *places: tuple[float, float]) -> tuple[PatientPoint, ...]:
    return tuple(plane.to_patient(index, row, column) for row, column in places)


def numbers(kind: str, volume: Volume, plane: Plane, points, calibration="patient"):
    return {q.concept: q.value for q in quantities(kind, volume, plane, points, calibration)}


def star(count: int = 9) -> list[tuple[float, float]]:
    """Corners of a star that is nowhere aligned with pixels."""
    turn = np.linspace(0, 2 * np.pi, 2 * count, endpoint=False) + 0.1
    reach = np.where(np.arange(2 * count) % 2, 6.3, 14.7)
    return [
        (19.37 + r * np.sin(t), 24.41 + r * np.cos(t)) for r, t in zip(reach, turn, strict=True)
    ]


@pytest.mark.parametrize("name", ["axial", "coronal", "sagittal"])
def test_statistics_in_a_polygon_are_those_of_the_pixels_whose_centres_lie_in_it(
    phantom: Volume, name: str
) -> None:
    plane = planes_of(phantom.geometry)[name]
    rows, columns = plane.shape
    corners = [(r * rows / 40, c * columns / 50) for r, c in star()]

    found = numbers("freehand", phantom, plane, at(plane, 2, *corners))

    inside = _winding(corners, plane.shape)  # by the sum of angles: another way to decide
    values = plane.values(phantom, 2)[inside].astype(float)
    assert inside.any()
    assert found["Count"] == values.size
    assert found["Mean"] == pytest.approx(values.mean())
    assert found["Standard deviation"] == pytest.approx(values.std(ddof=1))
    assert found["Median"] == pytest.approx(np.median(values))
    assert (found["Minimum"], found["Maximum"]) == (values.min(), values.max())


def _winding(corners: list[tuple[float, float]], shape: tuple[int, int]) -> np.ndarray:
    r, c = np.indices(shape)
    total = np.zeros(shape)
    ring = np.array([*corners, corners[0]])
    for (r0, c0), (r1, c1) in pairwise(ring):
        a = np.stack([r0 - r, c0 - c])
        b = np.stack([r1 - r, c1 - c])
        total += np.arctan2(a[0] * b[1] - a[1] * b[0], (a * b).sum(axis=0))
    return np.abs(total) > np.pi


def test_area_of_a_polygon_is_true_on_tilted_pixels_that_are_not_square(phantom: Volume) -> None:
    plane = native_plane(phantom.geometry)
    corners = star()

    found = numbers("freehand", phantom, plane, at(plane, 3, *corners))

    mm = np.array(corners) * (0.5, 0.8)
    by_hand = 0.5 * abs(
        sum(a[0] * b[1] - a[1] * b[0] for a, b in zip(mm, np.roll(mm, -1, axis=0), strict=True))
    )
    assert found["Area"] == pytest.approx(by_hand)


def test_rectangle_through_pixel_centres_holds_the_pixels_on_its_edges(phantom: Volume) -> None:
    plane = native_plane(phantom.geometry)

    found = numbers("rectangle", phantom, plane, at(plane, 1, (4, 5), (4, 9), (7, 9), (7, 5)))

    assert found["Count"] == 4 * 5
    assert found["Area"] == pytest.approx(3 * 0.5 * 4 * 0.8)
    assert found["Mean"] == pytest.approx(plane.values(phantom, 1)[4:8, 5:10].mean())


def test_polygon_partly_outside_takes_what_is_inside(phantom: Volume) -> None:
    plane = native_plane(phantom.geometry)

    found = numbers("rectangle", phantom, plane, at(plane, 1, (-5, -5), (-5, 2), (2, 2), (2, -5)))

    assert found["Count"] == 9


def test_an_outline_that_crosses_itself_has_no_area(phantom: Volume) -> None:
    plane = native_plane(phantom.geometry)

    found = numbers("freehand", phantom, plane, at(plane, 1, (5, 5), (20, 25), (5, 25), (20, 5)))

    assert "Area" not in found
    assert found["Count"] > 0


def test_spline_through_places_of_a_circle_has_the_area_of_the_circle(phantom: Volume) -> None:
    plane = native_plane(phantom.geometry)
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    circle = [(20 + 7.0 / 0.5 * np.sin(t), 25 + 7.0 / 0.8 * np.cos(t)) for t in turn]

    found = numbers("spline", phantom, plane, at(plane, 2, *circle))

    assert found["Area"] == pytest.approx(np.pi * 49, rel=0.005)


def test_padding_and_per_slice_rescale_count_in_every_shape() -> None:
    stored = np.full((3, 20, 20), 100, np.int16)
    stored[1, 8:10, 8:10] = -2000
    volume = Volume(
        geometry=Geometry(shape=(3, 20, 20)), stored=stored, unit="SUVbw", modality="PT",
        per_slice=np.array([[1.0, 0.0], [0.5, 2.0], [3.0, 0.0]]), padding=(-2000, -2000),
    )  # fmt: skip
    plane = native_plane(volume.geometry)

    square = numbers("rectangle", volume, plane, at(plane, 1, (5, 5), (5, 14), (14, 14), (14, 5)))
    (middle, rim) = at(plane, 1, (9, 9), (9, 12))
    ball = numbers("sphere", volume, plane, (middle, rim))

    assert (square["Count"], square["Mean"]) == (96, 52.0)
    assert ball["Minimum"] == 52.0
    assert ball["Maximum"] == 300.0


@pytest.mark.parametrize("degrees", [0.0, 12.5, 45.0, 89.0, 101.0])
def test_cobb_angle_is_that_of_the_lines_whichever_way_they_were_drawn(degrees: float) -> None:
    half = np.radians(degrees) / 2
    upper = np.array([np.cos(half), 0, -np.sin(half)]) * 20
    lower = np.array([np.cos(half), 0, np.sin(half)]) * 20
    top, low = np.array([0, 0, 60.0]), np.array([0, 0, -60.0])
    lines = [top - upper, top + upper, low - lower, low + lower]

    for order in ((0, 1, 2, 3), (1, 0, 2, 3), (0, 1, 3, 2), (3, 2, 0, 1)):
        points = tuple(PatientPoint(*lines[n]) for n in order)
        assert shapes_angle("cobb", points) == pytest.approx(degrees, abs=1e-9)


def shapes_angle(kind: str, points) -> float:
    volume = Volume(geometry=tilted(), stored=np.zeros((6, 40, 50), np.int16))
    (found,) = quantities(kind, volume, native_plane(volume.geometry), points, "none")
    assert found.unit == "deg"
    return found.value


def test_angle_is_true_in_millimetres_not_in_pixels(phantom: Volume) -> None:
    plane = native_plane(phantom.geometry)
    # 30 mm across, 30 mm down: 45 degrees, though 37.5 columns by 60 rows.
    points = at(plane, 0, (0, 37.5), (0, 0), (60, 37.5))

    assert shapes_angle("angle", points) == pytest.approx(45.0)


def test_long_and_short_axis_are_named_by_their_length(phantom: Volume) -> None:
    plane = native_plane(phantom.geometry)
    points = at(plane, 0, (10, 10), (10, 20), (0, 15), (30, 15))

    found = numbers("bidirectional", phantom, plane, points)

    assert list(found.items()) == [
        ("Long axis", pytest.approx(15)),
        ("Short axis", pytest.approx(8)),
    ]


def test_cardiothoracic_ratio_is_measured_across_a_leaning_midline() -> None:
    flat = Geometry(shape=(1, 400, 400), spacing=(0.5, 0.5, 1), is_spatial=False)
    volume = Volume(geometry=flat, stored=np.zeros((1, 400, 400), np.uint16))
    plane = native_plane(flat)
    lean = np.radians(7)
    across, along = np.array([np.sin(lean), np.cos(lean)]), np.array([np.cos(lean), -np.sin(lean)])
    top = np.array([60.0, 200.0])

    def place(down: float, right: float) -> tuple[float, float]:
        found = top + down * along + right * across
        return float(found[0]), float(found[1])

    points = at(
        plane, 0, place(0, 0), place(250, 0), place(150, -35), place(170, 65),
        place(200, -120), place(180, 110),
    )  # fmt: skip

    found = numbers("ctr", volume, plane, points, "DETECTOR")

    assert found["Cardiothoracic ratio"] == pytest.approx(100 / 230)
    assert found["Cardiac diameter"] == pytest.approx(50)
    assert found["Thoracic diameter"] == pytest.approx(115)


def test_a_known_length_scales_lengths_and_areas_not_angles(phantom: Volume) -> None:
    plane = native_plane(phantom.geometry)
    site = roi.Site(volume=phantom, plane=plane, calibration="USER", factor=0.5)
    square = at(plane, 1, (4, 5), (4, 9), (7, 9), (7, 5))

    area = roi.measured("rectangle", square, site)
    length = roi.measured("length", square[:2], site)
    angle = roi.measured("angle", square[:3], site)

    assert area.quantities[0].value == pytest.approx(0.25 * 1.5 * 3.2)
    assert (length.quantities[0].value, length.calibration) == (pytest.approx(1.6), "USER")
    assert angle.quantities[0].value == pytest.approx(90)


def test_values_wait_until_their_slice_is_there(phantom: Volume) -> None:
    plane = native_plane(phantom.geometry)
    square = at(plane, 1, (4, 5), (4, 9), (7, 9), (7, 5))
    ready = np.array([True, False, True, True, True, True])
    site = roi.Site(volume=phantom, plane=plane, ready=ready)

    early = roi.measured("rectangle", square, site).quantities
    late = roi.measured("rectangle", square, replace(site, ready=ready | True)).quantities

    assert [q.concept for q in early] == ["Area"]
    assert len(late) == 7


def test_what_lies_on_a_slice_is_whole_there_and_cut_on_the_others(phantom: Volume) -> None:
    planes = planes_of(phantom.geometry)
    axial, sagittal = planes["axial"], planes["sagittal"]
    square = at(axial, 2, (10, 10), (10, 30), (30, 30), (30, 10))
    column = round(sagittal.to_pixel(axial.to_patient(2, 20, 20))[0])

    whole = roi.cut("rectangle", square, axial, 2)
    beside = roi.cut("rectangle", square, axial, 3)
    across = roi.cut("rectangle", square, sagittal, column)

    assert whole is not None
    assert whole.is_whole
    assert beside is None
    assert across is not None
    assert not across.is_whole
    ((line, is_closed),) = across.lines
    ends = [sagittal.to_patient(column, *place) for place in line]
    assert not is_closed
    assert np.linalg.norm(np.subtract(*ends)) == pytest.approx(20 * 0.5)  # as high as the square


def test_length_that_goes_through_a_slice_is_one_spot_there(phantom: Volume) -> None:
    planes = planes_of(phantom.geometry)
    line = at(planes["axial"], 2, (10, 10), (30, 40))
    coronal = planes["coronal"]
    row = round(coronal.to_pixel(planes["axial"].to_patient(2, 20, 25))[0])

    found = roi.cut("length", line, coronal, row)

    assert found is not None
    assert found.lines == ()
    assert coronal.to_patient(row, *found.spots[0]) == pytest.approx(
        planes["axial"].to_patient(2, 20, 25), abs=0.01
    )


def test_handles_keep_what_belongs_to_the_kind(phantom: Volume) -> None:
    plane = native_plane(phantom.geometry)
    normal = tuple(float(v) for v in plane.normal_vector)
    square = at(plane, 1, (10, 10), (10, 20), (20, 20), (20, 10))
    cross = at(plane, 1, (10, 10), (10, 30), (5, 20), (15, 20))
    to = plane.to_patient(1, 26, 33)

    rectangle = np.array(roi.reshaped("rectangle", square, 2, to, normal))
    turned = np.array(roi.reshaped("bidirectional", cross, 1, to, normal))

    assert rectangle[0] == pytest.approx(np.array(square[0]))
    assert rectangle[2] == pytest.approx(np.array(to))
    assert np.dot(rectangle[1] - rectangle[0], rectangle[3] - rectangle[0]) == pytest.approx(0)
    assert np.dot(turned[1] - turned[0], turned[3] - turned[2]) == pytest.approx(0)
    assert np.linalg.norm(turned[3] - turned[2]) == pytest.approx(10 * 0.5)


def test_pulling_an_outline_moves_the_neighbours_less_and_the_far_side_not(phantom: Volume) -> None:
    plane = native_plane(phantom.geometry)
    turn = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    ring = at(plane, 1, *((20 + 10 * np.sin(t), 25 + 10 * np.cos(t)) for t in turn))
    normal = tuple(float(v) for v in plane.normal_vector)
    handle = roi.handles("freehand", 64)[4]
    to = PatientPoint(*np.add(ring[handle], (1.0, 2.0, 0.0)))

    pulled = np.array(roi.reshaped("freehand", ring, handle, to, normal)) - np.array(ring)

    assert pulled[handle] == pytest.approx((1, 2, 0))
    assert pulled[handle + 2] == pytest.approx((0.5, 1, 0))
    assert np.count_nonzero(np.abs(pulled).sum(axis=1) > 1e-9) == 7


def test_simplified_outlines_stay_within_the_tolerance() -> None:
    turn = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    ring = np.column_stack([30 * np.cos(turn), 30 * np.sin(turn), 0 * turn])

    found = roi.simplified(ring, 0.1)

    assert 20 < len(found) < 80
    reach = np.linalg.norm((found + np.roll(found, -1, axis=0)) / 2, axis=1)
    assert reach.min() >= 29.9


def test_values_on_a_turned_plane_are_those_between_the_voxels() -> None:
    geometry = tilted()
    k, j, i = np.indices(geometry.shape)
    ramp = (40 * k + 3 * j - 2 * i).astype(np.int16)  # straight: interpolation is exact
    volume = Volume(geometry=geometry, stored=ramp, unit="HU", modality="CT")
    right, down = np.array([1.0, 1.0, 0.0]) / np.sqrt(2), np.array([0.0, 0.3, -1.0])
    down = down - right * (down @ right)
    normal = np.cross(right, down / np.linalg.norm(down))
    centre = np.array(geometry.centre)
    corners = [centre + a * right + b * down for a, b in ((-3, -3), (3, -3), (3, 3), (-3, 3))]
    points = tuple(PatientPoint(*(float(v) for v in corner)) for corner in corners)
    plane = roi.plane_along(geometry, normal.tolist(), points[0])
    assert plane is not None

    values = roi.planar_values(volume, plane, "rectangle", points)

    mask, index = roi.mask_of(plane, "rectangle", points)
    places = [plane.to_patient(index, *place) for place in np.argwhere(mask)]
    expected = geometry.to_index_array(np.array(places)) @ (40, 3, -2)
    assert values.size == mask.sum() > 50
    assert values == pytest.approx(expected, abs=1e-6)
    picture = plane.values(volume, index)[mask]  # as the view shows it
    assert np.abs(picture - expected).max() < 0.5


def test_what_is_drawn_on_a_slab_is_measured_on_its_thin_middle(phantom: Volume) -> None:
    from medview.imaging.slabs import Slab, thick

    thin = native_plane(phantom.geometry)
    slab = thick(thin, Slab("mip", 10.0))
    square = at(thin, 2, (4, 5), (4, 9), (7, 9), (7, 5))

    thick_numbers = quantities("rectangle", phantom, slab, square, "patient")

    assert type(slab) is not type(thin)
    assert thick_numbers == quantities("rectangle", phantom, thin, square, "patient")
