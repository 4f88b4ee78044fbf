"""The rules for lungs, airway and body, on shapes whose truth is a formula and on a real chest."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from medview.ai.folder import open_folder
from medview.ai.worker.lungs import AIRWAY, BODY, LEFT, RIGHT, Rules, segment
from medview.ai.worker.pipeline import Pipeline, PipelineResult
from medview.core.errors import InputRefused
from medview.core.geometry import Geometry, VoxelIndex
from medview.core.paths import shipped_models_dir
from medview.core.progress import CancelToken, no_progress
from medview.core.volume import Volume
from medview.dicom import load_volume, scan

FLIPS = ((-1, 1, 1), (1, -1, 1), (1, 1, -1), (-1, -1, 1), (1, -1, -1), (-1, 1, -1))
RULES = Rules(
    grid_mm=4.0,
    body_above_hu=-300,
    air_below_hu=-400,
    airway_below_hu=-900,
    airway_max_ml=150,
    close_mm=8,
    min_lung_ml=60,
)


def found(volume: Volume, rules: Rules = RULES) -> NDArray[np.uint8]:
    return segment(volume, rules, no_progress, CancelToken())


def dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return float(2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b)))


def truth(chest: Volume, sign: int) -> NDArray[np.bool_]:
    """Voxels of lung density on one side; x grows to the patient's left."""
    x = chest.geometry.to_patient(VoxelIndex(0, 0, 0)).x + np.arange(chest.stored.shape[2]) * 4.0
    return (chest.stored == -860) & (np.sign(x) == sign)


def test_lungs_are_found_on_their_own_sides(chest: Volume) -> None:
    labels = found(chest)

    assert dice(labels == RIGHT, truth(chest, -1)) > 0.97
    assert dice(labels == LEFT, truth(chest, 1)) > 0.97


def test_windpipe_is_airway_and_not_lung(chest: Volume) -> None:
    labels = found(chest)
    _, j, i = np.indices(chest.stored.shape)
    windpipe = (chest.stored == -1000) & (abs(i - 48) < 4) & (abs(j - 38) < 4)

    assert (labels[windpipe] == AIRWAY).mean() > 0.95
    assert np.count_nonzero(labels == AIRWAY) < 1.3 * np.count_nonzero(windpipe)


def test_vessel_and_nodule_belong_to_the_lung(chest: Volume) -> None:
    stored = chest.stored.copy()
    stored[24, 36, 10:40] = 50  # a vessel from wall to wall of the right lung
    stored[20:23, 30:33, 26:29] = 30  # a nodule of 12 mm in its middle

    labels = found(replace(chest, stored=stored))

    assert (labels[20:23, 30:33, 26:29] == RIGHT).all()
    assert (labels[24, 36, 20:34] == RIGHT).all()


def test_lungs_that_touch_are_parted(chest: Volume) -> None:
    stored = chest.stored.copy()
    stored[20:28, 24:28, 40:58] = -860  # a bridge before the heart
    labels = found(replace(chest, stored=stored))

    assert dice(labels == RIGHT, truth(chest, -1)) > 0.95
    assert dice(labels == LEFT, truth(chest, 1)) > 0.95


def test_gas_in_the_stomach_is_no_lung(chest: Volume) -> None:
    k, j, i = np.indices(chest.stored.shape)
    bubble = (k - 4) ** 2 + (j - 26) ** 2 + (i - 58) ** 2 < 5**2
    stored = np.where(bubble & (chest.stored == 40), -1000, chest.stored).astype(np.int16)

    labels = found(replace(chest, stored=stored), replace(RULES, min_lung_ml=10))

    assert not np.isin(labels[bubble & (chest.stored == 40)], (RIGHT, LEFT)).any()


def test_table_is_not_body(chest: Volume) -> None:
    stored = chest.stored.copy()
    stored[:, 68:71, 10:86] = -100

    labels = found(replace(chest, stored=stored))

    assert (labels[:, 69:71] == 0).all()
    assert dice(labels > 0, fill(chest)) > 0.97


def fill(chest: Volume) -> NDArray[np.bool_]:
    _, j, i = np.indices(chest.stored.shape)
    return ((i - 48) * 4 / 170) ** 2 + ((j - 36) * 4 / 120) ** 2 < 1


