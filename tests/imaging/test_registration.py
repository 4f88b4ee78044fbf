"""A volume moved by a known transform is found again; unlike volumes are not called registered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its own habit

from medview.core.errors import Cancelled, MedViewError
from medview.core.geometry import Geometry
from medview.core.progress import CancelToken
from medview.core.volume import Volume
from medview.imaging.even_grid import even_grid
from medview.imaging.registration import RigidFit, judged, register
from medview.session import Session

slow = pytest.mark.slow


def read(folder: Path) -> Volume:
    """The first stack below a folder, copied out of shared memory."""
    session = Session()
    session.open([folder])
    place = next(iter(session.studies.places()))
    volume = session.studies.load(place).volume
    copied = replace(volume, stored=np.array(volume.stored), block=None)
    session.close()
    return copied


def moved(volume: Volume, seed: int, turn_deg: float = 6.0) -> tuple[Volume, np.ndarray]:
    """The volume as SimpleITK resamples it after a rigid motion, with noise; and the motion."""
    chance = np.random.default_rng(seed)
    geometry = volume.geometry
    motion = sitk.Euler3DTransform()
    motion.SetCenter(tuple(geometry.centre))
    motion.SetRotation(*map(float, np.radians(chance.uniform(-turn_deg, turn_deg, 3))))
    motion.SetTranslation(tuple(map(float, chance.uniform(-15, 15, 3))))
    image = sitk.GetImageFromArray(volume.values())
    image.SetSpacing(geometry.spacing)
    image.SetOrigin(tuple(geometry.origin))
    image.SetDirection(np.array(geometry.axes).T.ravel().tolist())
    lowest = float(volume.values().min())
    there = sitk.Resample(image, image, motion.GetInverse(), sitk.sitkLinear, lowest)
    values = sitk.GetArrayFromImage(there)
    values = values + chance.normal(0, 0.01 * values.std(), values.shape)
    stored = values.astype(np.float32)
    plain = replace(volume, stored=stored, slope=1.0, intercept=0.0, per_slice=None, padding=None)
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(motion.GetMatrix()).reshape(3, 3)
    matrix[:3, 3] = motion.TransformPoint((0.0, 0.0, 0.0))
    return plain, matrix


def errors(fit: RigidFit, truth: np.ndarray, geometry: Geometry) -> tuple[float, float]:
    """Millimetres at worst over the inner half of the volume, degrees."""
    middle = np.array(geometry.centre)
    ends = [(0, n - 1) for n in geometry.shape]
    corners = geometry.to_patient_array(
        [(a, b, c) for a in ends[0] for b in ends[1] for c in ends[2]]
    )
    points = np.c_[(corners + middle) / 2, np.ones(8)]
    off = np.linalg.norm((points @ fit.matrix.T - points @ truth.T)[:, :3], axis=1)
    turn = fit.matrix[:3, :3].T @ truth[:3, :3]
    cosine = np.clip((np.trace(turn) - 1) / 2, -1, 1)
    return float(off.max()), float(np.degrees(np.arccos(cosine)))


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=slow), pytest.param(2, marks=slow)])
def test_a_head_moved_by_a_known_transform_is_found_again(imaging_data: Path, seed: int) -> None:
    volume = read(imaging_data / "ct" / "head-small")
    other, truth = moved(volume, seed)
    fit = register(volume, other)
    off_mm, off_deg = errors(fit, truth, volume.geometry)
    assert off_mm < 1.0
    assert off_deg < 0.5
    assert fit.is_good
    assert fit.residual_mm is not None
    assert fit.residual_mm < 1.0


@pytest.mark.parametrize("seed", [3, pytest.param(4, marks=slow)])
def test_thick_slices_of_a_tilted_brain_are_found_again(imaging_data: Path, seed: int) -> None:
    volume = read(imaging_data / "mr" / "brain-t1-post")
    other, truth = moved(volume, seed)
    off_mm, off_deg = errors(register(volume, other), truth, volume.geometry)
    assert off_mm < 1.0
    assert off_deg < 0.5


@slow
@pytest.mark.parametrize("seed", [5, 6, 7])
def test_a_whole_chest_is_found_again(imaging_data: Path, seed: int) -> None:
    volume = read(imaging_data / "ct" / "chest-whole")
    other, truth = moved(volume, seed)
    off_mm, off_deg = errors(register(volume, other), truth, volume.geometry)
    assert off_mm < 1.0
    assert off_deg < 0.5


def test_the_brain_before_and_after_contrast_lies_where_its_source_put_it(
    imaging_data: Path,
) -> None:
    """The source registered both onto one grid: the identity is the truth."""
    before = read(imaging_data / "mr" / "brain-t1-pre")
    after = read(imaging_data / "mr" / "brain-t1-post")
    fit = register(after, before)
    off_mm, off_deg = errors(fit, np.eye(4), after.geometry)
    assert off_mm < 1.0
    assert off_deg < 0.5
    assert fit.is_good


@slow
def test_two_dates_of_an_abdomen_agree_there_and_back(imaging_data: Path) -> None:
    """Nobody knows the truth of two real dates: both ways must say the same, and fit."""
    prior = read(imaging_data / "mr" / "abdomen-prior-1959")
    now = read(imaging_data / "mr" / "abdomen-now-1960")
    there, back = register(now, prior), register(prior, now)
    assert there.is_good
    assert back.is_good
    assert there.overlap > 0.7
    middle = np.array([*now.geometry.centre, 1.0])
    round_trip = back.matrix @ there.matrix @ middle
    assert np.linalg.norm((round_trip - middle)[:3]) < 3.0
    assert np.linalg.norm((there.matrix @ middle - middle)[:3]) > 20  # they do not lie alike


def test_a_chest_and_a_brain_are_not_called_registered(imaging_data: Path) -> None:
    chest = read(imaging_data / "ct" / "lidc-0001")
    brain = read(imaging_data / "mr" / "brain-t1-post")
    assert not register(chest, brain).is_good


def test_the_residual_tells_a_known_misfit(imaging_data: Path) -> None:
    """The same volume put 6 mm to the side must read about 6 mm, not less."""
    volume = read(imaging_data / "ct" / "head-small")
    grid = even_grid(volume, 2.5)
    shift = np.eye(4)
    shift[0, 3] = 6.0
    fit = judged(grid, grid, shift)
    assert fit.residual_mm == pytest.approx(6.0, abs=0.3)
    assert judged(grid, grid, np.eye(4)).residual_mm == pytest.approx(0.0, abs=0.3)


def test_a_map_that_leads_out_of_the_other_volume_is_refused(imaging_data: Path) -> None:
    grid = even_grid(read(imaging_data / "ct" / "head-small"), 4.0)
    away = np.eye(4)
    away[2, 3] = 130.0
    fit = judged(grid, grid, away)
    assert fit.overlap < 0.25
    assert not fit.is_good


def test_registration_stops_when_asked(imaging_data: Path) -> None:
    volume = read(imaging_data / "ct" / "head-small")
    cancel = CancelToken()
    rounds = 0

    def after_some_rounds(_done: int, _total: int, _what: str) -> None:
        nonlocal rounds
        rounds += 1
        cancel.cancel()

    with pytest.raises(Cancelled):
        register(volume, volume, progress=after_some_rounds, cancel=cancel)
    assert rounds <= 2


def test_pictures_without_depth_are_refused(imaging_data: Path) -> None:
    flat = read(imaging_data / "mg")
    with pytest.raises(MedViewError, match="depth"):
        register(flat, flat)


def test_a_stack_that_is_too_thin_for_the_search_is_refused() -> None:
    """Three slices of a millimetre are one plane and a half of the search's grid."""
    values = np.random.default_rng(3).integers(0, 900, (3, 40, 40)).astype(np.int16)
    thin = Volume(geometry=Geometry(shape=values.shape, spacing=(3.0, 3.0, 1.0)), stored=values)
    with pytest.raises(MedViewError, match="depth"):
        register(thin, thin)


def test_a_tilted_scan_is_straight_on_its_grid(imaging_data: Path) -> None:
    """A gantry tilt shears the stack; the grid is not sheared, and values lie where they were."""
    volume = read(imaging_data / "ct" / "head-tilt-philips")
    grid = even_grid(volume, 3.0)
    axes = np.array(grid.geometry.axes)
    assert np.allclose(axes @ axes.T, np.eye(3), atol=1e-9)
    assert 0.5 < grid.inside.mean() < 1.0
