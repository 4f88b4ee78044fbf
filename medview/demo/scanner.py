"""A CT scanner made of numbers: table, blur, noise with the texture of a kernel, whole numbers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from medview.core.progress import CancelToken
from medview.demo.body import Body, Pose
from medview.demo.lesions import Nodule
from medview.demo.space import Float, Grid
from medview.demo.tissue import AIR, Slab, paint_slab

_SLAB_VOXELS = 4_000_000  # at once on each thread: some 20 arrays of that size live
_THREADS = 2
Done = Callable[[int], None]


@dataclass(frozen=True, eq=False, kw_only=True)
class Model:
    """A body as the beam meets it: HU int16 [k, j, i] without blur or noise, masks as uint8."""

    grid: Grid
    hu: NDArray[np.int16]
    masks: dict[str, NDArray[np.uint8]] = field(default_factory=dict)


def sample_body(
    body: Body, grid: Grid, pose: Pose, nodule: Nodule | None, cancel: CancelToken, done: Done
) -> Model:
    """The body on a grid, slab by slab on two threads. Raises Cancelled."""
    hu = np.empty(grid.shape, np.int16)
    masks: dict[str, NDArray[np.uint8]] = {}
    deep = max(8, _SLAB_VOXELS // (grid.shape[1] * grid.shape[2]) // 2 * 2)

    def work(first: int) -> tuple[int, Slab]:
        cancel.check()
        return first, paint_slab(body, grid.slab(first, first + deep), pose, nodule)

    def store(future: Future[tuple[int, Slab]]) -> None:
        first, slab = future.result()
        last = first + len(slab.hu)
        np.rint(slab.hu, out=slab.hu)
        hu[first:last] = slab.hu
        for name, inside in slab.masks.items():
            if name not in masks:
                masks[name] = np.zeros(grid.shape, np.uint8)
            masks[name][first:last] = inside
        done(last - first)

    with ThreadPoolExecutor(_THREADS) as pool:
        waiting: list[Future[tuple[int, Slab]]] = []
        try:
            for first in range(0, grid.shape[0], deep):
                waiting.append(pool.submit(work, first))
                if len(waiting) > 2 * _THREADS:
                    store(waiting.pop(0))
            while waiting:
                store(waiting.pop(0))
        except BaseException:
            cancel.cancel()
            raise
    return Model(grid=grid, hu=hu, masks=masks)


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """A reconstruction: standard deviation of noise at the centre (HU),
    sharpness of the kernel (1 is a medium one), height of the table's top (patient y, mm)."""

    noise: float
    sharp: float
    table_y: float


class Scanner:
    """Turns a model into the slices that a scanner stores.

    rows: the full image grid, of which the model covers a part of the rows, and all columns.
    """

    def __init__(self, model: Model, rows: Grid, protocol: Protocol, seed: int) -> None:
        self.model, self.rows, self.protocol, self.seed = model, rows, protocol, seed
        self._top = round(float(model.grid.y[0] - rows.y[0]) / rows.spacing[1])
        self._left = round(float(rows.x[0] - model.grid.x[0]) / rows.spacing[0])
        rng = np.random.default_rng(seed)
        shape = (len(rows.y), len(rows.x))
        # Some textures, shifted and mirrored anew for each slice, save most of the time.
        self._textures = [_texture(shape, rows.spacing[0], protocol.sharp, rng) for _ in range(12)]

    def reconstruct(self, k: int) -> NDArray[np.int16]:
        """Slice k of the model: HU, int16, (rows, columns) of the full grid."""
        rows = self.rows
        image = np.full((len(rows.y), len(rows.x)), AIR, np.float32)
        part = self.model.hu[k, :, self._left : self._left + len(rows.x)]
        image[self._top : self._top + part.shape[0]] = part
        _add_table(image, rows, self.protocol.table_y)
        blur = 0.36 / rows.spacing[0] / self.protocol.sharp
        blurred = gaussian_filter(image, blur, truncate=3.0)
        blurred += self._noise(image, k)
        np.rint(blurred, out=blurred)
        return np.asarray(np.clip(blurred, -1024, 3071), np.int16)

    def _noise(self, image: Float, k: int) -> Float:
        rng = np.random.default_rng((self.seed, k))
        texture = self._textures[int(rng.integers(len(self._textures)))]
        shift = tuple(int(v) for v in rng.integers(0, texture.shape))
        texture = np.roll(texture, shift, axis=(0, 1))
        if rng.random() < 0.5:
            texture = texture[:, ::-1]
        return np.asarray(texture * _noise_level(image, self.rows, self.protocol.noise), np.float32)


def _add_table(image: Float, grid: Grid, top: float) -> None:
    x, y = grid.x[None, :], grid.y[:, None]
    upper = y - (top - x * x * np.float32(1 / 1400))
    lower = (top + 27 - x * x * np.float32(1 / 2600)) - y
    inside = np.minimum(np.minimum(upper, lower), 212 - np.abs(x))
    step = np.float32(grid.spacing[1])
    share = np.clip(inside / step + 0.5, 0, 1)
    shell = share * np.clip(0.5 + (1.6 - inside) / step, 0, 1)
    empty = image < -900
    image += empty * (share * np.float32(55) + shell * np.float32(690))
    pad = np.clip(-upper / step + 0.5, 0, 1) * np.clip((upper + 9) / step + 0.5, 0, 1)
    image += (image < -900) * pad * (np.abs(x) < 200) * np.float32(45)


def _texture(shape: tuple[int, int], pixel: float, sharp: float, rng: np.random.Generator) -> Float:
    """Noise of standard deviation 1 with the grain of a kernel; periodic, so it may be rolled."""
    white = rng.standard_normal(shape, np.float32)
    fine = gaussian_filter(white, 0.62 / pixel / sharp, truncate=3.0, mode="wrap")
    coarse = gaussian_filter(fine, 1.25 / pixel, truncate=2.5, mode="wrap")
    texture = fine - np.float32(0.85) * coarse
    return np.asarray(texture / texture.std(), np.float32)


def _noise_level(image: Float, grid: Grid, centre: float) -> Float:
    """Standard deviation of the noise (HU) at every pixel of an image."""
    density = np.clip(image * np.float32(0.001) + 1, 0, 2.2)
    along_x = gaussian_filter1d(density.sum(1) * grid.spacing[0], 6)
    along_y = gaussian_filter1d(density.sum(0) * grid.spacing[1], 6)
    # Variance grows with what the rays have passed; the tube current follows it half way.
    rows = 0.6 * np.exp(0.007 * (along_x - 190))
    columns = 0.4 * np.exp(0.007 * (along_y - 130))
    variance = np.asarray(rows[:, None] + columns[None, :], np.float32)
    return np.float32(centre) * np.sqrt(np.clip(variance, 0.25, 6))
