"""The made images: tissue where the truth says it is, within published ranges."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, label

from medview.demo.exams import FULL, main_ct
from medview.demo.study import DemoPaths

MASKS = ("airway", "body", "emphysema", "lung_left", "lung_right", "nodule")


@pytest.fixture(scope="module")
def truth(demo: DemoPaths) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((demo.truth / "truth.json").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def slices(demo: DemoPaths) -> list[pydicom.Dataset]:
    folder = demo.images / "MV-0001" / "2026-ct" / "series-3"
    read = [pydicom.dcmread(p) for p in folder.iterdir()]
    return sorted(read, key=lambda d: float(d.ImagePositionPatient[2]))


@pytest.fixture(scope="module")
def hu(slices: list[pydicom.Dataset]) -> NDArray[np.float32]:
    return np.stack([d.pixel_array + float(d.RescaleIntercept) for d in slices]).astype(np.float32)


def _mask(demo: DemoPaths, name: str) -> NDArray[np.bool_]:
    image = sitk.ReadImage(str(demo.truth / f"{name}.nii.gz"))
    return np.asarray(sitk.GetArrayFromImage(image), bool)


@pytest.mark.parametrize("name", MASKS)
def test_a_mask_lies_on_the_grid_of_the_ct(
    demo: DemoPaths, slices: list[pydicom.Dataset], name: str
) -> None:
    mask = sitk.ReadImage(str(demo.truth / f"{name}.nii.gz"))

    first = slices[0]
    assert mask.GetSize() == (first.Columns, first.Rows, len(slices))
    assert mask.GetPixelID() == sitk.sitkUInt8
    assert mask.GetOrigin() == pytest.approx([float(v) for v in first.ImagePositionPatient])
    step = float(slices[1].ImagePositionPatient[2]) - float(first.ImagePositionPatient[2])
    spacing = (*(float(v) for v in reversed(first.PixelSpacing)), step)
    assert mask.GetSpacing() == pytest.approx(spacing, abs=1e-5)


def test_slices_are_evenly_spaced(slices: list[pydicom.Dataset]) -> None:
    heights = [float(d.ImagePositionPatient[2]) for d in slices]

    gaps = [b - a for a, b in pairwise(heights)]
    assert gaps == pytest.approx([float(slices[0].SpacingBetweenSlices)] * len(gaps), abs=1e-4)


@pytest.mark.parametrize("side", ["lung_right", "lung_left"])
def test_lungs_are_aerated_and_in_one_piece(
    demo: DemoPaths, hu: NDArray[np.float32], side: str
) -> None:
    lung = _mask(demo, side)

    assert -910 < np.median(hu[lung]) < -840  # full inspiration, Kalender 1990: about -880
    sizes = np.bincount(label(lung)[0].ravel())[1:]
    assert sizes.max() / sizes.sum() > 0.995


def test_right_lung_lies_on_the_patients_right_and_is_larger(demo: DemoPaths) -> None:
    right, left = _mask(demo, "lung_right"), _mask(demo, "lung_left")

    assert np.nonzero(right)[2].mean() < np.nonzero(left)[2].mean()  # columns grow to the left
    assert right.sum() > left.sum()


def test_lung_density_falls_against_gravity(demo: DemoPaths, hu: NDArray[np.float32]) -> None:
    lung = _mask(demo, "lung_right") & (hu < -700)
    rows = np.nonzero(lung)[1]
    front, back = np.percentile(rows, (25, 75))
    j = np.arange(hu.shape[1])[None, :, None]

    assert np.median(hu[lung & (j > back)]) > np.median(hu[lung & (j < front)]) + 8


def test_air_and_soft_tissue_have_their_numbers(demo: DemoPaths, hu: NDArray[np.float32]) -> None:
    body = _mask(demo, "body")
    soft = hu[binary_erosion(body, iterations=3)]

    assert np.median(hu[:, :5, :]) == pytest.approx(-1000, abs=8)
    muscle_and_blood = soft[(soft > -20) & (soft < 110)]
    assert 38 < np.median(muscle_and_blood) < 62
    fat = soft[(soft > -140) & (soft < -60)]
    assert -115 < np.median(fat) < -90
    assert (soft > 500).mean() > 0.005  # cortex


def test_emphysema_is_seen_in_the_images(
    demo: DemoPaths, hu: NDArray[np.float32], truth: dict[str, Any]
) -> None:
    holes = _mask(demo, "emphysema")
    z = np.nonzero(holes)[0]

    assert hu[holes].mean() < -935
    assert np.median(z) > hu.shape[0] * 0.55  # upper lobes
    assert 0 < truth["ct"]["emphysema"]["share_below_minus_950_without_noise"] < 0.06


def test_nodule_is_where_the_truth_says(demo: DemoPaths, truth: dict[str, Any]) -> None:
    mask = sitk.ReadImage(str(demo.truth / "nodule.nii.gz"))
    k, j, i = (float(v.mean()) for v in np.nonzero(sitk.GetArrayFromImage(mask)))

    found = mask.TransformContinuousIndexToPhysicalPoint((i, j, k))

    # Half a slice: the small study has 5 mm slices.
    assert np.linalg.norm(np.array(found) - truth["ct"]["nodule"]["centre_mm"]) < 2.5


def test_nodule_is_solid_and_has_the_size_the_truth_says() -> None:
    nodule = main_ct(FULL).nodule

    size = nodule.size()

    assert (size.long_mm + size.short_mm) / 2 == pytest.approx(9.0, abs=0.3)
    # An ellipsoid of these axes, within what its bumps take or add.
    assert size.volume_mm3 == pytest.approx(
        np.pi / 6 * size.long_mm * size.short_mm * 2 * nodule.radii[2], rel=0.12
    )


def test_nodule_has_grown_since_the_earlier_ct(truth: dict[str, Any]) -> None:
    before, now = truth["earlier_ct"]["nodule"], truth["ct"]["nodule"]

    assert before["mean_diameter_mm"] == pytest.approx(6.0, abs=0.2)
    assert now["mean_diameter_mm"] == pytest.approx(9.0, abs=0.3)


@pytest.mark.parametrize("film", ["MV-0001/2026-film/chest-pa", "MV-0002/2026-film/chest-ap"])
def test_a_film_shows_dark_lungs_beside_a_bright_middle(demo: DemoPaths, film: str) -> None:
    picture = pydicom.dcmread(demo.images / f"{film}.dcm").pixel_array.astype(float)
    rows, columns = picture.shape
    across = picture[int(rows * 0.40) : int(rows * 0.48)].mean(0)

    middle = across[int(columns * 0.46) : int(columns * 0.56)].mean()
    lungs = np.concatenate(
        [
            across[int(columns * 0.22) : int(columns * 0.32)],
            across[int(columns * 0.7) : int(columns * 0.8)],
        ]
    ).mean()

    assert middle > lungs + 500
    assert picture.max() <= 4095


def test_the_heart_of_the_film_points_to_the_patients_left(demo: DemoPaths) -> None:
    film = pydicom.dcmread(demo.images / "MV-0001" / "2026-film" / "chest-pa.dcm")
    rows, columns = film.pixel_array.shape
    low = film.pixel_array[int(rows * 0.52) : int(rows * 0.58)].astype(float).mean(0)

    assert list(film.PatientOrientation) == ["L", "F"]
    right = low[int(columns * 0.25) : int(columns * 0.40)].mean()
    left = low[int(columns * 0.60) : int(columns * 0.75)].mean()
    assert left > right
