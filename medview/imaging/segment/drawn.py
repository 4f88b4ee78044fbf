"""A small nodule as a scanner would show it, fitted to what it shows.

Where a rim of ground glass is narrower than the blur no ray shows the glass by itself, but the
picture as a whole still holds it: one body through a kernel and a dense body within a thinner one
look different, and the difference stands far above the noise. Both are drawn (an ellipsoid's
Fourier transform is known, and so are the kernel's and the slice's) and fitted by least squares.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import FloatArray, PatientPoint
from medview.core.progress import CancelToken
from medview.imaging.segment.rays import Crop, Flags, crop_around, directions
from medview.imaging.segment.surface import Surface, fit

_FINER, _FINE_MM = (3, 2, 2), 0.35  # samples drawn for one voxel (k, j, i); finer ones need fewer
_AROUND_MM = 2.2  # lung beyond the nodule that is looked at
_PAD_MM = 1.5  # what is drawn repeats itself: beyond this it must not come in from the other side
_ROUNDS, _ENOUGH = 14, 1e-4
_NOISE_HU = 25.0
# What is known beforehand, as mean and standard deviation: HU of the core and of glass, mm of
# the kernel (its standard deviation) and of the core's place in the nodule.
_CORE_HU, _GLASS_HU = (30.0, 80.0), (-600.0, 150.0)
_KERNEL_MM, _ASIDE_MM = (0.3, 0.15), 0.5
_LEAST_KERNEL_MM, _MOST_KERNEL_MM = 0.15, 0.85
# A rim is believed where one body would need a kernel softer than any scanner's, mm.
_SOFTEST_MM, _BETTER, _MUCH_BETTER = 1.7, 1.01, 1.15
_LEFT = 1.25  # of the noise: what one body leaves where it explains the picture
_LEAST_RIM_MM, _LEAST_CORE_MM, _GLASS_BETWEEN = 0.5, 1.2, (-720.0, -250.0)
_LOT = 20_000  # places that are held against all rays at once
_FAR_MM, _LEAST_VOXELS = 1.2, 50  # the outermost part shows the noise alone
_LIKE = (0.65, 1.5)  # volume over that of a border that was seen
# Numbers of a body: its place and the logarithm of its stretch; then come kernel and core.
_SHAPE = 9


@dataclass(frozen=True, eq=False, kw_only=True)
class Body:
    """What was fitted. misfit: root mean square of what is left, HU; within: the same near the
    body over that far from it. kernel_mm: FWHM in the slice.

    core_mm: diameter of the core, None where one body was drawn. hu: of the body, in a part-solid
    one of its glass.
    """

    surface: Surface
    misfit: float
    within: float
    kernel_mm: float
    hu: float
    core_mm: float | None = None

    @property
    def has_rim(self) -> bool:
        """Whether there is a core, and around it what glass can be."""
        if self.core_mm is None or self.core_mm < _LEAST_CORE_MM:
            return False
        across = 2.0 * float(np.cbrt((self.surface.radii**3).mean()))
        is_wide = across - self.core_mm >= 2.0 * _LEAST_RIM_MM
        return is_wide and _GLASS_BETWEEN[0] <= self.hu <= _GLASS_BETWEEN[1]


def narrow_rim(crop: Crop, core: Surface, clean: Flags, cancel: CancelToken) -> Body | None:
    """A core in a rim that no ray shows; None where one body explains the picture.

    core: the surface half-way to the lung. Irregular margins and soft kernels are explained by one
    body behind a softer kernel; what would need one that no scanner has is a rim.
    """
    wide = fit(core.centre, 1.5 * core.radii, np.ones(len(core.radii)), 2)
    near = _Near(crop, wide, clean)
    one = _draw(near, wide, cancel, has_core=False)
    if one.kernel_mm < _SOFTEST_MM and one.within < _LEFT:
        return None
    two = _draw(near, wide, cancel, has_core=True)
    needed = _BETTER if one.kernel_mm > _SOFTEST_MM else _MUCH_BETTER
    return two if two.has_rim and one.misfit > needed * two.misfit else None


def seen_rim(crop: Crop, whole: Surface, clean: Flags, cancel: CancelToken) -> Body | None:
    """Core and border of a small part-solid nodule; None where they are not as `whole` saw them."""
    two = _draw(_Near(crop, whole, clean), whole, cancel, has_core=True)
    share = two.surface.volume_mm3 / whole.volume_mm3
    return two if two.has_rim and _LIKE[0] < share < _LIKE[1] else None


class _Near:
    """The voxels around a nodule that show it, and what draws ellipsoids on them."""

    def __init__(self, crop: Crop, surface: Surface, clean: Flags) -> None:
        reach = float(surface.radii.max()) + _AROUND_MM
        near = crop_around(crop.volume, PatientPoint(*surface.centre), reach + _PAD_MM)
        geometry = crop.volume.geometry
        grid = np.indices(near.values.shape).reshape(3, -1).T + np.array(near.first)
        way = geometry.to_patient_array(grid) - surface.centre
        distance = np.linalg.norm(way, axis=1)
        values = near.values.ravel()
        self._used = (distance < reach) & np.isfinite(values)
        self._used[self._used] = _is_clean(way[self._used], surface, clean)
        self.is_far = distance[self._used] > reach - _FAR_MM
        self.values = np.asarray(values[self._used], np.float64)
        self._start = geometry.to_patient_array(np.array([near.first]))[0] - surface.centre
        self._steps = geometry.spacing[::-1]
        self._axes = np.array(geometry.axes[::-1], float)  # tilted slices make a slanting grid
        self._finer = [min(f, max(1, math.ceil(step / _FINE_MM)))
                       for step, f in zip(self._steps, _FINER, strict=True)]  # fmt: skip
        self._shape = tuple(n * f for n, f in zip(near.values.shape, self._finer, strict=True))

    @cached_property
    def _waves(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        fine = [step / f for step, f in zip(self._steps, self._finer, strict=True)]
        k, j = (2 * np.pi * np.fft.fftfreq(self._shape[n], fine[n]) for n in (0, 1))
        i = 2 * np.pi * np.fft.rfftfreq(self._shape[2], fine[2])
        return np.asarray(k, np.float64), np.asarray(j, np.float64), np.asarray(i, np.float64)

    @cached_property
    def _in_patient(self) -> NDArray[np.float32]:
        k, j, i = np.meshgrid(*self._waves, indexing="ij")
        waves = np.stack([k.ravel(), j.ravel(), i.ravel()])
        return np.asarray(np.linalg.solve(self._axes, waves), np.float32)

    def body(self, place: FloatArray, stretch: FloatArray, kernel_mm: float) -> FloatArray:
        """(used,) share of an ellipsoid, blurred: the unit ball under `stretch`, at `place` mm."""
        from scipy import fft

        k, j, i = self._waves
        turned = np.asarray(stretch, np.float32) @ self._in_patient
        q = np.maximum(np.sqrt((turned * turned).sum(axis=0)), np.float32(1e-2))
        ball = 3.0 * (np.sin(q) - q * np.cos(q)) / q**3
        size = 4.0 / 3.0 * np.pi * float(np.linalg.det(stretch))
        fine = np.prod([step / f for step, f in zip(self._steps, self._finer, strict=True)])
        fine *= abs(np.linalg.det(self._axes))
        shift = np.linalg.solve(self._axes.T, self._start - place)
        slab = np.sinc(k * self._steps[0] / (2 * np.pi))
        along = [
            np.exp(1j * k * shift[0]) * slab * (size / fine),
            np.exp(1j * j * shift[1] - 0.5 * (j * kernel_mm) ** 2),
            np.exp(1j * i * shift[2] - 0.5 * (i * kernel_mm) ** 2),
        ]
        rest = (along[1][:, None] * along[2][None, :]).astype(np.complex64)
        waves = ball.reshape(len(k), len(j), len(i)) * along[0].astype(np.complex64)[:, None, None]
        drawn = fft.irfftn(waves * rest[None], s=self._shape)
        whole = drawn[:: self._finer[0], :: self._finer[1], :: self._finer[2]]
        return np.asarray(whole.ravel()[self._used], np.float64)


def _is_clean(way: FloatArray, surface: Surface, clean: Flags) -> Flags:
    """(n,) whether places (n, 3), mm from the middle, lie deep inside or along clean rays."""
    lots = []
    for lot in np.array_split(way, max(1, len(way) // _LOT)):
        ray = np.argmax(lot @ directions().T, axis=1)
        lots.append(clean[ray] | (np.linalg.norm(lot, axis=1) < 0.6 * surface.radii[ray]))
    return np.concatenate(lots)


def _draw(near: _Near, around: Surface, cancel: CancelToken, *, has_core: bool) -> Body:
    mean = float(around.radii.mean())
    body = [0.0, 0.0, 0.0, *[np.log(mean)] * 3, 0.0, 0.0, 0.0, _KERNEL_MM[0]]
    core = [0.0, 0.0, 0.0, np.log(0.5 * mean)]
    start = np.array(body + core if has_core else body)
    numbers, levels, left = _fitted(near, start, cancel, has_core=has_core)
    noise = _size(left[near.is_far]) if near.is_far.sum() > _LEAST_VOXELS else _NOISE_HU
    return Body(
        surface=_surface(around, numbers),
        misfit=_size(left),
        within=_size(left[~near.is_far]) / max(noise, 1.0),
        kernel_mm=2.3548 * float(numbers[_SHAPE]),
        hu=float(levels[0] + levels[1]),
        core_mm=2.0 * float(np.exp(numbers[-1])) if has_core else None,
    )


def _stretch(numbers: FloatArray) -> FloatArray:
    """The symmetric matrix whose logarithm has these six numbers."""
    x, y, z, xy, xz, yz = numbers
    sizes, ways = np.linalg.eigh(np.array([[x, xy, xz], [xy, y, yz], [xz, yz, z]]))
    return np.asarray((ways * np.exp(np.clip(sizes, -2.0, 3.0))) @ ways.T)


def _fitted(
    near: _Near, start: FloatArray, cancel: CancelToken, *, has_core: bool
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Numbers and levels (lung, steps of HU of body and core), and what is left, HU.

    Gauss and Newton with Levenberg's damping; the levels are linear and solved for in each step.
    """

    def draw(numbers: FloatArray) -> list[FloatArray]:
        kernel = float(numbers[_SHAPE])
        found = [near.body(numbers[:3], _stretch(numbers[3:_SHAPE]), kernel)]
        if has_core:
            found.append(_core(near, numbers))
        return found

    numbers = start
    drawn = draw(numbers)
    levels, cost = _levels(near.values, drawn, numbers, has_core=has_core)
    damping = 1e-2
    for _ in range(_ROUNDS):
        cancel.check()
        slopes = _slopes(near, numbers, drawn, levels, has_core=has_core)
        rest = _rest(near.values, drawn, levels, numbers, has_core=has_core)
        normal, pull = slopes.T @ slopes, slopes.T @ rest
        better = False
        for _ in range(4):
            step = np.linalg.solve(normal + damping * np.diag(np.diag(normal) + 1e-9), pull)
            tried = _bounded(numbers - step[: len(numbers)])
            shown = draw(tried)
            new_levels, new_cost = _levels(near.values, shown, tried, has_core=has_core)
            if new_cost < cost:
                better = True
                break
            damping *= 6.0
        if not better:
            break
        gain = cost - new_cost
        numbers, drawn, levels, cost = tried, shown, new_levels, new_cost
        damping = max(damping / 6.0, 1e-5)
        if gain < _ENOUGH * cost:
            break
    return numbers, levels, near.values - _mixed(drawn, levels)