@pytest.mark.parametrize(
    ("order", "flips"),
    [*zip(permutations(range(3)), FLIPS, strict=True), ((0, 1, 2), (-1, -1, -1))],
)
def test_any_order_of_axes_gives_the_same_sides(
    chest: Volume, order: tuple[int, int, int], flips: tuple[int, int, int]
) -> None:
    volume, turned = rearranged(chest, order, flips)

    labels = found(volume)

    assert dice(labels == RIGHT, turned(truth(chest, -1))) > 0.97
    assert dice(labels == LEFT, turned(truth(chest, 1))) > 0.97


def rearranged(chest: Volume, order, flips):  # type: ignore[no-untyped-def]
    """The chest with its array axes permuted and reversed, and the geometry that belongs to it."""

    def turn(array: NDArray[np.generic]) -> NDArray[np.generic]:
        cut = tuple(slice(None, None, flip) for flip in flips)
        return np.ascontiguousarray(np.transpose(array, order)[cut])

    old = chest.geometry
    axes_kji = [old.axes[2], old.axes[1], old.axes[0]]
    new_kji = [
        tuple(flip * np.array(axes_kji[axis], float))
        for axis, flip in zip(order, flips, strict=True)
    ]
    first = [0, 0, 0]
    for axis, flip in zip(order, flips, strict=True):
        first[axis] = 0 if flip > 0 else old.shape[axis] - 1
    stored = turn(chest.stored)
    geometry = Geometry(
        shape=stored.shape,
        spacing=(4.0, 4.0, 4.0),
        origin=old.to_patient(VoxelIndex(*first)),
        axes=(new_kji[2], new_kji[1], new_kji[0]),
    )
    return replace(chest, stored=stored, geometry=geometry), turn


@pytest.mark.parametrize("value", [-1000, 0, 40])
def test_volume_without_a_chest_is_refused_in_words(chest: Volume, value: int) -> None:
    with pytest.raises(InputRefused) as caught:
        found(replace(chest, stored=np.full_like(chest.stored, value)))

    assert str(caught.value.what).startswith("No ")


def test_single_slice_is_refused_and_does_not_crash(chest: Volume) -> None:
    geometry = replace(chest.geometry, shape=(1, 72, 96))

    with pytest.raises(InputRefused):
        found(
            replace(chest, stored=chest.stored[24:25], geometry=geometry),
            replace(RULES, min_lung_ml=100),
        )


def test_numbers_that_are_no_hounsfield_units_are_refused(chest: Volume) -> None:
    with pytest.raises(InputRefused) as caught:
        run(replace(chest, unit="SUV"))

    assert str(caught.value.what) == "The numbers of this series are no Hounsfield units."


def run(volume: Volume) -> PipelineResult:
    pipeline = Pipeline(open_folder(shipped_models_dir() / "lungs"))
    return pipeline.run(volume, no_progress, CancelToken())


def test_density_and_emphysema_share_are_those_put_in(chest: Volume) -> None:
    stored = chest.stored.copy()
    lung = np.flatnonzero(stored == -860)
    stored.flat[lung[::10]] = -980  # a tenth below the limit: mean -872

    result = run(replace(chest, stored=stored))

    measured = {(label, q.concept): q.value for label, q in result.measures}
    assert measured[None, "emphysema_share"] == pytest.approx(10, abs=0.5)
    assert measured[1, "mean density"] == pytest.approx(-872, abs=8)  # partial voxels at the rim


def test_lungs_of_a_real_chest_have_plausible_volumes_and_sides(imaging_data: Path) -> None:
    patient = scan([imaging_data / "ct" / "chest-whole"]).patients[0]
    volume = load_volume(patient.studies[0].series[0].stacks[0])
    thin = replace(
        volume,
        stored=np.ascontiguousarray(volume.stored[::2, ::2, ::2]),
        geometry=replace(
            volume.geometry,
            shape=(53, 256, 256),
            spacing=tuple(2 * mm for mm in volume.geometry.spacing),
        ),
        block=None,
    )

    labels = found(thin)

    ml = np.bincount(labels.ravel(), minlength=5) * thin.geometry.voxel_mm3 / 1000
    # By eye on the full series: 1.99 L right, 1.77 L left, airway to the main bronchi 35 mL.
    assert ml[RIGHT] == pytest.approx(1990, rel=0.05)
    assert ml[LEFT] == pytest.approx(1770, rel=0.05)
    assert 15 < ml[AIRWAY] < 60
    assert ml[BODY] > 5000
