"""Steps that bring an image to the grid and the grey values that a net was trained on.

No torch here: the same functions prepare the training data.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from medview.ai.worker.lines import lines, sample_lines
from medview.ai.worker.steps import FloatArray, State, step
from medview.core.errors import InputRefused, ModelUnavailable
from medview.core.geometry import Geometry, Vector, VoxelIndex
from medview.core.words import say

_PREPARING = say("Preparing the image")
_LETTERS: dict[str, Vector] = {
    "L": (1, 0, 0), "R": (-1, 0, 0), "P": (0, 1, 0),
    "A": (0, -1, 0), "S": (0, 0, 1), "I": (0, 0, -1),
}  # fmt: skip


@step("orient", _PREPARING)
def orient(state: State, axes: str) -> None:
    """Reorder and flip the array's axes so that i, j, k grow towards the three letters.

    Each letter takes the axis that runs closest to it; oblique grids stay oblique.
    """
    if len(axes) != 3 or any(letter not in _LETTERS for letter in axes):
        raise ModelUnavailable(say("The model names axes that do not exist ({axes}).", axes=axes))
    wanted = np.array([_LETTERS[letter] for letter in axes], float)
    along = wanted @ np.array(state.geometry.axes, float).T  # [wanted, own] cosines
    order = max(
        permutations(range(3)), key=lambda p: sum(abs(along[n, a]) for n, a in enumerate(p))
    )
    flips = tuple(bool(along[n, own] < 0) for n, own in enumerate(order))
    state.set_image(*reorder(state.image, state.geometry, order, flips))


def reorder(
    image: FloatArray, geometry: Geometry, order: tuple[int, ...], flips: tuple[bool, ...]
) -> tuple[FloatArray, Geometry]:
    """Take the own axis order[n] (0 is i, 2 is k) as new axis n, backwards where flips[n]."""
    moved = image.transpose(tuple(2 - order[2 - n] for n in range(3)))
    moved = moved[tuple(slice(None, None, -1 if flips[2 - n] else 1) for n in range(3))]
    first = [0.0, 0.0, 0.0]  # own index [i, j, k] of the new voxel (0, 0, 0)
    for own, flip in zip(order, flips, strict=True):
        first[own] = geometry.shape[2 - own] - 1.0 if flip else 0.0
    axes = [np.array(geometry.axes[own]) * (-1 if flip else 1)
            for own, flip in zip(order, flips, strict=True)]  # fmt: skip
    spacing = [geometry.spacing[own] for own in order]
    return moved, Geometry(
        shape=(moved.shape[0], moved.shape[1], moved.shape[2]),
        spacing=(spacing[0], spacing[1], spacing[2]),
        origin=geometry.to_patient(VoxelIndex(first[2], first[1], first[0])),
        axes=(_vector(axes[0]), _vector(axes[1]), _vector(axes[2])),
    )


def _vector(values: NDArray[np.float64]) -> Vector:
    return (float(values[0]), float(values[1]), float(values[2]))


@step("resample", _PREPARING)
def resample(
    state: State,
    spacing_mm: list[float],
    order: int = 1,
    tolerance: float = 0.02,
    smooth: bool = True,
    coarser_mm: list[float] | None = None,
) -> None:
    """Bring the grid to a spacing (i, j, k) by interpolation of `order`, covering the same box.

    Spacings that agree to `tolerance` (a share) stay as they are. Where the grid becomes coarser
    the image is smoothed first with a Gaussian of sigma 0.4 x the ratio of spacings; models that
    learnt from images that were not (MONAI's Spacing) say so with `smooth`.
    coarser_mm: the spacing that the network also stands, taken instead where memory is too short
    (`ladder`).
    """
    own = state.geometry
    ratio = np.array(spacing_mm, float) / np.array(own.spacing)
    if np.all(np.abs(ratio - 1) <= tolerance):
        return
    sizes = [max(1, round(n / r)) for n, r in zip(own.shape[::-1], ratio, strict=True)]
    axes = np.array(own.axes, float)
    # The box stays in place: its first corner lies half a voxel before the first centre.
    shift = axes.T @ ((np.array(spacing_mm) - np.array(own.spacing)) / 2)
    geometry = Geometry(
        shape=(sizes[2], sizes[1], sizes[0]),
        spacing=(spacing_mm[0], spacing_mm[1], spacing_mm[2]),
        origin=type(own.origin)(*(np.array(own.origin) + shift)),
        axes=own.axes,
    )
    image = state.image
    if smooth and np.any(ratio > 1):
        sigma = np.where(ratio > 1, 0.4 * ratio, 0.0)[::-1]
        image = ndimage.gaussian_filter(image, sigma, mode="nearest")
    state.set_image(sample_at(image, own, geometry, order), geometry)


def sample_at(image: FloatArray, own: Geometry, wanted: Geometry, order: int) -> FloatArray:
    """An image [k, j, i] on `own` at the voxel centres of `wanted`; beyond it edges repeat."""
    along = lines(own, wanted) if order == 1 else None
    if along is not None:
        return sample_lines(image, along)
    matrix = (own.inverse @ wanted.affine)[:3, :3][::-1, ::-1]
    offset = own.to_index(wanted.origin)
    sampled: FloatArray = ndimage.affine_transform(
        image, matrix, offset, wanted.shape, np.float32, order=order, mode="nearest"
    )
    return sampled


@step("invert_if", _PREPARING)
def invert_if(state: State, photometric: str) -> None:
    """Turn MONOCHROME1 films (low values are white) so that dense tissue is bright."""
    if photometric != "MONOCHROME1":
        raise ModelUnavailable(say("The model inverts what is unknown ({what}).", what=photometric))
    if state.volume.is_inverted:
        state.set_image(-state.image, state.geometry)


@step("resize", _PREPARING)
def resize(state: State, size: list[int], keep_aspect: bool = False) -> None:
    """A single picture to `size` (columns, rows), smoothed where it shrinks.

    Without keep_aspect the picture is squeezed into the square, as the training films were.
    """
    rows, columns = state.image.shape[1:]
    if state.image.shape[0] != 1 or keep_aspect:
        raise InputRefused(say("This model looks at single pictures, not at series of them."))
    picture = Image.fromarray(state.image[0])
    small = np.asarray(picture.resize((size[0], size[1]), Image.Resampling.BILINEAR), np.float32)
    own = state.geometry
    step_i, step_j = own.spacing[0] * columns / size[0], own.spacing[1] * rows / size[1]
    shift = np.array(own.axes[0]) * (step_i - own.spacing[0]) / 2
    shift = shift + np.array(own.axes[1]) * (step_j - own.spacing[1]) / 2
    geometry = Geometry(
        shape=(1, size[1], size[0]),
        spacing=(step_i, step_j, own.spacing[2]),
        origin=type(own.origin)(*(np.array(own.origin) + shift)),
        axes=own.axes,
        is_spatial=own.is_spatial,
    )
    state.set_image(small[None], geometry)


@step("normalize", _PREPARING)
def normalize(state: State, mode: str, low: float = 0.0, high: float = 100.0) -> None:
    """Grey values to mean 0, deviation 1: `zscore`, or `percentile` (cut to low-high % before).

    Both are the same for any two pictures whose values differ by a factor and an offset, so films
    of 8 and of 12 bits come out alike. `range` is for values with a unit: low to high become -1 to
    1, what lies beyond is cut, and what is no value counts as low. Raises InputRefused for a
    picture of one grey.
    """
    if mode == "range":
        cut = np.clip(np.nan_to_num(state.image, nan=low, posinf=high, neginf=low), low, high)
        state.set_image((cut - low) * np.float32(2 / (high - low)) - 1, state.geometry)
        return
    image = np.nan_to_num(state.image.astype(np.float64), posinf=0, neginf=0)
    if mode == "percentile":
        image = np.clip(image, *np.percentile(image, [low, high]))
    elif mode != "zscore":
        raise ModelUnavailable(say("The model asks for an unknown scaling ({mode}).", mode=mode))
    deviation = image.std()
    if not deviation > 1e-6 * max(1.0, float(np.abs(image).max())):
        raise InputRefused(say("The image is empty: all its values are the same."))
    state.set_image(((image - image.mean()) / deviation).astype(np.float32), state.geometry)


@step("pad_multiple", _PREPARING)
def pad_multiple(state: State, factors: list[int], value: float = 0.0) -> None:
    """Add voxels of `value` around the image until its size (i, j, k) divides by `factors`."""
    need = [-n % f for n, f in zip(state.image.shape, factors[::-1], strict=True)]
    before = [n // 2 for n in need]
    widths = [(b, n - b) for b, n in zip(before, need, strict=True)]
    padded = np.pad(state.image, widths, constant_values=value)
    own = state.geometry
    geometry = Geometry(
        shape=padded.shape,
        spacing=own.spacing,
        origin=own.to_patient(VoxelIndex(*(-float(b) for b in before))),
        axes=own.axes,
        is_spatial=own.is_spatial,
    )
    state.set_image(padded, geometry)
