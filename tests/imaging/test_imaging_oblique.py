"""Free planes and slabs against SimpleITK's resampler and against analytic volumes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from medview.core.geometry import Geometry, PatientPoint
from medview.core.results import Heatmap, Label, LabelMap
from medview.core.volume import Volume
from medview.dicom import load_volume, scan
from medview.imaging.grey import grey_slice
from medview.imaging.mpr import STRAIGHT, Mpr, mpr_planes, rotation_about, turned_about
from medview.imaging.oblique import ObliquePlane
from medview.imaging.overlay import cut_heatmap, cut_labels
from medview.imaging.planes import planes_of
from medview.imaging.sampling import Source, linear
from medview.imaging.slabs import Slab, SlabPlane, thick
from medview.imaging.window import Window

OUTSIDE = -30_000.0
TILT = float(np.hypot(1.0, 0.35))
ROLLED = rotation_about(np.array([0.36, 0.48, 0.8]), 0.5)
AXES = {
    "plain": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "flipped": ((-1, 0, 0), (0, 1, 0), (0, 0, -1)),
    "tilted": ((1, 0, 0), (0, 1, 0), (0, 0.35 / TILT, 1 / TILT)),
    "rolled": tuple(tuple(float(v) for v in ROLLED[:, n]) for n in range(3)),
    "sagittal": ((0, 1, 0), (0, 0, -1), (1, 0, 0)),
}


def asymmetric(dtype: type = np.int16) -> np.ndarray:
    """Smooth numbers that no mirror image and no turn repeats: 14 x 44 x 36."""
    k, j, i = np.meshgrid(*(np.linspace(0, 1, n) for n in (14, 44, 36)), indexing="ij")
    values = 900 * i + 500 * j**2 + 300 * k**3 + 200 * np.sin(9 * i * j + 4 * k)
    return (values * (100 / 1900) if dtype == np.uint8 else values).astype(dtype)


def volume_of(stored: np.ndarray, axes: str = "plain", **changes: object) -> Volume:
    geometry = Geometry(
        shape=stored.shape[:3], spacing=(0.5, 0.8, 3.0), axes=AXES[axes],
        origin=PatientPoint(-11.0, 7.0, 120.0),
    )  # fmt: skip
    return Volume(geometry=geometry, stored=stored, **changes)  # type: ignore[arg-type]


def turned(geometry: Geometry, slab: Slab | None = None) -> dict[str, ObliquePlane]:
    """Axial, coronal and sagittal after two turns by hand."""
    mpr = STRAIGHT
    for still, angle in (("axial", 0.6), ("coronal", -0.4), ("sagittal", 0.2)):
        mpr = turned_about(mpr, mpr_planes(geometry, mpr), still, angle, geometry.centre)
    for name in ("axial", "coronal", "sagittal"):
        mpr = mpr.with_slab(name, slab or Slab())
    planes = mpr_planes(geometry, mpr)
    assert all(isinstance(plane, ObliquePlane) for plane in planes.values())
    return planes  # type: ignore[return-value]


def by_simpleitk(
    volume: Volume, plane: ObliquePlane, index: float, kind: int = sitk.sitkLinear
) -> np.ndarray:
    """The same picture by SimpleITK's resampler; OUTSIDE where it has nothing."""
    image = sitk.GetImageFromArray(volume.values())
    geometry = volume.geometry
    image.SetSpacing(geometry.spacing)
    image.SetOrigin(geometry.origin)
    image.SetDirection(np.array(geometry.axes).T.ravel().tolist())
    right, down = (way / np.linalg.norm(way) for way in (plane.step_right, plane.step_down))
    rows, columns = plane.shape
    axes = np.column_stack([right, down, np.cross(right, down)])
    found = sitk.Resample(
        image, [columns, rows, 1], sitk.Transform(), kind, plane.to_patient(index, 0, 0),
        [plane.pixel_mm] * 3, axes.ravel().tolist(), OUTSIDE,
        sitk.sitkFloat32,
    )  # fmt: skip
    return sitk.GetArrayFromImage(found)[0]


def assert_same(ours: np.ndarray, theirs: np.ndarray, within: float) -> None:
    """Equal where both have numbers; on the volume's very rim rounding may decide."""
    inside = theirs != OUTSIDE
    assert inside.sum() > 100
    assert (np.isfinite(ours) != inside).mean() < 0.002
    both = inside & np.isfinite(ours)
    assert np.abs(ours - theirs)[both].max() <= within


