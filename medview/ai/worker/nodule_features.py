"""What can be measured on five slices of a lung nodule and its outline: 48 numbers.

Size and shape of the outline, grey inside, on its edge and in rings around it. Grey values are
shares of the slice's own 1st to 99th percentile, so that they do not depend on how a slice was
stretched. The pixels are those of the patch, 0.8 mm.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

PIXEL_MM = 0.8
LOW, HIGH = 1.0, 99.0  # percentiles that become 0 and 1
_RINGS = ((0.0, 1.5), (1.5, 3.0), (3.0, 6.0), (6.0, 10.0))  # pixels outside of the outline
_BEYOND = (1.0, 3.0, 5.0, 8.0)  # pixels beyond the mean radius where rays are compared
_ANGLES = np.linspace(0.0, 2.0 * np.pi, 36, endpoint=False)

NAMES = (
    "area_max", "area_mean", "area_min", "area_ends", "inscribed", "axis_long", "axis_short",
    "roundness", "outline_length", "radius_spread",
    "grey_mean", "grey_max", "grey_sd", "grey_p5", "grey_p25", "grey_p75", "grey_p95",
    "core_mean", "core_sd",
    *(f"ring_mean_{n}" for n in range(1, 5)), *(f"ring_sd_{n}" for n in range(1, 5)),
    "edge_mean", "edge_sd", "slope_mean",
    *(f"ray_sd_{n}" for n in range(1, 5)), *(f"ray_p75_{n}" for n in range(1, 5)),
    *(f"ray_p25_{n}" for n in range(1, 5)),
    "slice_mean", "patch_mean", "patch_sd", "slices_mean", "slices_sd", "solidity",
)  # fmt: skip


def stretched(grey: NDArray[np.generic]) -> Array:
    """[slice, j, i] of any numbers to 0 to 1, each slice by its own percentiles.

    A slice of one grey becomes 0.
    """
    values = grey.astype(np.float64)
    low, high = np.percentile(values, [LOW, HIGH], axis=(1, 2))[:, :, None, None]
    return np.asarray(np.clip((values - low) / np.maximum(high - low, 1e-3), 0.0, 1.0))


def measure_patch(grey: Array, outline: Mask) -> Array:
    """[len(NAMES)] of `stretched` slices and their outline, both [slice, j, i].

    All but the areas and the last means belong to the slice where the outline is largest.
    Raises ValueError for an outline without a pixel.
    """
    areas = outline.sum((1, 2)) * PIXEL_MM**2
    largest = int(areas.argmax())
    if not areas[largest]:
        raise ValueError("no outline")
    picture, inside = grey[largest], outline[largest]
    depth = ndimage.distance_transform_edt(inside)
    edge = inside & ~ndimage.binary_erosion(inside)
    numbers = [
        *_sizes(areas, depth),
        *_shape(inside, edge),
        *_greys(picture, inside, depth),
        *_rings(picture, inside),
        *_slopes(picture, inside, edge),
        *_rays(picture, inside),
        *_whole(grey, picture, outline),
        inside.sum() / max(1, _closed(inside).sum()),
    ]
    return np.array(numbers, np.float64)


def _sizes(areas: Array, depth: Array) -> list[float]:
    logs = np.log(np.array([areas.max(), areas.mean(), areas.min(), depth.max()]) + 1.0)
    ends = np.log(areas[0] + areas[-1] + 2.0) - logs[0]
    return [*logs[:3], ends, logs[3]]


def _shape(inside: Mask, edge: Mask) -> list[float]:
    places = np.argwhere(inside).astype(float)
    centre = places.mean(0)
    spread = np.cov(places.T) if len(places) > 2 else np.eye(2)
    short, long = np.sqrt(np.maximum(np.linalg.eigvalsh(spread), 0.05))
    radii = np.linalg.norm(np.argwhere(edge) - centre, axis=1)
    return [
        np.log(long), np.log(short), short / long, edge.sum() / np.sqrt(inside.sum()),
        radii.std() / max(radii.mean(), 0.5),
    ]  # fmt: skip


def _greys(picture: Array, inside: Mask, depth: Array) -> list[float]:
    values = picture[inside]
    core = picture[depth >= max(1.0, depth.max() * 0.5)]
    return [
        values.mean(), values.max(), values.std(), *np.percentile(values, [5, 25, 75, 95]),
        core.mean(), core.std(),
    ]  # fmt: skip


def _rings(picture: Array, inside: Mask) -> list[float]:
    away = ndimage.distance_transform_edt(~inside)
    rings = [picture[(away > low) & (away <= high)] for low, high in _RINGS]
    return [
        *(float(ring.mean()) if ring.size else 0.0 for ring in rings),
        *(float(ring.std()) if ring.size else 0.0 for ring in rings),
    ]


def _slopes(picture: Array, inside: Mask, edge: Mask) -> list[float]:
    slope = ndimage.gaussian_gradient_magnitude(picture, 1.0)
    return [slope[edge].mean(), slope[edge].std(), slope[inside].mean()]


def _rays(picture: Array, inside: Mask) -> list[float]:
    # Circles around the middle: spicules and vessels make them uneven, a wall makes them bright.
    j, i = np.argwhere(inside).mean(0)
    mean_radius = np.sqrt(inside.sum() / np.pi)
    radii = np.clip(np.round(mean_radius + np.array(_BEYOND)), 0, 25)[:, None]
    places = [j + radii * np.sin(_ANGLES), i + radii * np.cos(_ANGLES)]
    circles = ndimage.map_coordinates(picture, places, order=1, mode="nearest")
    high, low = np.percentile(circles, [75, 25], axis=1)
    return [*circles.std(1), *high, *low]


def _whole(grey: Array, picture: Array, outline: Mask) -> list[float]:
    pairs = zip(grey, outline, strict=True)
    means = [float(s[m].mean()) if m.any() else 0.0 for s, m in pairs]
    return [picture.mean(), grey.mean(), grey.std(), float(np.mean(means)), float(np.std(means))]


def _closed(inside: Mask) -> Mask:
    padded = np.pad(inside, 4)
    return np.asarray(ndimage.binary_fill_holes(ndimage.binary_closing(padded, iterations=3)))