def _size(left: FloatArray) -> float:
    return float(np.sqrt((left**2).mean())) if left.size else 0.0


def _core(near: _Near, numbers: FloatArray) -> FloatArray:
    place = numbers[:3] + numbers[_SHAPE + 1 : _SHAPE + 4]
    return near.body(place, np.eye(3) * np.exp(numbers[-1]), float(numbers[_SHAPE]))


def _mixed(drawn: list[FloatArray], levels: FloatArray) -> FloatArray:
    return np.asarray(
        levels[0] + sum(s * d for s, d in zip(levels[1:], drawn, strict=True)), np.float64
    )


def _known_levels(*, has_core: bool) -> tuple[FloatArray, FloatArray]:
    """What is known of lung and steps of HU: rows and right sides of equations of weight 1."""
    core = np.array([1.0, 1.0, 1.0][: 3 if has_core else 2]) / _CORE_HU[1]
    if not has_core:
        return core[None], np.array([_CORE_HU[0] / _CORE_HU[1]])
    glass = np.array([1.0, 1.0, 0.0]) / _GLASS_HU[1]
    return np.stack([core, glass]), np.array(
        [_CORE_HU[0] / _CORE_HU[1], _GLASS_HU[0] / _GLASS_HU[1]]
    )


def _known_numbers(numbers: FloatArray) -> FloatArray:
    """How far numbers are from what is known of them, in standard deviations."""
    kernel = (numbers[_SHAPE : _SHAPE + 1] - _KERNEL_MM[0]) / _KERNEL_MM[1]
    return np.concatenate([kernel, numbers[_SHAPE + 1 : _SHAPE + 4] / _ASIDE_MM])


