"""One click on a nodule: its size against analytic phantoms, and what it refuses."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from medview.core.errors import InputRefused
from medview.core.geometry import Geometry, PatientPoint, VoxelIndex
from medview.core.volume import Volume
from medview.demo.nodule_phantom import NodulePhantom, random_phantom
from medview.imaging.segment.edges import find_edges
from medview.imaging.segment.nodule import Nodule, measure_nodule

CASES = [
    (kind, diameter, seed)
    for kind in ("solid", "ellipsoid", "ground glass", "at the wall", "on a vessel",
                 "wall and vessel")
    for diameter, seed in ((5.5, 1), (8.0, 2), (10.0, 3), (14.0, 4))
]  # fmt: skip


def clicked(phantom: NodulePhantom, seed: int) -> tuple[Nodule, Volume]:
    volume, centre = phantom.scanned()
    way = np.random.default_rng(seed).normal(size=3)
    beside = way / np.linalg.norm(way) * 0.3 * min(phantom.radii)
    return measure_nodule(volume, PatientPoint(*(np.array(centre) + beside))), volume


@pytest.mark.parametrize(("kind", "diameter", "seed"), CASES)
def test_size_is_true_to_the_phantom(kind: str, diameter: float, seed: int) -> None:
    phantom = random_phantom(kind, diameter, seed)
    found, volume = clicked(phantom, seed)
    limit = 0.10 if diameter >= 8 else 0.25
    assert found.volume_mm3 == pytest.approx(phantom.volume_mm3, rel=limit)
    assert found.mean_diameter_mm == pytest.approx(phantom.mean_diameter_mm, rel=limit)
    in_voxels = found.mask.sum() * volume.geometry.voxel_mm3
    assert in_voxels == pytest.approx(found.volume_mm3, rel=0.3 if diameter < 8 else 0.15)


def test_density_tells_the_type() -> None:
    kinds = ("solid", "ground glass", "part-solid")
    found = [clicked(random_phantom(kind, 16.0, 3), 3)[0].type for kind in kinds]
    assert found == ["solid", "non-solid", "part-solid"]


def test_part_solid_nodule_is_measured_whole_and_its_core_apart() -> None:
    phantom = random_phantom("part-solid", 18.0, 5)
    found, _ = clicked(phantom, 5)
    assert found.volume_mm3 == pytest.approx(phantom.volume_mm3, rel=0.15)
    assert found.solid_mm == pytest.approx(phantom.mean_diameter_mm * phantom.solid, rel=0.2)


@pytest.mark.parametrize(("diameter", "seed"), [(8.0, 1007), (22.0, 1004)])
def test_neither_a_narrow_nor_a_wide_rim_of_glass_is_lost(diameter: float, seed: int) -> None:
    """Blur lifts a narrow rim's border, and a wide one fills all that lies around the core."""
    phantom = random_phantom("part-solid", diameter, seed)
    volume, centre = phantom.scanned()

    found = measure_nodule(volume, centre)

    assert found.type == "part-solid"
    assert found.volume_mm3 == pytest.approx(phantom.volume_mm3, rel=0.10)
    assert found.mean_diameter_mm == pytest.approx(phantom.mean_diameter_mm, rel=0.04)
    assert found.solid_mm == pytest.approx(phantom.solid * phantom.mean_diameter_mm, rel=0.12)


@pytest.mark.parametrize(("diameter", "seed"), [(5.0, 1000), (5.0, 1007), (6.5, 1011), (8.0, 1011)])
def test_rim_of_glass_narrower_than_the_blur_is_measured(diameter: float, seed: int) -> None:
    """No ray shows such a rim; the picture as a whole does."""
    phantom = random_phantom("part-solid", diameter, seed)
    volume, centre = phantom.scanned()

    found = measure_nodule(volume, centre)

    assert found.type == "part-solid"
    assert found.volume_mm3 == pytest.approx(phantom.volume_mm3, rel=0.10)
    assert found.solid_mm == pytest.approx(phantom.solid * phantom.mean_diameter_mm, rel=0.12)


@pytest.mark.parametrize(("diameter", "fwhm"), [(4.0, 1.5), (5.0, 1.5), (6.5, 1.2)])
def test_soft_kernel_is_no_rim_of_glass(diameter: float, fwhm: float) -> None:
    phantom = replace(random_phantom("ellipsoid", diameter, 3004), fwhm=fwhm)
    found, _ = clicked(phantom, 1)
    assert found.type == "solid"
    assert found.solid_mm is None


def test_place_where_no_ray_ends_has_no_edge() -> None:
    """Around a core all may be as dense as its glass: nothing bounds it."""
    dense = np.zeros((642, 60))
    edges = find_edges(dense, (-850.0, -600.0), 0.1 * np.eye(3), has_core=True)
    assert edges.clean_share == 0


def test_water_ball_in_air_needs_no_lung_density() -> None:
    ball = NodulePhantom(radii=(6, 6, 6), turn=np.eye(3), nodule_hu=0, lung_hu=-1000, noise_hu=5)
    found, _ = clicked(ball, 1)
    assert found.mean_diameter_mm == pytest.approx(12.0, abs=0.4)


def test_axes_lie_where_the_nodule_is_long() -> None:
    """Long along the patient's left-right, short along front-back: ends in patient space."""
    long = NodulePhantom(radii=(9, 5, 5), turn=np.eye(3))
    volume, centre = long.scanned()
    axes = measure_nodule(volume, centre).axes
    way = np.subtract(axes.long_ends[1], axes.long_ends[0])
    assert abs(way[0]) == pytest.approx(18.0, abs=0.8)
    assert np.abs(way[1:]).max() < 2.5
    assert axes.short_mm == pytest.approx(10.0, abs=0.5)
    assert np.mean(axes.long_ends, axis=0) == pytest.approx(centre, abs=0.8)


