"""Lung nodules of known size as a scanner would show them: what one-click measuring is held to.

Bodies are analytic; a voxel's number is the scene blurred by the scanner's point spread and slice
profile, drawn on a fine grid and sampled. Truth comes from the formulas, never from the voxels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from medview.core.geometry import FloatArray, Geometry, PatientPoint
from medview.core.volume import Volume

Soft = NDArray[np.float32]

KINDS = (
    "solid", "ellipsoid", "ground glass", "part-solid", "at the wall", "on a vessel",
    "wall and vessel",
)  # fmt: skip
_FINE_MM = (0.3, 0.6)  # the grid that the scene is drawn on, by the size of the nodule


@dataclass(frozen=True, kw_only=True)
class NodulePhantom:
    """One nodule in lung and how it is scanned; lengths in mm, values in HU.

    radii: semi-axes of the nodule along the columns of `turn`, a rotation. solid: share of the
    radii that a solid core has in a ground-glass nodule, 0 for none. wall: distance of a flat
    chest wall from the nodule's centre over the mean radius (below 1 they overlap), None without.
    vessel: diameter of a vessel, 0 without; it passes through the surface at `vessel_at` (unit
    vector) along `vessel_along`. tilt: rotation of the scanner's grid against the patient.
    """

    radii: tuple[float, float, float]
    turn: FloatArray
    nodule_hu: float = 30.0
    lung_hu: float = -850.0
    solid: float = 0.0
    wall: float | None = None
    wall_at: tuple[float, float, float] = (1.0, 0.0, 0.0)
    vessel: float = 0.0
    vessel_at: tuple[float, float, float] = (0.0, 1.0, 0.0)
    vessel_along: tuple[float, float, float] = (0.0, 1.0, 0.0)
    spacing: tuple[float, float, float] = (0.7, 0.7, 1.25)  # i, j, k
    fwhm: float = 0.6
    noise_hu: float = 20.0
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)  # of the centre from a voxel, in voxels
    tilt: FloatArray | None = None
    seed: int = 0

    @property
    def volume_mm3(self) -> float:
        """4/3 pi abc."""
        a, b, c = self.radii
        return 4.0 / 3.0 * math.pi * a * b * c

    @property
    def axes_mm(self) -> tuple[float, float]:
        """Long and short axis of the largest section along the scanner's three planes."""
        grid = np.eye(3) if self.tilt is None else self.tilt
        sections = [_section(self.radii, self.turn, np.delete(grid, n, axis=1)) for n in range(3)]
        return max(sections, key=lambda axes: axes[0] * axes[1])

    @property
    def mean_diameter_mm(self) -> float:
        """Mean of long and short axis."""
        return sum(self.axes_mm) / 2.0

    def scanned(self) -> tuple[Volume, PatientPoint]:
        """The volume (int16 HU) around the nodule, and the nodule's centre."""
        geometry, centre = self._grid()
        values = self._blurred(geometry, centre)
        values += self._noise(geometry.shape)
        stored = np.round(np.clip(values, -1024, 3071)).astype(np.int16)
        return Volume(geometry=geometry, stored=stored, unit="HU", modality="CT"), centre

    def _grid(self) -> tuple[Geometry, PatientPoint]:
        reach = max(self.radii) + 14.0
        i, j, k = (int(2 * reach / step) | 1 for step in self.spacing)
        axes = np.eye(3) if self.tilt is None else self.tilt
        rows: list[tuple[float, float, float]] = [tuple(axis.tolist()) for axis in axes.T]
        geometry = Geometry(
            shape=(k, j, i), spacing=self.spacing, axes=(rows[0], rows[1], rows[2]),
            origin=PatientPoint(-41.5, 12.25, 107.0),
        )  # fmt: skip
        middle = (np.array(geometry.shape) // 2) + np.array(self.offset)[::-1]
        return geometry, PatientPoint(*geometry.to_patient_array([middle])[0])

    def _blurred(self, geometry: Geometry, centre: PatientPoint) -> FloatArray:
        """The scene on a finer grid of the same frame, blurred, one sample a voxel."""
        step_mm = float(np.clip(np.mean(self.radii) / 12.0, *_FINE_MM))
        fine = [max(1, round(step / step_mm)) | 1 for step in self.spacing[::-1]]
        places = [(np.arange(n * f) - (f - 1) / 2) / f for n, f in zip(geometry.shape, fine,
                                                                         strict=True)]  # fmt: skip
        k, j, i = np.meshgrid(*places, indexing="ij", sparse=True)
        steps = np.array(geometry.axes) * np.array(geometry.spacing)[:, None]
        start = np.array(geometry.origin) - np.array(centre)
        at = [start[n] + i * steps[0, n] + j * steps[1, n] + k * steps[2, n] for n in range(3)]
        edge = min(step / f for step, f in zip(self.spacing[::-1], fine, strict=True))
        scene = self._scene([np.asarray(part, np.float32) for part in at], edge)
        sigma = self.fwhm / 2.3548
        for axis in (1, 2):
            step = self.spacing[2 - axis] / fine[axis]
            scene = ndimage.gaussian_filter1d(scene, sigma / step, axis=axis)
        scene = ndimage.uniform_filter1d(scene, fine[0], axis=0)  # slices as thick as their step
        return np.asarray(scene[tuple(slice(f // 2, None, f) for f in fine)], np.float64)

    def _scene(self, at: list[Soft], edge: float) -> Soft:
        """HU at places relative to the nodule's centre; what comes later covers what was there."""
        shape = np.broadcast_shapes(*(part.shape for part in at))
        scene: Soft = np.full(shape, self.lung_hu, np.float32)
        if self.vessel:
            _cover(
                scene, _tube(at, self._vessel_start, self.vessel_along, self.vessel / 2), 40.0, edge
            )
        _cover(scene, _ellipsoid(at, self.radii, self.turn), self.nodule_hu, edge)
        if self.solid:
            core = (
                self.radii[0] * self.solid,
                self.radii[1] * self.solid,
                self.radii[2] * self.solid,
            )
            _cover(scene, _ellipsoid(at, core, self.turn), 30.0, edge)
        if self.wall is not None:
            along = sum(n * part for n, part in zip(self.wall_at, at, strict=True))
            outside = self.wall * float(np.mean(self.radii)) - along
            # The nodule's own part behind the wall is of the wall's density: nothing shows it.
            _cover(scene, np.asarray(outside, np.float32), 40.0, edge)
        return scene

    @property
    def _vessel_start(self) -> FloatArray:
        """Where the vessel's middle line leaves the nodule."""
        direction = self.turn.T @ np.array(self.vessel_at)
        reach = 1.0 / math.sqrt(
            sum((d / r) ** 2 for d, r in zip(direction, self.radii, strict=True))
        )
        return np.asarray(self.vessel_at, np.float64) * reach * 0.8

    def _noise(self, shape: tuple[int, int, int]) -> FloatArray:
        """Noise with the short correlation of a lung kernel."""
        rng = np.random.default_rng(self.seed)
        noise = ndimage.gaussian_filter(rng.normal(size=shape), (0.0, 0.6, 0.6))
        return np.asarray(noise * (self.noise_hu / noise.std()), np.float64)


def _ellipsoid(at: list[Soft], radii: tuple[float, float, float], turn: FloatArray) -> Soft:
    """Signed distance to first order, mm, negative inside."""
    k0 = k1 = np.zeros(1, np.float32)
    for axis, radius in zip(turn.T, radii, strict=True):
        q = sum(np.float32(a / radius) * part for a, part in zip(axis, at, strict=True))
        k0, k1 = k0 + q * q, k1 + q * q / np.float32(radius**2)
    k0, k1 = np.sqrt(k0), np.sqrt(k1) + np.float32(1e-4)
    return np.asarray(k0 * (k0 - 1) / k1, np.float32)


def _tube(
    at: list[Soft], start: FloatArray, along: tuple[float, float, float], radius: float
) -> Soft:
    """Signed distance to a round tube that begins at `start` and runs on."""
    way = [part - np.float32(s) for part, s in zip(at, start, strict=True)]
    run = np.maximum(sum(np.float32(a) * part for a, part in zip(along, way, strict=True)), 0)
    gaps = [(part - np.float32(a) * run) ** 2 for a, part in zip(along, way, strict=True)]
    return np.asarray(np.sqrt(sum(gaps)) - np.float32(radius), np.float32)


def _cover(scene: Soft, distance: Soft, value: float, edge: float) -> None:
    share = np.clip(0.5 - distance / edge, 0.0, 1.0)
    scene += share * (np.float32(value) - scene)


def _section(
    radii: tuple[float, float, float], turn: FloatArray, plane: FloatArray
) -> tuple[float, float]:
    """Long and short axis of an ellipsoid's section through its centre; plane: (3, 2) unit axes."""
    shape = turn @ np.diag([1.0 / r**2 for r in radii]) @ turn.T
    values = np.linalg.eigvalsh(plane.T @ shape @ plane)
    return 2.0 / math.sqrt(values[0]), 2.0 / math.sqrt(values[1])


def random_turn(rng: np.random.Generator) -> FloatArray:
    """An even choice among all rotations."""
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    turn = q * np.sign(np.diag(r))
    return np.asarray(turn * np.sign(np.linalg.det(turn)), np.float64)


def random_phantom(kind: str, diameter: float, seed: int) -> NodulePhantom:
    """A case of one of KINDS with a mean diameter in mm; everything else is drawn by the seed."""
    rng = np.random.default_rng([seed, KINDS.index(kind), round(diameter * 10)])
    stretch = np.ones(3)
    if kind != "solid":
        stretch = rng.uniform(0.85, 1.2, 3)
    if kind == "ellipsoid":
        stretch = rng.uniform(0.7, 1.45, 3)
    radii = stretch / np.cbrt(stretch.prod()) * diameter / 2.0
    in_plane = rng.uniform(0.6, 0.8)
    unit = _direction(rng)
    aside = _direction(rng)
    more: dict[str, object] = {}
    if "wall" in kind:
        more |= {"wall": rng.uniform(0.8, 1.0), "wall_at": unit}
    if "vessel" in kind:
        at = tuple((-np.array(unit)).tolist()) if "wall" in kind else unit
        leaning = np.array(at) + 0.6 * np.array(aside)
        along = tuple((leaning / np.linalg.norm(leaning)).tolist())
        size = min(rng.uniform(2.0, 5.0), 0.55 * diameter)
        more |= {"vessel": size, "vessel_at": at, "vessel_along": along}
    if kind == "ground glass":
        more |= {"nodule_hu": rng.uniform(-650, -450)}
    if kind == "part-solid":
        more |= {"nodule_hu": rng.uniform(-650, -550), "solid": rng.uniform(0.4, 0.6)}
    return NodulePhantom(
        radii=(float(radii[0]), float(radii[1]), float(radii[2])),
        turn=random_turn(rng),
        lung_hu=rng.uniform(-870, -830),
        spacing=(in_plane, in_plane, float(rng.choice([1.0, 1.25, 2.0, 2.5]))),
        fwhm=rng.uniform(0.5, 0.8),
        noise_hu=rng.uniform(10, 40),
        offset=tuple(rng.uniform(-0.5, 0.5, 3).tolist()),
        tilt=_slight_tilt(rng) if rng.random() < 0.4 else None,
        seed=seed,
        **more,  # type: ignore[arg-type]
    )


def _direction(rng: np.random.Generator) -> tuple[float, float, float]:
    way = rng.normal(size=3)
    x, y, z = (way / np.linalg.norm(way)).tolist()
    return x, y, z


def _slight_tilt(rng: np.random.Generator) -> FloatArray:
    """Grids turned by up to 25 degrees about any axis."""
    x, y, z = _direction(rng)
    angle = math.radians(rng.uniform(5, 25))
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turn = np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross
    return np.asarray(turn, np.float64)