@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("name", ["axial", "coronal", "sagittal"])
def test_a_turned_plane_is_that_of_simpleitk(axes: str, name: str) -> None:
    volume = volume_of(asymmetric(), axes, slope=0.5, intercept=-1000.0)
    plane = turned(volume.geometry)[name]
    for share in (0.3, 0.5, 0.7):
        index = int(plane.count * share)
        ours = plane.values(volume, index)
        theirs = by_simpleitk(volume, plane, index)
        if (theirs != OUTSIDE).any():
            assert_same(ours, theirs, 0.05)
        mirrored = ours[:, ::-1]
        both = np.isfinite(mirrored) & (theirs != OUTSIDE)
        assert not both.any() or np.abs(mirrored - theirs)[both].max() > 10


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32])
def test_every_stored_type_is_interpolated_alike(dtype: type) -> None:
    volume = volume_of(asymmetric(dtype), "rolled")
    plane = turned(volume.geometry)["sagittal"]
    index = plane.count // 2
    assert_same(plane.values(volume, index), by_simpleitk(volume, plane, index), 0.05)


def test_without_interpolation_every_pixel_has_the_number_of_its_voxel() -> None:
    volume = volume_of(asymmetric(), "rolled")
    plane = replace(turned(volume.geometry)["coronal"], is_smooth=False)
    index = plane.count // 2
    ours = plane.values(volume, index)
    theirs = by_simpleitk(volume, plane, index, sitk.sitkNearestNeighbor)
    inside = (theirs != OUTSIDE) & np.isfinite(ours)
    assert (ours == theirs)[inside].mean() > 0.995  # half-way between two voxels either is nearest
    assert set(ours[np.isfinite(ours)].astype(int)) <= set(volume.stored.ravel().tolist())


@pytest.mark.parametrize("mode", ["mip", "minip", "mean"])
@pytest.mark.parametrize("axes", ["plain", "tilted", "rolled"])
def test_an_oblique_slab_is_that_of_the_slices_simpleitk_gives(mode: str, axes: str) -> None:
    volume = volume_of(asymmetric(), axes)
    plane = turned(volume.geometry, Slab(mode, 5.0))["axial"]
    index = plane.count // 2
    layers = np.stack([by_simpleitk(volume, plane, index + step) for step in range(-5, 6)])
    layers[layers == OUTSIDE] = np.nan
    assert len(plane.offsets) == 11
    covered = np.isfinite(layers).all(axis=0)  # the rim is tested by the single slices
    theirs = {"mip": np.max, "minip": np.min, "mean": np.mean}[mode](layers, axis=0)
    ours = plane.values(volume, index)
    assert covered.sum() > 300
    assert np.abs(ours - theirs)[covered].max() <= 0.05


@pytest.mark.parametrize("name", ["axial", "coronal", "sagittal"])
@pytest.mark.parametrize("mode", ["mip", "minip", "mean"])
def test_a_slab_along_the_axes_is_made_of_whole_slices(name: str, mode: str) -> None:
    volume = volume_of(asymmetric(), "flipped", slope=-2.0, intercept=7.0)
    single = planes_of(volume.geometry)[name]
    plane = thick(single, Slab(mode, 6.1 * single.step_mm))
    assert isinstance(plane, SlabPlane)
    index = single.count // 2
    slices = [single.values(volume, index + step) for step in range(-3, 4)]
    theirs = {"mip": np.max, "minip": np.min, "mean": np.mean}[mode](slices, axis=0)
    assert np.abs(plane.values(volume, index) - theirs).max() < 1e-3
    at_the_edge = plane.values(volume, 0)
    edge = [single.values(volume, step) for step in range(4)]
    theirs = {"mip": np.max, "minip": np.min, "mean": np.mean}[mode](edge, axis=0)
    assert np.abs(at_the_edge - theirs).max() < 1e-3


