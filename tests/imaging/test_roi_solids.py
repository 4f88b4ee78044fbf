"""Spheres and the PET peak on analytic phantoms, against brute force and SimpleITK."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its own name for itself

from medview.core.geometry import Geometry, PatientPoint
from medview.core.volume import Volume
from medview.imaging import roi
from medview.imaging.planes import native_plane
from medview.imaging.roi.peak import kernel


def quantities(kind, volume, plane, points, calibration):
    """The numbers of a measurement on a plane."""
    site = roi.Site(volume=volume, plane=plane, calibration=calibration)
    return roi.measured(kind, points, site).quantities


def pet(shape=(24, 30, 28), spacing=(2.5, 2.0, 3.0), **changes) -> Volume:
    turn = sitk.Euler3DTransform((0, 0, 0), 0.2, 0.1, -0.3)
    axes = np.array(turn.GetMatrix()).reshape(3, 3).T
    geometry = Geometry(
        shape=shape, spacing=spacing, origin=PatientPoint(5, -9, 100),
        axes=tuple(tuple(float(v) for v in axis) for axis in axes),
    )  # fmt: skip
    geometry = changes.pop("geometry", geometry)
    stored = changes.pop("stored", np.random.default_rng(1).random(shape).astype(np.float32))
    return Volume(geometry=geometry, stored=stored, unit="SUVbw", modality="PT", **changes)


def centres(geometry: Geometry) -> np.ndarray:
    index = np.indices(geometry.shape).reshape(3, -1).T
    return geometry.to_patient_array(index).reshape(*geometry.shape, 3)


def test_voxels_of_a_sphere_are_those_whose_centres_lie_in_it() -> None:
    volume = pet()
    middle = volume.geometry.to_patient(
        type(volume.geometry.to_index(PatientPoint(0, 0, 0)))(11.3, 14.7, 13.2)
    )

    values = roi.sphere_values(volume, middle, 17.0)

    inside = np.linalg.norm(centres(volume.geometry) - np.array(middle), axis=-1) <= 17.0
    assert values.size == inside.sum()
    assert np.sort(values) == pytest.approx(np.sort(volume.stored[inside].astype(float)))


def test_a_sphere_is_found_in_slices_that_do_not_lie_evenly() -> None:
    heights = (0.0, 2.0, 4.0, 9.0, 11.0, 13.0)
    geometry = Geometry(
        shape=(6, 20, 20), spacing=(1, 1, 2),
        places=tuple(PatientPoint(0, 0, z) for z in heights),
    )  # fmt: skip
    stored = np.arange(6, dtype=np.int16)[:, None, None] * np.ones((1, 20, 20), np.int16)
    volume = pet(geometry=geometry, stored=stored)

    values = roi.sphere_values(volume, PatientPoint(10, 10, 9.0), 4.5)

    away = np.linalg.norm(centres(geometry) - (10, 10, 9.0), axis=-1)
    assert np.bincount(values.astype(int), minlength=6).tolist() == [
        int((away[k] <= 4.5).sum()) for k in range(6)
    ]


def test_volume_of_a_sphere_is_that_of_its_radius() -> None:
    volume = pet()
    plane = native_plane(volume.geometry)
    middle = volume.geometry.centre
    rim = PatientPoint(middle.x + 6, middle.y, middle.z + 8)

    found = {q.concept: q for q in quantities("sphere", volume, plane, (middle, rim), "patient")}

    assert found["Volume"].value == pytest.approx(4 / 3 * np.pi * 1000)
    assert (found["Volume"].unit, found["Mean"].unit) == ("mm3", "{SUVbw}g/ml")


def test_the_peak_sphere_holds_one_millilitre() -> None:
    geometry = pet().geometry

    weights = kernel(geometry)

    assert weights.sum() == pytest.approx(1)
    # The middle voxel lies wholly inside: its share is its volume in a sphere of 1000 mm³.
    assert weights.max() == pytest.approx(geometry.voxel_mm3 / 1000, rel=0.02)
    assert weights == pytest.approx(weights[::-1, ::-1, ::-1])


def test_peak_is_the_highest_mean_over_a_millilitre_as_brute_force_finds_it() -> None:
    volume = pet()
    middle = volume.geometry.centre

    found = roi.peak(volume, middle, 9.0)

    assert found is not None
    best = max(
        _fine_mean(volume, centre)
        for centre in centres(volume.geometry).reshape(-1, 3)
        if np.linalg.norm(centre - middle) <= 9.0
    )
    assert found.value == pytest.approx(best, rel=0.01)


def _fine_mean(volume: Volume, centre: np.ndarray) -> float:
    """Nearest voxels under 40 000 even places of a 1 mL sphere."""
    steps = np.linspace(-1, 1, 42) * roi.RADIUS_MM
    cloud = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    cloud = cloud[np.linalg.norm(cloud, axis=1) <= roi.RADIUS_MM] + centre
    index = np.rint(volume.geometry.to_index_array(cloud)).astype(int)
    return float(volume.stored[tuple(index.T)].mean())


def test_peak_of_a_blurred_lesion_is_the_mean_of_its_gaussian() -> None:
    volume = pet(shape=(41, 41, 41), spacing=(1.5, 1.5, 1.5))  # a voxel in the very middle
    middle, sigma = np.array(volume.geometry.centre), 7.0
    away = np.linalg.norm(centres(volume.geometry) - middle, axis=-1)
    lesion = pet(
        geometry=volume.geometry,
        stored=(10 * np.exp(-(away**2) / (2 * sigma**2))).astype(np.float32),
    )

    found = roi.peak(lesion, PatientPoint(*middle), 8.0)

    r = np.linspace(0, roi.RADIUS_MM, 20_001)
    shell = np.trapezoid(10 * np.exp(-(r**2) / (2 * sigma**2)) * r**2, r)
    assert found is not None
    assert found.value == pytest.approx(3 * shell / roi.RADIUS_MM**3, rel=0.01)
    assert np.linalg.norm(np.subtract(found.centre, middle)) < 2.0


def test_a_peak_never_reaches_beyond_the_volume_or_over_padding() -> None:
    stored = np.ones((24, 30, 28), np.float32)
    stored[:, :, :3] = 50.0
    volume = pet(stored=stored)
    corner = volume.geometry.to_patient(
        type(volume.geometry.to_index(PatientPoint(0, 0, 0)))(12, 15, 0)
    )

    assert roi.peak(volume, corner, 3.0) is None  # every sphere would leave the volume

    padded = pet(stored=stored, padding=(50.0, 50.0))
    inner = volume.geometry.to_patient(
        type(volume.geometry.to_index(PatientPoint(0, 0, 0)))(12, 15, 7)
    )
    found = roi.peak(padded, inner, 10.0)
    assert found is not None
    assert found.value == pytest.approx(1.0)


def test_suv_peak_comes_first_with_its_code() -> None:
    volume = pet()
    plane = native_plane(volume.geometry)
    middle = volume.geometry.centre

    found = quantities(
        "suv_peak",
        volume,
        plane,
        (middle, PatientPoint(middle.x + 9, middle.y, middle.z)),
        "patient",
    )

    assert (found[0].concept, found[0].unit) == ("Peak", "{SUVbw}g/ml")
    assert found[0].code is not None
    assert found[0].code.value == "126031"


def test_values_under_a_shape_that_was_drawn_on_another_grid_are_the_other_grids() -> None:
    fused = pet()
    fine = Geometry(
        shape=(48, 90, 84), spacing=(2.5 / 3, 2.0 / 3, 1.5), origin=fused.geometry.origin,
        axes=fused.geometry.axes,
    )  # fmt: skip
    drawn = native_plane(fine)
    ring = tuple(drawn.to_patient(24, r, c) for r, c in ((30, 30), (30, 60), (60, 60), (60, 30)))
    plane = roi.plane_along(fused.geometry, drawn.normal_vector)
    assert plane is not None

    values = roi.planar_values(fused, plane, "rectangle", ring)

    assert values.size == 11 * 11
    assert values.mean() == pytest.approx(plane.values(fused, 12)[10:21, 10:21].mean())
