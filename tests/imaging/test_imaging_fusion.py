"""A second stack over the first: against SimpleITK's resampler, and what is shown of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from pydicom import dcmread

from medview.core.geometry import Geometry, PatientPoint, VoxelIndex
from medview.core.study import FrameRef, Stack
from medview.core.volume import Volume
from medview.dicom import load_volume, scan
from medview.imaging import Plane, Window, planes_of
from medview.imaging.colour_maps import MAPS, colour_map, coloured
from medview.imaging.curved import CurvedPlane, cross_sections
from medview.imaging.curves import curve_through
from medview.imaging.fused_slab import resampled_through
from medview.imaging.fusion import fitting_step, layer_colours, resampled, upper_layer
from medview.imaging.slabs import Slab, thick


def stack_in(folder: Path) -> Stack:
    return scan([folder]).patients[0].studies[0].series[0].stacks[0]


def as_image(geometry: Geometry, values: np.ndarray) -> SimpleITK.Image:
    image = SimpleITK.GetImageFromArray(values)
    image.SetSpacing(geometry.spacing)
    image.SetOrigin(tuple(geometry.origin))
    image.SetDirection(np.array(geometry.axes).T.ravel().tolist())
    return image


def by_sitk(volume: Volume, plane: Plane, index: int, move: np.ndarray | None = None) -> np.ndarray:
    """The slice of a plane from SimpleITK's linear resampler; -999 where it has nothing."""
    rows, columns = plane.shape
    target = SimpleITK.Image(columns, rows, 1, SimpleITK.sitkFloat32)
    target.SetOrigin(tuple(plane.to_patient(index, 0, 0)))
    steps = [plane.step_right, plane.step_down]
    target.SetSpacing((*(float(np.linalg.norm(s)) for s in steps), 1.0))
    axes = [s / np.linalg.norm(s) for s in steps]
    target.SetDirection(np.column_stack([*axes, np.cross(*axes)]).ravel().tolist())
    transform = SimpleITK.AffineTransform(3)
    if move is not None:
        transform.SetMatrix(move[:3, :3].ravel().tolist())
        transform.SetTranslation(move[:3, 3].tolist())
    image = as_image(volume.geometry, volume.values())
    found = SimpleITK.Resample(
        image, target, transform, SimpleITK.sitkLinear, -999.0, SimpleITK.sitkFloat32
    )
    return SimpleITK.GetArrayFromImage(found)[0]


def agree(ours: np.ndarray, theirs: np.ndarray, within: float) -> None:
    known, his = np.isfinite(ours), theirs > -998
    # On the very rim of the grid rounding decides whether a pixel is in.
    assert (known != his).mean() < 0.01
    both = known & his
    assert both.any()
    assert np.abs(ours - theirs)[both].max() <= within


def made(geometry: Geometry, seed: int = 1, **changes: object) -> Volume:
    stored = np.random.default_rng(seed).integers(0, 4000, geometry.shape).astype(np.int16)
    return Volume(geometry=geometry, stored=stored, **changes)


def turned(degrees: float) -> tuple[tuple[float, float, float], ...]:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return ((c, s * 0.6, s * 0.8), (-s * 0.6, c + 0.64 * (1 - c), -0.48 * (1 - c)),
            (-s * 0.8, -0.48 * (1 - c), c + 0.36 * (1 - c)))  # fmt: skip


