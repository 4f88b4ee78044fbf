"""Uneven slices: what is drawn across them lies at its true millimetres."""

from __future__ import annotations

import numpy as np
import pytest

from medview.core.geometry import Geometry, PatientPoint, VoxelIndex
from medview.core.results import Label, LabelMap
from medview.core.volume import Volume
from medview.imaging import roi
from medview.imaging.grey import grey_slice
from medview.imaging.overlay import cut_labels
from medview.imaging.planes import native_plane, planes_of
from medview.imaging.reduce import reduced
from medview.imaging.window import Window

ALONG = (0.0, 4.0, 8.0, 9.0, 16.0, 23.0)
ROWS, COLUMNS = 40, 30


def uneven(slant: float = 0.0, along: tuple[float, ...] = ALONG, **changes: object) -> Geometry:
    """Slices 1 x 0.5 mm, their places slant * z beside the normal."""
    length = float(np.hypot(1.0, slant))
    given: dict[str, object] = {
        "shape": (len(along), ROWS, COLUMNS),
        "spacing": (0.5, 1.0, 4.0 * length),
        "origin": PatientPoint(-7, -20, along[0]),
        "axes": ((1, 0, 0), (0, 1, 0), (0, slant / length, 1 / length)),
        "places": tuple(PatientPoint(-7, -20 + slant * z, z) for z in along),
    }
    return Geometry(**(given | changes))  # type: ignore[arg-type]


def ball(geometry: Geometry, centre: tuple[float, float, float], radius: float) -> Volume:
    """A ball of 100 on 0, drawn voxel by voxel from millimetres."""
    k, j, i = np.indices(geometry.shape)
    places = geometry.to_patient_array(np.column_stack([k.ravel(), j.ravel(), i.ravel()]))
    inside = np.linalg.norm(places - centre, axis=1) <= radius
    stored = np.where(inside, 100, 0).astype(np.int16).reshape(geometry.shape)
    return Volume(geometry=geometry, stored=stored)


@pytest.mark.parametrize("slant", [0.0, 0.35, -0.35])
def test_index_and_millimetres_go_there_and_back(slant: float) -> None:
    geometry = uneven(slant)
    for k, z in enumerate(ALONG):
        point = geometry.to_patient(VoxelIndex(k, 3, 2))
        assert point == pytest.approx((-6, -17 + slant * z, z))
        assert geometry.to_index(point) == pytest.approx((k, 3, 2))
    between = geometry.to_patient(VoxelIndex(3.5, 0, 0))
    assert between == pytest.approx((-7, -20 + slant * 12.5, 12.5))
    assert geometry.to_index(between) == pytest.approx((3.5, 0, 0))
    assert geometry.to_index(PatientPoint(-7, -20 - slant * 2, -2.0)) == pytest.approx(
        (-0.5, 0, 0), abs=1e-9
    )


@pytest.mark.parametrize("slant", [0.0, 0.35])
@pytest.mark.parametrize("name", ["coronal", "sagittal"])
def test_a_ball_is_round_across_uneven_slices(slant: float, name: str) -> None:
    centre = (0.0, slant * 12.0, 12.0)
    volume = ball(uneven(slant, tuple(np.r_[0:8:1.0, 8:16:0.5, 16:26:2.0])), centre, 5.0)
    plane = planes_of(volume.geometry)[name]
    index, row, column = plane.to_pixel(PatientPoint(*centre))
    cut = plane.values(volume, round(index)) > 50
    rows, columns = np.nonzero(cut)
    places = np.array(
        [plane.to_patient(round(index), r, c) for r, c in zip(rows, columns, strict=True)]
    )
    assert np.linalg.norm(places - centre, axis=1).max() <= 6.0  # half a slab beyond it
    assert places[:, 2].min() == pytest.approx(7.0, abs=1.1)
    assert places[:, 2].max() == pytest.approx(17.0, abs=1.1)
    assert (rows.mean(), columns.mean()) == pytest.approx((row, column), abs=1.5)


def test_every_line_of_a_reconstruction_is_its_nearest_slice() -> None:
    geometry = uneven()
    stored = np.broadcast_to(np.arange(6, dtype=np.int16)[:, None, None], geometry.shape)
    plane = planes_of(geometry)["coronal"]
    values = plane.values(Volume(geometry=geometry, stored=stored), 3)
    for row in range(plane.shape[0]):
        z = plane.to_patient(3, row, 0)[2]
        nearest = np.abs(np.array(ALONG) - z)
        assert nearest[int(values[row, 0])] == pytest.approx(nearest.min(), abs=1e-9)


