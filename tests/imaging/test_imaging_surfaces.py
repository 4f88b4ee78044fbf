"""Surfaces of masks, STL files, what cuts leave out, and what a ray meets."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest

from medview.core.geometry import Geometry, PatientPoint
from medview.core.results import LabelMap
from medview.imaging.cutting import CropBox, CutPlane, Lasso, covered, cut
from medview.imaging.picking import pick, pick_mesh, ray_through
from medview.imaging.stl import save_stl
from medview.imaging.surfaces import Mesh, NoSurface, surface_of
from medview.imaging.transfer import Look, TransferPoint

_TILT = np.radians(18)
_GRIDS = {
    "even": {},
    "anisotropic": {"spacing": (0.7, 0.9, 2.0)},
    "tilted": {"spacing": (0.8, 0.8, 1.5),
               "axes": ((1, 0, 0), (0, 1, 0), (0, float(np.sin(_TILT)), float(np.cos(_TILT))))},
    "mirrored": {"axes": ((1, 0, 0), (0, 1, 0), (0, 0, -1))},
    "sagittal": {"spacing": (0.8, 1.1, 1.4), "axes": ((0, 1, 0), (0, 0, -1), (1, 0, 0))},
}  # fmt: skip


def _grid(name: str, mm: float = 72.0) -> Geometry:
    settings = _GRIDS[name]
    spacing = settings.get("spacing", (1.0, 1.0, 1.0))
    shape = tuple(round(mm / step) for step in spacing[::-1])
    return Geometry(shape=shape, origin=PatientPoint(-30, 12, 5), **settings)


def _places(geometry: Geometry) -> np.ndarray:
    indices = np.stack(np.meshgrid(*map(np.arange, geometry.shape), indexing="ij"), axis=-1)
    return geometry.to_patient_array(indices.reshape(-1, 3))


def _mask(geometry: Geometry, inside: np.ndarray) -> LabelMap:
    voxels = inside.astype(np.uint8).reshape(geometry.shape)
    return LabelMap(id="m", geometry=geometry, voxels=voxels, labels=())


def _ball(geometry: Geometry, radius: float = 24.0) -> tuple[LabelMap, np.ndarray]:
    middle = np.array(geometry.centre)
    away = np.linalg.norm(_places(geometry) - middle, axis=1)
    return _mask(geometry, away < radius), middle


@pytest.mark.parametrize("name", _GRIDS)
def test_ball_has_its_volume_within_one_percent_and_no_hole(name: str) -> None:
    label_map, middle = _ball(_grid(name))

    mesh = surface_of(label_map, [1])

    assert mesh.is_closed
    assert mesh.volume_mm3 == pytest.approx(4 / 3 * np.pi * 24**3, rel=0.01)
    assert np.linalg.norm(mesh.points - middle, axis=1) == pytest.approx(24, abs=1.6)
    assert mesh.points.mean(axis=0) == pytest.approx(middle, abs=0.2)


@pytest.mark.parametrize("name", _GRIDS)
def test_surface_of_an_asymmetric_body_is_not_mirrored(name: str) -> None:
    # A long bar to the left, a middle one to the back, a short one to the head.
    geometry = _grid(name)
    away = _places(geometry) - np.array(geometry.centre)
    thick = 5.0
    inside = np.zeros(len(away), bool)
    for axis, length in enumerate((26.0, 18.0, 11.0)):
        along = (away[:, axis] > -thick) & (away[:, axis] < length)
        others = [n for n in range(3) if n != axis]
        inside |= along & (np.abs(away[:, others]) < thick).all(axis=1)

    mesh = surface_of(_mask(geometry, inside), [1])

    low, high = (
        mesh.points.min(axis=0) - np.array(geometry.centre),
        mesh.points.max(axis=0) - np.array(geometry.centre),
    )
    # Half a voxel of the coarsest step, and what smoothing rounds off at an end.
    assert high == pytest.approx([26, 18, 11], abs=2.2)
    assert low == pytest.approx([-5, -5, -5], abs=2.2)


def test_small_body_at_the_edge_of_the_grid_is_closed_too() -> None:
    voxels = np.zeros((6, 8, 10), np.uint8)
    voxels[0:2, 0:2, 7:10] = 3
    label_map = LabelMap(id="m", geometry=Geometry(shape=voxels.shape), voxels=voxels, labels=())

    mesh = surface_of(label_map, [3])

    assert mesh.is_closed
    assert mesh.points[:, 0].max() == pytest.approx(9.5, abs=0.6)


def test_thinned_surface_keeps_its_volume_and_stays_closed() -> None:
    label_map, _ = _ball(_grid("even"))

    whole, thin = surface_of(label_map, [1]), surface_of(label_map, [1], most=3000)

    assert len(thin.triangles) <= 3000 < len(whole.triangles)
    assert thin.is_closed
    assert thin.volume_mm3 == pytest.approx(whole.volume_mm3, rel=0.01)


def test_uneven_slices_are_laid_at_their_true_places() -> None:
    # Slices 2 mm apart, and 4 mm from the tenth on: a ball keeps its length along z.
    z = np.concatenate([np.arange(10) * 2.0, 18 + np.arange(1, 11) * 4.0])
    places = tuple(PatientPoint(0, 0, float(at)) for at in z)
    geometry = Geometry(shape=(20, 60, 60), spacing=(1, 1, 2), places=places)
    away = _places(geometry) - np.array([30, 30, 24])
    mesh = surface_of(_mask(geometry, np.linalg.norm(away, axis=1) < 16), [1])

    assert np.ptp(mesh.points[:, 2]) == pytest.approx(32, abs=4)
    assert mesh.points[:, 2].mean() == pytest.approx(24, abs=1.5)


def test_label_without_voxels_and_a_film_have_no_surface() -> None:
    label_map, _ = _ball(_grid("even"))
    film = LabelMap(
        id="f", geometry=Geometry(shape=(1, 4, 4), is_spatial=False),
        voxels=np.ones((1, 4, 4), np.uint8), labels=(),
    )  # fmt: skip

    with pytest.raises(NoSurface, match="holds no voxel"):
        surface_of(label_map, [9])
    with pytest.raises(NoSurface, match="no surface in space"):
        surface_of(film, [1])


def test_stl_says_the_same_to_an_independent_reader(tmp_path: Path) -> None:
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkFiltersCore import vtkMassProperties
    from vtkmodules.vtkIOGeometry import vtkSTLReader

    label_map, middle = _ball(_grid("tilted"))
    mesh = surface_of(label_map, [1])

    path = save_stl(tmp_path / "ball.stl", [mesh])

    reader, mass = vtkSTLReader(), vtkMassProperties()
    reader.SetFileName(str(path))
    mass.SetInputConnection(reader.GetOutputPort())
    mass.Update()
    points = vtk_to_numpy(reader.GetOutput().GetPoints().GetData())
    assert mass.GetVolume() == pytest.approx(4 / 3 * np.pi * 24**3, rel=0.01)
    assert points.mean(axis=0) == pytest.approx(middle, abs=0.3)
    assert reader.GetOutput().GetNumberOfCells() == len(mesh.triangles)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.stat().st_size == 84 + 50 * len(mesh.triangles)
    assert not path.read_bytes().startswith(b"solid")
    normals = np.frombuffer(path.read_bytes()[84:], np.uint8).reshape(-1, 50)[:, :12]
    normals = normals.copy().view("<f4")
    outward = mesh.points[mesh.triangles].mean(axis=1) - middle
    assert (np.einsum("ij,ij->i", normals, outward) > 0).all()


def test_lasso_covers_what_lies_under_it_on_the_screen() -> None:
    geometry = _grid("tilted", 30.0)
    lasso = Lasso(right=(1, 0, 0), up=(0, 0, 1), corners=((-25, 10), (-5, 10), (-5, 30), (-25, 30)))

    found = covered(lasso, geometry).ravel()

    x, z = _places(geometry)[:, 0], _places(geometry)[:, 2]
    inside = (x > -25) & (x < -5) & (z > 10) & (z < 30)
    near = (np.abs(x + 25) < 0.1) | (np.abs(x + 5) < 0.1) | (np.abs(z - 10) < 0.1)
    near |= np.abs(z - 30) < 0.1
    assert np.array_equal(found[~near], inside[~near])


def test_cut_leaves_the_volume_itself_alone() -> None:
    values = np.full((4, 4, 4), 7, np.int16)
    values[0, 0, 0] = -3
    geometry = Geometry(shape=(4, 4, 4))
    lasso = Lasso(right=(1, 0, 0), up=(0, 1, 0), corners=((-1, -1), (1.5, -1), (1.5, 5), (-1, 5)))

    removed = cut(values, geometry, [lasso])
    kept = cut(values, geometry, [Lasso(lasso.right, lasso.up, lasso.corners, keeps=True)])
    sliced = cut(values, geometry, [], [CutPlane((0, 0, 1.5), (0, 0, 1))])

    assert (values == 7).sum() == 63
    assert set(np.unique(removed[:, :, :2])) == {-3}
    assert (removed[:, :, 2:] == 7).all()
    assert (kept[:, :, 2:] == -3).all()
    assert (sliced[:2] == -3).all()
    assert (sliced[2:] == 7).all()
    assert cut(values, geometry, []) is values


def test_faces_of_the_box_never_pass_each_other() -> None:
    box = CropBox().with_face(0, is_high=False, share=0.6).with_face(0, is_high=True, share=0.1)

    assert box.low[0] < box.high[0] <= 1
    assert box.bounds((10, 20, 30))[0] == (0.6 * 30 - 0.5, -0.5, -0.5)


_LOOK = Look(
    id="x", name="", points=(TransferPoint(100, 0, "#000000"), TransferPoint(200, 0.9, "#ffffff"))
)


def _values(geometry: Geometry, radius: float) -> np.ndarray:
    away = np.linalg.norm(_places(geometry) - np.array(geometry.centre), axis=1)
    soft = np.clip((radius - away) * 100 + 150, -1000, 300)  # 150 at the surface
    return soft.astype(np.float32).reshape(geometry.shape)


@pytest.mark.parametrize("name", _GRIDS)
@pytest.mark.parametrize("way", [(0, 1, 0), (-1, 0, 0), (0.6, 0.0, -0.8)])
def test_ray_finds_the_front_of_a_ball(name: str, way: tuple[float, float, float]) -> None:
    geometry = _grid(name)
    middle, direction = np.array(geometry.centre), np.array(way)
    start = tuple(middle - 300 * direction)

    found = pick(_values(geometry, 20), geometry, _LOOK, ray_through(start, way, geometry))

    assert np.array(found) == pytest.approx(middle - 20 * direction, abs=1.0)


def test_ray_knows_what_is_cut_away_and_the_brightest_point() -> None:
    geometry = _grid("even")
    middle = np.array(geometry.centre)
    values = _values(geometry, 20)
    ray = ray_through((middle[0], -300, middle[2]), (0, 1, 0), geometry)
    half = CutPlane(tuple(middle), (0, 1, 0))

    cut_at = pick(values, geometry, _LOOK, ray, (CropBox(), (half,)))
    boxed = pick(values, geometry, _LOOK, ray, (CropBox(high=(1, 0.2, 1)), ()))
    values[40, 50, 36] = 2000
    spot = geometry.to_patient_array([(40, 50, 36)])[0]
    bright = ray_through((spot[0], -300, spot[2]), (0, 1, 0), geometry)
    mip = Look(id="m", name="", points=_LOOK.points, blend="mip")

    assert cut_at.y == pytest.approx(middle[1], abs=1.0)
    assert boxed is None
    assert pick(values, geometry, mip, bright).y == pytest.approx(12 + 50, abs=0.6)


def test_ray_finds_the_nearest_triangle() -> None:
    points = np.array(
        [[0, 0, 5], [4, 0, 5], [0, 4, 5], [0, 0, 9], [4, 0, 9], [0, 4, 9]], np.float32
    )
    mesh = Mesh(points=points, triangles=np.array([[0, 1, 2], [3, 4, 5]], np.int32))

    assert pick_mesh([mesh], (1, 1, -10), (0, 0, 1)) == pytest.approx((1, 1, 5))
    assert pick_mesh([mesh], (1, 1, 50), (0, 0, -1)) == pytest.approx((1, 1, 9))
    assert pick_mesh([mesh], (9, 9, -10), (0, 0, 1)) is None