def test_mask_lies_at_the_nodule_on_a_flipped_anisotropic_grid() -> None:
    phantom = random_phantom("ellipsoid", 12.0, 8)
    volume, centre = replace(phantom, tilt=None).scanned()
    g = volume.geometry
    far = g.to_patient(VoxelIndex(0, 0, g.shape[2] - 1))
    flipped = Geometry(
        shape=g.shape, spacing=g.spacing, axes=((-1, 0, 0), (0, 1, 0), (0, 0, 1)), origin=far
    )
    turned = replace(volume, geometry=flipped, stored=volume.stored[:, :, ::-1])
    found = measure_nodule(turned, centre)
    places = np.argwhere(found.mask) + found.first
    middle = flipped.to_patient_array(places).mean(axis=0)
    assert middle == pytest.approx(centre, abs=0.7)


def lung(shape: tuple[int, int, int] = (60, 90, 90)) -> Volume:
    geometry = Geometry(shape=shape, spacing=(0.7, 0.7, 1.0))
    noise = np.random.default_rng(0).normal(-850, 15, shape)
    return Volume(geometry=geometry, stored=noise.astype(np.int16), unit="HU", modality="CT")


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        ("nothing", "no nodule here"),
        ("tissue", "not in the lung"),
        ("vessel", "no round nodule"),
        ("wall", "no round nodule"),
    ],
)
def test_what_is_no_nodule_is_refused_in_words(draw: str, words: str) -> None:
    volume = lung()
    stored = volume.stored.copy()
    if draw == "tissue":
        stored[:] = 40
    if draw == "vessel":
        stored[:, 42:48, 42:48] = 40
    if draw == "wall":
        stored[:, :, 40:] = 40
    drawn = replace(volume, stored=stored)
    with pytest.raises(InputRefused, match=words):
        measure_nodule(drawn, volume.geometry.to_patient(VoxelIndex(30, 45, 45)))


def test_other_images_are_refused_in_words() -> None:
    volume = lung()
    middle = volume.geometry.centre
    with pytest.raises(InputRefused, match="Hounsfield"):
        measure_nodule(replace(volume, unit="SUVbw"), middle)
    with pytest.raises(InputRefused, match="outside"):
        measure_nodule(volume, PatientPoint(1e4, 0, 0))
    thick = replace(volume, geometry=replace(volume.geometry, spacing=(0.7, 0.7, 8.0)))
    with pytest.raises(InputRefused, match="too far apart"):
        measure_nodule(thick, thick.geometry.centre)


def test_fine_voxels_cost_a_click_little_more_than_usual_ones() -> None:
    """A rim is sought by drawing on finer samples; where voxels are fine, they are the samples."""
    side, step, radius = 140, 0.34, 2.5
    along = (np.arange(side) - side / 2) * step
    away = np.sqrt(along[:, None, None] ** 2 + along[None, :, None] ** 2 + along**2)
    values = -850.0 + 870.0 * np.clip((radius - away) / 0.8 + 0.5, 0.0, 1.0)
    values += np.random.default_rng(0).normal(0.0, 20.0, values.shape)
    geometry = Geometry(shape=(side,) * 3, spacing=(step,) * 3)
    volume = Volume(geometry=geometry, stored=values.astype(np.int16), unit="HU", modality="CT")
    middle = geometry.to_patient(VoxelIndex(side / 2, side / 2, side / 2))
    tracemalloc.start()

    found = measure_nodule(volume, middle)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert found.type == "solid"
    assert found.volume_mm3 == pytest.approx(4.0 / 3.0 * np.pi * radius**3, rel=0.1)
    assert peak < 300e6


@pytest.mark.parametrize("tilt", [20.0, -20.0])
def test_narrow_rim_of_glass_is_measured_in_slices_of_a_tilted_gantry(tilt: float) -> None:
    along = (0.0, np.sin(np.radians(tilt)), np.cos(np.radians(tilt)))
    geometry = Geometry(
        shape=(40, 70, 70), spacing=(0.6, 0.6, 1.0), axes=((1, 0, 0), (0, 1, 0), along)
    )
    middle = geometry.to_patient(VoxelIndex(20, 35, 35))
    grid = np.indices(geometry.shape).reshape(3, -1).T
    whole, core = (np.zeros(len(grid)) for _ in range(2))
    parts = [(k, j, i) for k in (-1 / 3, 0, 1 / 3) for j in (-0.25, 0.25) for i in (-0.25, 0.25)]
    for part in parts:
        away = np.linalg.norm(geometry.to_patient_array(grid + part) - np.array(middle), axis=1)
        whole += np.clip((3.0 - away) / 0.8 + 0.5, 0.0, 1.0) / len(parts)
        core += np.clip((1.8 - away) / 0.8 + 0.5, 0.0, 1.0) / len(parts)
    values = -850.0 + 250.0 * whole + 620.0 * core
    values += np.random.default_rng(1).normal(0.0, 20.0, values.shape)
    stored = values.reshape(geometry.shape).astype(np.int16)

    found = measure_nodule(Volume(geometry=geometry, stored=stored, unit="HU"), middle)

    assert found.type == "part-solid"
    assert found.volume_mm3 == pytest.approx(113.1, rel=0.1)
    assert found.solid_mm == pytest.approx(3.6, abs=0.4)