def test_padding_is_no_image_and_never_mixes_with_its_neighbours() -> None:
    stored = asymmetric()
    stored[:, :, :12] = -2000
    volume = volume_of(stored, "rolled", padding=(-2000, -2000))
    for slab in (Slab(), Slab("minip", 3.0), Slab("mean", 3.0)):
        plane = turned(volume.geometry, slab)["coronal"]
        values = plane.values(volume, plane.count // 2)
        assert np.nanmin(values) >= stored[stored > -2000].min() - 1e-3
        assert (
            np.isnan(values).sum()
            > np.isnan(plane.values(volume_of(asymmetric(), "rolled"), plane.count // 2)).sum()
        )


def test_rescales_that_differ_by_slice_are_applied_before_interpolation() -> None:
    stored = asymmetric(np.uint16)
    rescales = np.stack([np.linspace(1, 3, 14), np.linspace(0, -40, 14)], axis=1)
    volume = volume_of(stored, "rolled", per_slice=rescales)
    plane = turned(volume.geometry)["sagittal"]
    index = plane.count // 2
    assert_same(plane.values(volume, index), by_simpleitk(volume, plane, index), 0.1)
    slab = thick(planes_of(volume.geometry)["axial"], Slab("mean", 7.0))
    expected = volume.values(slice(5, 8)).mean(axis=0)
    assert np.abs(slab.values(volume, 6) - expected).max() < 1e-2


def test_colours_are_those_of_the_nearest_voxels() -> None:
    grey = asymmetric(np.uint8)
    volume = volume_of(np.stack([grey, 255 - grey, grey // 2], axis=-1), "rolled")
    plane = turned(volume.geometry, Slab("mip", 5.0))["coronal"]
    picture = grey_slice(volume, plane, plane.count // 2, Window(center=128, width=256))
    assert picture.shape == (*plane.shape, 3)
    shown = picture[picture.any(axis=2)].astype(int)
    assert len(shown) > 100
    assert (shown[:, 0] + shown[:, 1] == 255).all()


@pytest.mark.parametrize("slant", [0.0, 0.3])
def test_uneven_slices_are_interpolated_at_their_own_places(slant: float) -> None:
    along = (0.0, 4.0, 8.0, 9.0, 16.0, 23.0)
    length = float(np.hypot(1.0, slant))
    geometry = Geometry(
        shape=(6, 40, 30), spacing=(0.5, 1.0, 4.0 * length), origin=PatientPoint(-7, -20, 0),
        axes=((1, 0, 0), (0, 1, 0), (0, slant / length, 1 / length)),
        places=tuple(PatientPoint(-7, -20 + slant * z, z) for z in along), gaps=(4,),
    )  # fmt: skip
    k, j, i = np.indices(geometry.shape)
    places = geometry.to_patient_array(np.column_stack([k.ravel(), j.ravel(), i.ravel()]))
    way = np.array([3.0, -2.0, 5.0])  # a linear field is what linear interpolation keeps
    stored = (places @ way).astype(np.float32).reshape(geometry.shape)
    volume = Volume(geometry=geometry, stored=stored)
    plane = turned(geometry)["coronal"]
    index = plane.count // 2
    values = plane.values(volume, index)
    rows, columns = np.nonzero(np.isfinite(values))
    points = np.array([plane.to_patient(index, r, c) for r, c in zip(rows, columns, strict=True)])
    inner = (points[:, 2] > 0.1) & (points[:, 2] < 22.9)
    kji = geometry.to_index_array(points)
    inner &= (kji[:, 1] > 0) & (kji[:, 1] < 39) & (kji[:, 2] > 0) & (kji[:, 2] < 29)
    assert inner.sum() > 100
    assert np.abs(values[rows, columns] - points @ way)[inner].max() < 0.02
    missing = (points[:, 2] > 16 + 2.1 * length) & (points[:, 2] < 23 - 2.1 * length)
    assert not missing.any()


@pytest.mark.parametrize("folder", ["head-tilt-philips", "head-tilt-ge-nonuniform", "gap"])
def test_real_tilted_and_uneven_heads(imaging_data: Path, folder: str) -> None:
    (stack,) = [
        stack
        for patient in scan([imaging_data / "ct" / folder]).patients
        for study in patient.studies
        for series in study.series
        for stack in series.stacks
    ]
    volume = load_volume(stack)
    plane = turned(volume.geometry)["sagittal"]
    index = plane.count // 2
    ours = plane.values(volume, index)
    if volume.geometry.is_even:
        assert_same(ours, by_simpleitk(volume, plane, index), 0.2)
    # Pixel by pixel, by scipy between the two slices around each place.
    from scipy.ndimage import map_coordinates

    generator = np.random.default_rng(3)
    rows, columns = np.nonzero(np.isfinite(ours))
    for at in generator.choice(len(rows), 200, replace=False):
        point = plane.to_patient(index, rows[at], columns[at])
        kji = np.array(volume.geometry.to_index(point))
        low = np.clip(np.floor(kji).astype(int) - 1, 0, None)
        part = volume.stored[tuple(slice(a, a + 4) for a in low)].astype(float)
        value = map_coordinates(part, (kji - low)[:, None], order=1, mode="nearest")[0]
        value = value * volume.slope + volume.intercept
        low, high = volume.padding or (1.0, 0.0)
        if not ((part >= low) & (part <= high)).any():
            assert ours[rows[at], columns[at]] == pytest.approx(value, abs=0.2)


def test_pixels_and_millimetres_go_there_and_back() -> None:
    volume = volume_of(asymmetric(), "tilted")
    for plane in turned(volume.geometry).values():
        assert plane.to_pixel(plane.to_patient(5, 3, 8)) == pytest.approx((5, 3, 8))
        assert plane.step_mm == pytest.approx(plane.pixel_mm)
        normal = plane.matrix[:3, 0] / plane.pixel_mm
        assert abs(float(normal @ plane.normal_vector)) == pytest.approx(1.0)
        centre = plane.to_pixel(volume.geometry.centre)
        assert centre == pytest.approx(np.round(centre), abs=1e-6)  # the anchor is a pixel


def test_turning_leaves_the_still_plane_and_turns_back_to_the_beginning() -> None:
    geometry = volume_of(asymmetric(), "plain").geometry
    straight = mpr_planes(geometry, STRAIGHT)
    mpr = turned_about(STRAIGHT, straight, "axial", np.pi / 6, geometry.centre)
    planes = mpr_planes(geometry, mpr)
    assert planes["axial"] == straight["axial"]
    # Seen from the feet, right turns towards down: from the patient's left towards the back.
    expected = np.array([np.cos(np.pi / 6), np.sin(np.pi / 6), 0])
    assert planes["coronal"].step_right / planes["coronal"].step_mm == pytest.approx(expected)
    back = turned_about(mpr, planes, "axial", -np.pi / 6, geometry.centre)
    for name, plane in mpr_planes(geometry, back).items():
        assert plane.normal_vector == pytest.approx(straight[name].normal_vector, abs=1e-9)
    assert turned_about(STRAIGHT, straight, "axial", 0.0, geometry.centre) == STRAIGHT
    assert mpr.straightened() == Mpr()


def test_labels_and_heatmaps_are_cut_by_turned_planes_and_slabs() -> None:
    volume = volume_of(asymmetric(), "rolled")
    geometry = volume.geometry
    voxels = np.zeros(geometry.shape, np.uint8)
    voxels[4:9, 10:30, 8:20] = 1
    voxels[6:9, 10:30, 14:20] = 2
    labels = tuple(Label(value=v, name=str(v), colour="#56b4e9") for v in (1, 2))
    label_map = LabelMap(id="m", geometry=geometry, voxels=voxels, labels=labels)
    heatmap = Heatmap(id="h", geometry=geometry, values=voxels.astype(np.float32), class_name="x",
                      maximum=2.0)  # fmt: skip
    plane = turned(geometry)["coronal"]
    index = plane.count // 2
    expected = by_simpleitk(replace(volume, stored=voxels), plane, index, sitk.sitkNearestNeighbor)
    cut = cut_labels(label_map, plane, index)
    assert (cut == np.where(expected == OUTSIDE, 0, expected)).mean() > 0.995
    assert {0, 1, 2} <= set(cut.ravel().tolist())
    assert np.abs(cut_heatmap(heatmap, plane, index) - cut / 2.0).max() < 1e-6

    slab = turned(geometry, Slab("mip", 6.0))["coronal"]
    through = cut_labels(label_map, slab, index)
    assert ((through > 0) >= (cut > 0)).all()
    assert (through > 0).sum() > (cut > 0).sum()
    assert (through[cut > 0] == cut[cut > 0]).all()  # the middle slice comes first
    assert cut_heatmap(heatmap, slab, index).max() == pytest.approx(1.0)
    straight = thick(planes_of(geometry)["axial"], Slab("mip", 13.0))
    assert isinstance(straight, SlabPlane)
    wide = cut_labels(label_map, straight, 2)  # slices 0 to 4
    assert (wide == planes_of(geometry)["axial"].cut(voxels, 4)).all()


def test_a_plane_beside_the_volume_is_blank() -> None:
    volume = volume_of(asymmetric())
    matrix = np.array([[0, 1, 500.0], [1, 0, 500], [0, 0, 500]])
    found = linear(Source.of(volume), matrix, (40, 50))
    assert found.outside is not None
    assert found.outside.all()


@pytest.mark.parametrize("mode", ["mip", "minip", "mean"])
def test_a_draft_is_the_picture_seen_coarsely(mode: str) -> None:
    volume = volume_of(asymmetric(), "rolled", slope=2.0, intercept=-50.0)
    plane = turned(volume.geometry, Slab(mode, 4.0))["sagittal"]
    index = plane.count // 2
    draft, full = plane.draft(volume, index).values(), plane.values(volume, index)
    rows, columns = (size // 2 for size in plane.shape)
    blocks = full[: rows * 2, : columns * 2].reshape(rows, 2, columns, 2)
    inside = np.isfinite(blocks).all(axis=(1, 3)) & np.isfinite(draft[:rows, :columns])
    assert inside.sum() > 100
    off = draft[:rows, :columns] - np.where(inside[:, None, :, None], blocks, 0).mean(axis=(1, 3))
    assert np.abs(off[inside]).mean() < 0.05 * np.ptp(full[np.isfinite(full)])

    straight = thick(planes_of(volume.geometry)["coronal"], Slab(mode, 5.0))
    assert isinstance(straight, SlabPlane)
    coarse = straight.draft(volume, 20).values()
    assert coarse == pytest.approx(straight.values(volume, 20)[::2, ::2], abs=1e-2)