def test_where_slices_are_missing_nothing_is_drawn_and_nothing_measured() -> None:
    geometry = uneven(along=(0.0, 4.0, 8.0, 20.0, 24.0), gaps=(2,))
    volume = Volume(geometry=geometry, stored=np.full(geometry.shape, 50, np.int16))
    plane = planes_of(geometry)["coronal"]
    values = plane.values(volume, 0)
    z = np.array([plane.to_patient(0, row, 0)[2] for row in range(plane.shape[0])])
    assert (np.isnan(values[:, 0]) == ((z > 10.1) & (z < 17.9))).all()
    assert (grey_slice(volume, plane, 0, Window(center=0, width=2))[:, 0] == 0).sum() == 2
    assert roi.probe(volume, PatientPoint(-7, -20, 14.0)) is None
    assert roi.probe(volume, PatientPoint(-7, -20, 9.5)) == 50.0


def test_a_length_across_uneven_slices_is_in_true_millimetres() -> None:
    plane = planes_of(uneven(0.35))["sagittal"]
    rows = plane.shape[0] - 1
    start, end = plane.to_patient(0, 0, 0), plane.to_patient(0, rows, 0)
    assert abs(start.z - end.z) == pytest.approx(23.0)
    assert np.linalg.norm(np.subtract(end, start)) == pytest.approx(23.0 * np.hypot(1, 0.35))


def test_an_ellipse_on_an_uneven_slice_counts_its_own_pixels() -> None:
    geometry = uneven(0.35)
    stored = np.zeros(geometry.shape, np.int16)
    stored[4, 10:15, 10:20] = 7
    plane = native_plane(geometry)
    middle = np.array(geometry.to_patient(VoxelIndex(4, 12, 14.5)))
    ends = [middle + d for d in ((-2, 0, 0), (2, 0, 0), (0, -2, 0), (0, 2, 0))]
    site = roi.Site(volume=Volume(geometry=geometry, stored=stored), plane=plane)
    made = roi.measured("ellipse", tuple(PatientPoint(*end) for end in ends), site)
    found = {q.concept: q.value for q in made.quantities}
    assert (found["Mean"], found["Minimum"]) == (7.0, 7.0)


@pytest.mark.parametrize("slant", [0.0, 0.35])
def test_a_mask_of_another_grid_lies_at_its_millimetres(slant: float) -> None:
    geometry, centre = uneven(slant), (0.0, slant * 12.0, 12.0)
    fine = Geometry(shape=(60, 80, 60), spacing=(0.5, 0.5, 0.5), origin=PatientPoint(-15, -16, 0))
    mask = ball(fine, centre, 6.0)
    labels = LabelMap(
        id="m",
        geometry=fine,
        voxels=(np.asarray(mask.stored) > 0).astype(np.uint8),
        labels=(Label(value=1, name="ball", colour="#ffffff"),),
    )
    for plane in planes_of(geometry).values():
        index = round(plane.to_pixel(PatientPoint(*centre))[0])
        cut = cut_labels(labels, plane, index)
        for row, column in np.argwhere(cut > 0):
            place = np.array(plane.to_patient(index, row, column))
            assert np.linalg.norm(place - centre) <= 6.0 + 0.5
        assert cut.any()


def test_masks_of_an_uneven_grid_show_on_its_own_planes() -> None:
    geometry = uneven()
    voxels = np.zeros(geometry.shape, np.uint8)
    voxels[3, 10, 10] = 1
    labels = LabelMap(
        id="m",
        geometry=geometry,
        voxels=voxels,
        labels=(Label(value=1, name="dot", colour="#ffffff"),),
    )
    plane = planes_of(geometry)["coronal"]
    at = geometry.to_patient(VoxelIndex(3, 10, 10))
    _, row, column = plane.to_pixel(at)
    cut = cut_labels(labels, plane, 10)
    assert cut[round(row), round(column)] == 1
    assert {int(c) for _, c in np.argwhere(cut)} == {round(column)}


def test_slices_beside_the_line_are_drawn_at_their_own_place() -> None:
    places = [PatientPoint(-7, -20, float(z)) for z in range(6)]
    places[3] = PatientPoint(-7 + 2.0, -20 - 3.0, 3.0)
    geometry = uneven(along=tuple(float(z) for z in range(6)), places=tuple(places))
    stored = np.zeros(geometry.shape, np.int16)
    stored[3, 10, 10] = 9
    at = geometry.to_patient(VoxelIndex(3, 10, 10))
    for name in ("coronal", "sagittal"):
        plane = planes_of(geometry)[name]
        index, row, column = (round(v) for v in plane.to_pixel(at))
        values = plane.values(Volume(geometry=geometry, stored=stored), index)
        assert values[row, column] == 9
        assert np.nansum(values) == 9 * (values == 9).sum()


def test_the_copy_for_the_volume_view_is_even() -> None:
    volume = ball(uneven(0.35), (0.0, 4.2, 12.0), 5.0)
    small, geometry = reduced(volume, 256)
    assert geometry.is_even
    inside = np.argwhere(small > 50).astype(float)
    places = geometry.to_patient_array(inside)
    assert np.linalg.norm(places - (0.0, 4.2, 12.0), axis=1).max() <= 5.0 + 3.5
    assert places.mean(axis=0) == pytest.approx((0.0, 4.2, 12.0), abs=1.5)
