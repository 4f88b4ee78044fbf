"""Rulers and ellipses: true millimetres, true statistics, honest units."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its own name for itself

from medview.core.geometry import Geometry, PatientPoint
from medview.core.results import Measurement
from medview.imaging import roi
from medview.imaging.planes import Plane, native_plane, planes_of


def quantities(kind, volume, plane, points, calibration):
    """The numbers of a measurement on a plane."""
    site = roi.Site(volume=volume, plane=plane, calibration=calibration)
    return roi.measured(kind, points, site).quantities


def _ellipse(plane: Plane, index: int, centre, half) -> tuple[PatientPoint, ...]:
    (row, column), (down, across) = centre, half
    places = ((row, column - across), (row, column + across), (row - down, column),
              (row + down, column))  # fmt: skip
    return tuple(plane.to_patient(index, r, c) for r, c in places)


@pytest.fixture
def noisy(ct_volume):
    rng = np.random.default_rng(3)
    return ct_volume(rng.integers(0, 2000, (5, 60, 50)).astype(np.int16))


def test_length_of_a_diagonal_is_true_for_pixels_of_0_8_by_0_5(noisy) -> None:
    plane = planes_of(noisy.geometry)["axial"]
    ends = (plane.to_patient(2, 0, 0), plane.to_patient(2, 20, 10))

    (quantity,) = quantities("length", noisy, plane, ends, "patient")

    assert quantity.value == pytest.approx(np.hypot(20 * 0.5, 10 * 0.8))
    assert quantity.unit == "mm"


def test_length_without_calibration_is_in_pixels(ct_volume) -> None:
    geometry = Geometry(shape=(1, 60, 50), spacing=(1.0, 1.0, 1.0), is_spatial=False)
    volume = ct_volume(np.zeros((1, 60, 50), np.uint16), geometry=geometry, unit="")
    plane = native_plane(geometry)
    ends = (plane.to_patient(0, 0, 0), plane.to_patient(0, 30, 40))

    (quantity,) = quantities("length", volume, plane, ends, "none")

    assert (quantity.value, quantity.unit) == (pytest.approx(50), "{pixels}")


@pytest.mark.parametrize("name", ["axial", "coronal", "sagittal"])
def test_ellipse_statistics_agree_with_simpleitk(noisy, name: str) -> None:
    plane = planes_of(noisy.geometry)[name]
    index = 2
    points = _ellipse(plane, index, (2.2, 20.3) if name != "axial" else (30, 25), (1.9, 9.7))

    found = roi.statistics_of(roi.planar_values(noisy, plane, "ellipse", points))

    mask, _ = roi.mask_of(plane, "ellipse", points)
    filtered = sitk.LabelStatisticsImageFilter()
    filtered.Execute(
        sitk.GetImageFromArray(plane.values(noisy, index)),
        sitk.GetImageFromArray(mask.astype(np.uint8)),
    )
    assert found.count == filtered.GetCount(1)
    assert found.mean == pytest.approx(filtered.GetMean(1))
    assert found.sd == pytest.approx(filtered.GetSigma(1))
    assert (found.minimum, found.maximum) == (filtered.GetMinimum(1), filtered.GetMaximum(1))


def test_pixel_belongs_to_an_ellipse_when_its_centre_does(ct_volume) -> None:
    volume = ct_volume(np.zeros((1, 9, 9), np.int16), geometry=Geometry(shape=(1, 9, 9)))
    plane = native_plane(volume.geometry)

    mask, _ = roi.mask_of(plane, "ellipse", _ellipse(plane, 0, (4, 4), (2, 2)))

    # Hand count: centres within 2 of the middle are 13.
    assert mask.sum() == 13
    assert mask[4, 6]
    assert not mask[5, 6]


def test_area_of_an_ellipse_is_pi_a_b(noisy) -> None:
    plane = planes_of(noisy.geometry)["axial"]

    found = quantities("ellipse", noisy, plane, _ellipse(plane, 1, (30, 25), (10, 5)), "CAL")

    assert found[0].value == pytest.approx(np.pi * (10 * 0.5) * (5 * 0.8))
    assert [q.unit for q in found] == ["mm2"] + ["[hnsf'U]"] * 5 + ["{pixels}"]


def test_padding_is_left_out_of_statistics_and_probe(ct_volume) -> None:
    stored = np.full((1, 9, 9), 1100, np.int16)
    stored[0, 4, 4] = -2000
    volume = ct_volume(stored, padding=(-2000, -2000), geometry=Geometry(shape=(1, 9, 9)))
    plane = native_plane(volume.geometry)

    points = _ellipse(plane, 0, (4, 4), (2, 2))
    found = roi.statistics_of(roi.planar_values(volume, plane, "ellipse", points))

    assert (found.count, found.mean, found.sd) == (12, 76.0, 0.0)
    assert roi.probe(volume, plane.to_patient(0, 4, 4)) is None
    assert roi.probe(volume, plane.to_patient(0, 3, 4)) == 76.0


def test_ellipse_outside_the_picture_has_only_an_area(noisy) -> None:
    plane = planes_of(noisy.geometry)["axial"]

    found = quantities("ellipse", noisy, plane, _ellipse(plane, 1, (300, 25), (5, 5)), "patient")

    assert [q.concept for q in found] == ["Area"]


def test_flat_ellipse_is_no_error(noisy) -> None:
    plane = planes_of(noisy.geometry)["axial"]

    flat = _ellipse(plane, 1, (30, 25), (0, 5))

    assert roi.planar_values(noisy, plane, "ellipse", flat).size == 0


def test_lines_carry_number_unit_and_mark(noisy) -> None:
    plane = planes_of(noisy.geometry)["axial"]
    ends = (plane.to_patient(2, 0, 0), plane.to_patient(2, 0, 10))
    measurement = Measurement(
        id="1", kind="length", series_uid="1.2", stack=0, points=ends, normal=(0, 0, 1),
        quantities=quantities("length", noisy, plane, ends, "DETECTOR"),
        calibration="DETECTOR",
    )  # fmt: skip

    assert roi.lines(measurement) == ("8.0 mm DETECTOR",)