def _levels(
    values: FloatArray, drawn: list[FloatArray], numbers: FloatArray, *, has_core: bool
) -> tuple[FloatArray, float]:
    rows, sides = _known_levels(has_core=has_core)
    columns = np.stack([np.ones(len(values)), *drawn], axis=1) / _NOISE_HU
    matrix = np.concatenate([columns, rows])
    wanted = np.concatenate([values / _NOISE_HU, sides])
    found = np.linalg.solve(matrix.T @ matrix + 1e-9 * np.eye(len(matrix.T)), matrix.T @ wanted)
    left = matrix @ found - wanted
    return found, float(left @ left + (_known_numbers(numbers) ** 2).sum())


def _rest(
    values: FloatArray, drawn: list[FloatArray], levels: FloatArray, numbers: FloatArray,
    *, has_core: bool,
) -> FloatArray:  # fmt: skip
    rows, sides = _known_levels(has_core=has_core)
    return np.concatenate(
        [(_mixed(drawn, levels) - values) / _NOISE_HU, rows @ levels - sides,
         _known_numbers(numbers)]
    )  # fmt: skip


def _slopes(
    near: _Near, numbers: FloatArray, drawn: list[FloatArray], levels: FloatArray, *, has_core: bool
) -> FloatArray:
    """(rows, numbers and levels) of `_rest`, by small steps of each number."""
    rows, _ = _known_levels(has_core=has_core)
    columns, count = [], len(near.values)
    for n in range(len(numbers)):
        moved = numbers.copy()
        by = 1e-2
        moved[n] += by
        change: FloatArray = np.zeros(count)
        if n <= _SHAPE:
            body = near.body(moved[:3], _stretch(moved[3:_SHAPE]), float(moved[_SHAPE]))
            change = levels[1] * (body - drawn[0])
        if has_core and (n < 3 or n >= _SHAPE):
            change = change + levels[2] * (_core(near, moved) - drawn[1])
        known = (_known_numbers(moved) - _known_numbers(numbers)) / by
        columns.append(np.concatenate([change / (by * _NOISE_HU), np.zeros(len(rows)), known]))
    nothing = np.zeros(len(_known_numbers(numbers)))
    for n, column in enumerate([np.ones(count), *drawn]):
        columns.append(np.concatenate([column / _NOISE_HU, rows[:, n], nothing]))
    return np.stack(columns, axis=1)


def _bounded(numbers: FloatArray) -> FloatArray:
    found = numbers.copy()
    found[_SHAPE] = np.clip(found[_SHAPE], _LEAST_KERNEL_MM, _MOST_KERNEL_MM)
    if len(found) > _SHAPE + 1:
        found[-1] = np.clip(found[-1], np.log(0.5), np.log(10.0))
    return found


def _surface(around: Surface, numbers: FloatArray) -> Surface:
    """The ellipsoid as distances from its own middle along the rays."""
    back = np.linalg.inv(_stretch(numbers[3:_SHAPE]))
    distances = 1.0 / np.linalg.norm(directions() @ back.T, axis=1)
    return fit(around.centre + numbers[:3], distances, np.full(len(distances), 10.0), 4)