BASE = Geometry(shape=(9, 40, 31), spacing=(1.1, 0.9, 3.0), origin=PatientPoint(-20, -15, 4))


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
@pytest.mark.parametrize(
    "upper",
    [
        Geometry(shape=(7, 12, 10), spacing=(4.0, 3.5, 4.2), origin=PatientPoint(-22, -15, 1)),
        # flipped axes: rows run to the right, slices to the feet
        Geometry(shape=(7, 12, 10), spacing=(4.0, 3.5, 4.2), origin=PatientPoint(17, 24, 29),
                 axes=((-1, 0, 0), (0, -1, 0), (0, 0, -1))),
        # a sagittal acquisition under an axial one
        Geometry(shape=(8, 9, 12), spacing=(3.5, 3.0, 4.4), origin=PatientPoint(-18, -14, 30),
                 axes=((0, 1, 0), (0, 0, -1), (1, 0, 0))),
        Geometry(shape=(7, 12, 10), spacing=(4.0, 3.5, 4.2), origin=PatientPoint(-22, -12, 1),
                 axes=turned(17)),
    ],
    ids=["same axes", "flipped", "sagittal", "oblique"],
)  # fmt: skip
def test_every_slice_is_that_of_sitks_resampler(plane: str, upper: Geometry) -> None:
    volume, cut = made(upper, slope=0.5, intercept=-100.0), planes_of(BASE)[plane]
    for index in (cut.count // 3, cut.count // 2):
        agree(resampled(volume, cut, index), by_sitk(volume, cut, index), 0.02)


def test_a_registration_moves_the_upper_stack_as_sitk_does() -> None:
    upper = Geometry(shape=(9, 14, 12), spacing=(4.0, 3.5, 4.2), origin=PatientPoint(-22, -12, 1))
    move = np.eye(4)
    move[:3, :3], move[:3, 3] = np.array(turned(8)).T, (3.0, -2.5, 1.25)
    volume, plane = made(upper), planes_of(BASE)["axial"]
    agree(resampled(volume, plane, 4, move), by_sitk(volume, plane, 4, move), 0.02)


def test_the_real_pet_lies_on_its_ct_as_sitk_puts_it(imaging_data: Path) -> None:
    ct = stack_in(imaging_data / "petct" / "ct")
    pet = load_volume(stack_in(imaging_data / "petct" / "pet"))
    assert ct.frame_of_reference_uid
    for name in ("axial", "coronal"):
        plane = planes_of(ct.geometry)[name]
        index = plane.count // 2
        ours, theirs = resampled(pet, plane, index), by_sitk(pet, plane, index)
        assert np.nanmax(ours) > 1.0  # SUV, and the tumour is there
        agree(ours, theirs, 2e-3)


def test_slopes_that_differ_by_slice_are_applied_before_values_are_mixed() -> None:
    upper = Geometry(shape=(2, 4, 4), spacing=(4, 4, 4))
    rescale = np.array([[1.0, 0.0], [10.0, 5.0]])
    volume = replace(made(upper), stored=np.ones((2, 4, 4), np.int16), per_slice=rescale)
    between = Geometry(shape=(1, 2, 2), spacing=(4, 4, 4), origin=PatientPoint(4, 4, 2))
    assert resampled(volume, planes_of(between)["axial"], 0).tolist() == [[8.0, 8.0], [8.0, 8.0]]


def test_padding_of_the_upper_stack_is_not_mixed_into_its_neighbours() -> None:
    upper = Geometry(shape=(1, 1, 3), spacing=(2, 2, 2))
    stored = np.array([[[10, 20, -2000]]], np.int16)
    volume = Volume(geometry=upper, stored=stored, padding=(-2000, -2000))
    fine = Geometry(shape=(1, 1, 5), spacing=(1, 2, 2))
    found = resampled(volume, planes_of(fine)["axial"], 0)[0]
    assert found[:3].tolist() == [10, 15, 20]
    assert np.isnan(found[3:]).all()


def test_across_uneven_slices_a_gap_stays_empty() -> None:
    places = tuple(PatientPoint(0, 0, z) for z in (0.0, 5.0, 10.0, 25.0, 30.0))
    upper = Geometry(shape=(5, 4, 4), spacing=(5, 5, 5), places=places, gaps=(2,))
    stored = np.repeat(np.array([0, 50, 100, 250, 300], np.int16), 16).reshape(5, 4, 4)
    volume = Volume(geometry=upper, stored=stored)
    fine = Geometry(shape=(31, 2, 2), spacing=(5, 5, 1), origin=PatientPoint(5, 5, 0))
    plane = planes_of(fine)["axial"]
    found = [resampled(volume, plane, k)[0, 0] for k in (0, 3, 10, 17, 27)]
    assert found[:3] == pytest.approx([0, 30, 100])
    assert np.isnan(found[3])
    assert found[4] == pytest.approx(270)


def test_along_a_curve_every_pixel_has_the_value_of_its_own_place() -> None:
    upper = Geometry(shape=(8, 14, 12), spacing=(4.0, 3.5, 5.0), origin=PatientPoint(-25, -18, -2))
    # Values that grow along x + 2y + 3z: trilinear mixing gives them back at every place.
    kji = np.indices(upper.shape).reshape(3, -1).T
    along = upper.to_patient_array(kji) @ (1.0, 2.0, 3.0)
    stored = along.reshape(upper.shape).astype(np.float32)
    curve = curve_through(tuple(PatientPoint(*p) for p in ((0, 0, 4), (5, 6, 14), (2, 3, 24))), 1.0)
    assert curve is not None
    plane = CurvedPlane(geometry=BASE, curve=curve)
    found = resampled(Volume(geometry=upper, stored=stored), plane, 0)
    assert found.shape == plane.shape
    rows, columns = np.nonzero(np.isfinite(found))
    assert len(rows) > 200
    for row, column in list(zip(rows, columns, strict=True))[::37]:
        place = plane.to_patient(0, row, column)
        wanted = np.dot(place, (1.0, 2.0, 3.0))
        at = upper.to_index(place)
        if any(not 0 <= v <= n - 1 for v, n in zip(at, upper.shape, strict=True)):
            continue  # the outer half of a voxel has that voxel's value
        assert found[row, column] == pytest.approx(wanted, abs=1e-3)


def test_sections_across_a_curve_each_have_the_values_of_their_own_places() -> None:
    upper = Geometry(shape=(8, 14, 12), spacing=(4.0, 3.5, 5.0), origin=PatientPoint(-25, -18, -2))
    kji = np.indices(upper.shape).reshape(3, -1).T
    along = upper.to_patient_array(kji) @ (1.0, 2.0, 3.0)
    volume = Volume(geometry=upper, stored=along.reshape(upper.shape).astype(np.float32))
    curve = curve_through(tuple(PatientPoint(*p) for p in ((0, 0, 4), (5, 6, 14), (2, 3, 24))), 1.0)
    assert curve is not None
    plane = cross_sections(BASE, curve)
    for index in (1, plane.count // 2, plane.count - 2):
        row, column = (size // 2 for size in plane.shape)
        wanted = np.dot(plane.to_patient(index, row, column), (1.0, 2.0, 3.0))
        assert resampled(volume, plane, index)[row, column] == pytest.approx(wanted, abs=1e-3)


def test_a_coarser_look_takes_the_middle_of_each_block() -> None:
    upper = Geometry(shape=(3, 9, 9), spacing=(9, 9, 9), origin=PatientPoint(-20, -15, 0))
    volume, plane = made(upper), planes_of(BASE)["axial"]
    fine, coarse = resampled(volume, plane, 2), resampled(volume, plane, 2, step=3)
    assert coarse.shape == (13, 10)
    np.testing.assert_allclose(coarse[2, 4], fine[7, 13], rtol=1e-5)
    assert fitting_step(volume, plane) == 1  # small pictures are never thinned
    large = planes_of(replace(BASE, shape=(9, 512, 512)))["axial"]
    assert fitting_step(volume, large) == 6


@pytest.fixture
def layer(ct_volume: Callable[..., Volume]):
    volume = ct_volume(np.zeros((1, 2, 3), np.int16), modality="PT", unit="SUVbw", intercept=0.0)
    stack = Stack(frames=(FrameRef(path="p"),), geometry=volume.geometry, verdict="single")
    return upper_layer(volume, stack)


def test_pet_comes_in_hot_iron_over_a_fixed_span_of_suv(layer) -> None:
    assert (layer.colour_map, layer.ends, layer.blend) == ("hot-iron", (0.0, 6.0), 0.5)


def test_blend_is_the_share_of_the_upper_picture(layer) -> None:
    values = np.array([[0.0, 3.0, 6.0, np.nan]], np.float32)
    half = layer_colours(values, layer)[0]
    assert half[:, 3].tolist() == [128, 128, 128, 0]
    whole = layer_colours(values, layer.with_blend(1.7))[0]
    assert whole[2].tolist() == [255, 255, 255, 255]
    assert whole[1, :3].tolist() == colour_map("hot-iron")[128].tolist()
    assert not layer_colours(values, layer.with_blend(0.0)).any()


def test_below_the_threshold_only_the_lower_picture_is_seen(layer) -> None:
    values = np.array([[1.0, 2.5, 4.0]], np.float32)
    shown = layer_colours(values, replace(layer, threshold=2.5))[0, :, 3]
    assert shown.tolist() == [0, 128, 128]


def test_the_upper_value_is_that_of_its_own_voxel(layer) -> None:
    stored = np.arange(6, dtype=np.int16).reshape(1, 2, 3)
    own = replace(layer, volume=replace(layer.volume, stored=stored))
    place = own.volume.geometry.origin
    assert own.value_at(place) == 0.0
    move = np.eye(4)
    move[0, 3] = 0.8  # one column to the left of it
    assert replace(own, to_upper=move).value_at(place) == 1.0
    assert own.value_at(PatientPoint(900, 0, 0)) is None


def test_hot_iron_is_the_standards_own_palette(imaging_data: Path) -> None:
    made = dcmread(imaging_data / "lut-overlay" / "palette-hotiron.dcm")
    parts = [
        np.frombuffer(made[f"{part}PaletteColorLookupTableData"].value, np.uint8)
        for part in ("Red", "Green", "Blue")
    ]
    assert np.array_equal(colour_map("hot-iron"), np.stack(parts, axis=1))


@pytest.mark.parametrize("name", ["inferno", "viridis", "cividis"])
def test_the_even_maps_grow_brighter_all_along(name: str) -> None:
    light = colour_map(name).astype(float) @ (0.2126, 0.7152, 0.0722)
    assert (np.diff(light[::8]) > 0).all()


def test_grey_maps_keep_or_turn_the_grey() -> None:
    grey = np.array([[0, 100, 255]], np.uint8)
    assert coloured(grey, "grey")[0, 1].tolist() == [100, 100, 100]
    assert coloured(grey, "inverse-grey")[0, :, 0].tolist() == [255, 155, 0]
    assert len({name for name, _ in MAPS}) == len(MAPS)
    assert Window(center=1, width=2).function == "LINEAR"


@pytest.mark.parametrize(("mode", "over"), [("mip", np.max), ("minip", np.min), ("mean", np.mean)])
def test_over_a_slab_the_upper_stack_is_as_thick_as_the_lower(mode, over) -> None:
    lower = Geometry(shape=(20, 16, 16), spacing=(1.0, 1.0, 1.0))
    own = Geometry(shape=(20, 16, 16), spacing=(1.0, 1.0, 1.0))
    stored = np.random.default_rng(3).integers(0, 900, own.shape).astype(np.int16)
    stored[13] = 0  # within 3 mm of slice 10
    stored[5] = 2000  # beyond it
    upper = Volume(stored=stored, geometry=own, modality="PT")
    slab = thick(planes_of(lower)["axial"], Slab(mode, 6.0))
    middle = slab.to_pixel(own.to_patient(VoxelIndex(10, 0, 0)))[0]

    found = resampled_through(upper, slab, round(middle), None, 1)

    np.testing.assert_allclose(found, over(stored[7:14].astype(float), axis=0), rtol=1e-5)
    thin = planes_of(lower)["axial"]
    np.testing.assert_allclose(resampled_through(upper, thin, 10, None, 1), stored[10])
    coarse = resampled_through(upper, slab, round(middle), None, 2)
    assert coarse.shape == (8, 8)


@pytest.mark.parametrize("start", [1.0, 0.3, -1.0])
@pytest.mark.parametrize(("mode", "peak"), [("mip", 1000), ("minip", -1000)])
def test_a_slab_shows_the_whole_peak_of_larger_voxels(start: float, mode: str, peak: int) -> None:
    """Layers of 4 mm over slices of 1 mm: the one hot layer lies between samples 4 mm apart."""
    lower = Geometry(shape=(60, 8, 8), spacing=(1.0, 1.0, 1.0))
    own = Geometry(shape=(15, 8, 8), spacing=(1.0, 1.0, 4.0), origin=PatientPoint(0.0, 0.0, start))
    stored = np.zeros(own.shape, np.int16)
    stored[7] = peak
    upper = Volume(stored=stored, geometry=own, modality="PT")
    slab = thick(planes_of(lower)["axial"], Slab(mode, 20.0))
    np.testing.assert_allclose(resampled_through(upper, slab, 30, None, 1), peak, rtol=1e-5)
    # Registered a little beside: the layers stay parallel, and are found where they lie then.
    moved = np.eye(4)
    moved[2, 3] = 1.7
    np.testing.assert_allclose(resampled_through(upper, slab, 30, moved, 1), peak, rtol=1e-5)


def test_a_slab_across_larger_voxels_loses_no_peak() -> None:
    """Layers that lean to the slab: every slice of the lower stack is looked at."""
    lower = Geometry(shape=(60, 24, 24), spacing=(1.0, 1.0, 1.0))
    lean = np.radians(20)
    axes = ((1.0, 0.0, 0.0), (0.0, np.cos(lean), np.sin(lean)), (0.0, -np.sin(lean), np.cos(lean)))
    own = Geometry(shape=(15, 15, 15), spacing=(4.0, 4.0, 4.0), axes=axes)
    stored = np.zeros(own.shape, np.int16)
    stored[7, 5, 3] = 1000
    upper = Volume(stored=stored, geometry=own, modality="PT")
    plane = planes_of(lower)["axial"]
    slab = thick(plane, Slab("mip", 20.0))
    middle = round(plane.to_pixel(own.to_patient(VoxelIndex(7, 5, 3)))[0])
    slices = [
        resampled_through(upper, plane, at, None, 1) for at in range(middle - 10, middle + 11)
    ]
    found = resampled_through(upper, slab, middle, None, 1)
    np.testing.assert_allclose(found, np.nanmax(slices, axis=0), rtol=1e-5)


@pytest.mark.parametrize(("mode", "over"), [("mip", np.max), ("minip", np.min), ("mean", np.mean)])
def test_over_a_slab_along_a_curve_the_upper_stack_is_as_thick(mode: str, over) -> None:
    grid = Geometry(shape=(40, 40, 40), spacing=(1.0, 1.0, 1.0))
    stored = np.zeros(grid.shape, np.int16)
    stored[:] = np.arange(40)[None, :, None] ** 2  # along y, which is across the picture
    upper = Volume(stored=stored, geometry=grid, modality="PT")
    points = (PatientPoint(20, 20, 5), PatientPoint(20, 20, 20), PatientPoint(20, 20, 35))
    curve = curve_through(points, 1.0)
    thin = CurvedPlane(geometry=grid, curve=curve)
    slab = replace(thin, slab=Slab(mode, 8.0))
    one = resampled_through(upper, thin, 0, None, 1)
    found = resampled_through(upper, slab, 0, None, 1)
    middle = one.shape[0] // 2, one.shape[1] // 2
    way = np.abs(np.cross(thin.sideways[0], curve.tangents[0]))
    assert way[1] == pytest.approx(1.0)  # the picture looks along y
    values = np.arange(16, 25) ** 2
    assert one[middle] == pytest.approx(400, rel=0.005)
    assert found[middle] == pytest.approx(over(values), rel=0.005)
