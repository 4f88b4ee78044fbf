"""The Agatston score on boxes of known calcium, against sums made by hand and another labelling."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK

from medview.core.geometry import Geometry, PatientPoint
from medview.core.volume import Volume
from medview.imaging.segment.box import Box
from medview.imaging.segment.calcium import agatston


def plain(values: np.ndarray, step: float = 3.0, unit: str = "HU", pixel: float = 1.0) -> Volume:
    geometry = Geometry(
        shape=values.shape, spacing=(pixel, pixel, step), origin=PatientPoint(0, 0, 0)
    )
    return Volume(geometry=geometry, stored=values.astype(np.int16), unit=unit, modality="CT")


def score(volume: Volume) -> float | None:
    box = Box((0, 0, 0), volume.geometry.shape)
    return agatston(volume, box, np.ones(volume.geometry.shape, bool))


def test_the_worked_case_of_two_lesions_is_forty() -> None:
    values = np.full((1, 16, 16), 40)
    values[0, 1:3, 1:6] = 250  # 10 mm2, weight 2
    values[0, 8, 8:13] = 420  # 5 mm2, weight 4

    assert score(plain(values)) == pytest.approx(40.0)


@pytest.mark.parametrize(("peak", "weight"), [(129, 0), (130, 1), (200, 2), (300, 3), (400, 4)])
def test_the_weight_of_a_lesion_goes_by_its_peak(peak: int, weight: int) -> None:
    values = np.full((1, 8, 8), 40)
    values[0, 2:4, 2:4] = 129
    values[0, 2, 2] = peak

    assert score(plain(values)) == pytest.approx(float(weight))


def test_a_speck_below_a_square_millimetre_is_noise() -> None:
    values = np.full((1, 8, 8), 40)
    values[0, 2, 2] = 900

    assert score(plain(values, pixel=0.9)) == 0.0


def test_thin_slices_count_by_their_distance() -> None:
    thick = np.full((1, 8, 8), 40)
    thick[0, 2:4, 2:4] = 250
    thin = np.repeat(thick, 2, axis=0)

    assert score(plain(thin, step=1.5)) == pytest.approx(score(plain(thick)) or 0.0)


def test_what_is_not_painted_does_not_count() -> None:
    values = np.full((2, 8, 8), 900)
    mask = np.zeros((2, 4, 4), bool)
    mask[1, :2, :2] = True

    found = agatston(plain(values), Box((0, 2, 2), (2, 4, 4)), mask)

    assert found == pytest.approx(16.0)


def test_without_hounsfield_units_there_is_no_score() -> None:
    assert score(plain(np.full((1, 8, 8), 900), unit="")) is None


def test_it_agrees_with_another_labelling_of_a_random_slice() -> None:
    chance = np.random.default_rng(20261121)
    values = chance.integers(0, 450, (3, 40, 40))
    expected = 0.0
    for piece in values:
        image = SimpleITK.ConnectedComponent(
            SimpleITK.GetImageFromArray((piece >= 130).astype(np.uint8)), True
        )
        labels = SimpleITK.GetArrayFromImage(image)
        for label in range(1, labels.max() + 1):
            inside = labels == label
            expected += inside.sum() * (min(4, piece[inside].max() // 100))

    assert score(plain(values)) == pytest.approx(expected)
