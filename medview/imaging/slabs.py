"""Slabs: several slices as one picture, the brightest, the darkest or the mean of what they hold.

The slices of a slab lie within half its thickness of the middle one, a step apart.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import FloatArray
from medview.core.volume import Volume
from medview.imaging.planes import Plane
from medview.imaging.sampling import Layers, Source, nearest, nearest_layers
from medview.imaging.slice_plane import Sample

MODES = ("mip", "minip", "mean")
THICKEST = 200.0  # millimetres; more is a projection of the whole volume


@dataclass(frozen=True, slots=True)
class Slab:
    """What several slices are shown as, and how thick they are together; 0 mm is one slice."""

    mode: str = "mip"
    mm: float = 0.0

    def thicker(self, by: float) -> Slab:
        """Thicker or thinner by some millimetres, from one slice to `THICKEST`."""
        return replace(self, mm=round(min(max(self.mm + by, 0.0), THICKEST), 3))

    def offsets(self, step_mm: float, most: int | None = None) -> tuple[float, ...]:
        """Where its slices lie, in steps from the middle one, the furthest first, 0 last.

        most: no more slices than this, evenly spread.
        """
        reach = int(self.mm / 2 / step_mm + 1e-6)
        places = np.arange(-reach, reach + 1, dtype=float)
        if most is not None and len(places) > most:
            half = max(1, most // 2)
            places = np.linspace(-reach, reach, 2 * half + 1)
        return tuple(sorted(places.tolist(), key=lambda place: -abs(place)))

    def reach(self, step_mm: float) -> float:
        """How far from its middle it shows, in steps."""
        return self.offsets(step_mm)[0] * -1 + 0.5


THIN = Slab()


def combined(samples: Iterable[Sample], mode: str) -> Sample:
    """Samples of one size as one: maximum, minimum or mean of the modality values that are there.

    Numbers keep their type and rescale where all samples share them and none is blank anywhere.
    """
    parts = list(samples)
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    is_plain = all(
        isinstance(part.slope, float | int)
        and (part.slope, part.intercept) == (first.slope, first.intercept)
        for part in parts
    )
    if is_plain and isinstance(first.slope, float | int):
        return _plain(parts, _turned(mode, first.slope < 0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of pixels where no slice has a number
        stack = np.stack([part.values() for part in parts])
        values = _over(stack, mode)
    blank = np.isnan(values)
    return Sample(np.nan_to_num(values), blank=blank if blank.any() else None)


def nearest_slab(
    volume: Volume, matrix: FloatArray, shape: tuple[int, int], layers: Layers
) -> Sample:
    """The nearest voxels of a slab's layers as one picture; matrix: (4, 3) as in `nearest`."""
    source = Source.of(volume)
    turned = replace(layers, mode=_turned(layers.mode, volume.slope < 0))
    found = nearest_layers(source, matrix, shape, turned)
    if found is not None:
        return found.sample(volume)
    samples = []
    for offset in layers.offsets:
        layer = matrix.copy()
        layer[:3, 2] += layers.ahead * offset
        samples.append(nearest(source, layer, shape).sample(volume))
    return combined(samples, layers.mode)


def _over(stack: NDArray[np.float32], mode: str) -> NDArray[np.float32]:
    if mode == "mean":
        return np.asarray(np.nanmean(stack, axis=0), np.float32)
    found = np.nanmax(stack, axis=0) if mode == "mip" else np.nanmin(stack, axis=0)
    return np.asarray(found, np.float32)


def _turned(mode: str, is_falling: bool) -> str:
    """A falling rescale turns the brightest number into the darkest value."""
    return {"mip": "minip", "minip": "mip"}.get(mode, mode) if is_falling else mode


def _plain(parts: Sequence[Sample], mode: str) -> Sample:
    """Samples of one rescale: their stored numbers are combined, what is blank left out."""
    first = parts[0]
    if mode == "mean":
        total = np.zeros(first.numbers.shape, np.float32)
        count = np.zeros(first.numbers.shape, np.float32)
        for part in parts:
            there: NDArray[np.bool_] | bool = True if part.blank is None else ~part.blank
            np.add(total, part.numbers, out=total, where=there, casting="unsafe")
            np.add(count, 1, out=count, where=there)
        blank = count == 0
        total /= np.maximum(count, 1)
        return replace(first, numbers=total, blank=blank if blank.any() else None)
    choose = np.maximum if mode == "mip" else np.minimum
    best = np.array(first.numbers)
    gone = None if first.blank is None else first.blank.copy()
    for part in parts[1:]:
        numbers = part.numbers
        if part.blank is not None:  # what it has not leaves what the others have
            numbers = np.where(part.blank, best, numbers)
        better = choose(best, numbers)
        if gone is not None:
            np.copyto(better, numbers, where=gone)
            gone = gone & part.blank if part.blank is not None else None
        best = better
    return replace(first, numbers=best, blank=gone)


@dataclass(frozen=True, kw_only=True)
class SlabPlane(Plane):
    """Whole slices of the array as one: nothing is interpolated."""

    slab: Slab = THIN

    @property
    def is_native(self) -> bool:
        """A slab is made, not acquired."""
        return False

    @property
    def offsets(self) -> tuple[float, ...]:
        """Where its slices lie, in slices from the middle one, the furthest first."""
        return self.slab.offsets(self.step_mm)

    @property
    def reach(self) -> float:
        """How far from its middle it shows, in slices."""
        return self.slab.reach(self.step_mm)

    def sample(self, volume: Volume, index: int) -> Sample:
        """The numbers of the slab; beyond the volume it has no slices."""
        return self._combined(volume, index, self.offsets)

    def draft(self, volume: Volume, index: int) -> Sample:
        """The same from fewer slices and every other pixel, while the reader turns it."""
        few = {round(offset) for offset in self.slab.offsets(self.step_mm, most=_DRAFT_SLICES)}
        return self._combined(volume, index, tuple(sorted(few)), step=2)

    @property
    def cost_ms(self) -> float:
        """About how long a sample takes on one core."""
        # Along the last axis every pixel is a cache line of its own.
        a_pixel = _NS_A_LINE if self.normal == 2 else _NS_A_PIXEL
        return self.shape[0] * self.shape[1] * len(self.offsets) * a_pixel * 1e-6

    def thinned(self) -> Plane:
        """The slice in its middle."""
        return replace(self, slab=THIN)

    def _combined(
        self, volume: Volume, index: int, offsets: Sequence[float], step: int = 1
    ) -> Sample:
        index = min(max(index, 0), self.count - 1)
        if volume.is_colour:  # colours have no brightest one
            return super().sample(volume, index)
        slices = (index + round(offset) for offset in offsets)
        there = [place for place in slices if 0 <= place < self.count]
        sample = super().sample
        parts = (_coarse(sample(volume, place), step) for place in there)
        return combined(parts, self.slab.mode)


_DRAFT_SLICES = 9
_NS_A_PIXEL, _NS_A_LINE = 3.0, 13.0


def _coarse(sample: Sample, step: int) -> Sample:
    """Every `step`-th pixel of a sample: a look, nothing is copied."""
    if step == 1:
        return sample

    def thin(
        values: float | NDArray[np.float32],
    ) -> float | NDArray[np.float32]:
        return values[::step, ::step] if isinstance(values, np.ndarray) else values

    return Sample(
        sample.numbers[::step, ::step],
        thin(sample.slope),
        thin(sample.intercept),
        None if sample.blank is None else sample.blank[::step, ::step],
    )


def thick(plane: Plane, slab: Slab) -> Plane:
    """A plane as a slab; as it is where the slab holds one slice only."""
    if len(slab.offsets(plane.step_mm)) == 1:
        return plane
    return SlabPlane(
        name=plane.name,
        geometry=plane.geometry,
        normal=plane.normal,
        down=plane.down,
        right=plane.right,
        flips=plane.flips,
        lines=plane.lines,
        slab=slab,
    )
