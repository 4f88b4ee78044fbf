"""The grey window (VOI): its formulas, the one from the file, and one made from the voxels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medview.core.errors import InvalidInput
from medview.core.volume import VoiTable, Volume
from medview.core.words import say

FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID", "TABLE")
_SAMPLES = 60_000  # voxels looked at for an automatic window: about 2 ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A VOI window (PS3.3 C.11.2.1.2); centre and width in modality units (HU, SUV ...).

    A TABLE window shows through a VOI LUT: its entries are laid over centre and width, so that a
    drag stretches and shifts the curve that the maker meant.
    """

    center: float
    width: float
    name: str = ""
    function: str = "LINEAR"
    table: VoiTable | None = None

    def __post_init__(self) -> None:
        least = 1.0 if self.function == "LINEAR" else 0.0
        finite = bool(np.isfinite([self.center, self.width]).all())
        is_known = self.function in FUNCTIONS and (self.table is None) == (self.function != "TABLE")
        if not finite or self.width < least or self.width <= 0 or not is_known:
            raise InvalidInput(
                say("A window of width {width} cannot be shown.", width=self.width),
                what_to_do=say("The width must be a number of at least 1."),
            )

    @property
    def ramp(self) -> tuple[float, float]:
        """(slope, offset) of fraction = slope * x + offset on the ramp; width 1 has none.

        SIGMOID is no ramp: it gives the tangent in its centre.
        """
        if self.function == "LINEAR":
            span = self.width - 1.0
            return 1.0 / span, 0.5 - (self.center - 0.5) / span
        return 1.0 / self.width, 0.5 - self.center / self.width


def window_fractions(values: ArrayLike, window: Window) -> NDArray[np.float64]:
    """The grey of modality values as a fraction 0 to 1, float64, same shape.

    Source: PS3.3 C.11.2.1.2.1 (LINEAR), C.11.2.1.3.2 (LINEAR_EXACT), C.11.2.1.3.1 (SIGMOID),
    C.11.2.1.1 (TABLE).
    """
    x = np.asarray(values, np.float64)
    if window.table is not None:
        return _looked_up(x, window, window.table)
    if window.function == "SIGMOID":
        exponent = np.clip(-4.0 * (x - window.center) / window.width, -700.0, 700.0)
        return np.asarray(1.0 / (1.0 + np.exp(exponent)), np.float64)
    if window.function == "LINEAR" and window.width == 1.0:
        return np.asarray(x > window.center - 0.5, np.float64)
    slope, offset = window.ramp
    return np.asarray(np.clip(x * slope + offset, 0.0, 1.0), np.float64)


def _looked_up(x: NDArray[np.float64], window: Window, table: VoiTable) -> NDArray[np.float64]:
    count = len(table.entries)
    place = (x - (window.center - window.width / 2.0)) * (count / window.width)
    index = np.clip(np.floor(np.nan_to_num(place) + 0.5), 0, count - 1).astype(np.intp)
    fractions = table.entries[index] / float(2**table.bits - 1)
    return np.asarray(np.where(np.isnan(x), np.nan, np.minimum(fractions, 1.0)), np.float64)


def window_between(low: float, high: float, name: str = "") -> Window:
    """The LINEAR window whose ramp begins at `low` and ends at `high`; exact for small spans."""
    if high - low >= 1.0:
        return Window(center=(low + high + 1.0) / 2.0, width=high - low + 1.0, name=name)
    width = max(high - low, 1e-6)
    return Window(center=low + width / 2, width=width, name=name, function="LINEAR_EXACT")


def dragged(window: Window, wider: float, higher: float) -> Window:
    """The window after a drag: width and centre moved by modality units, never below the least."""
    least = 1.0 if window.function == "LINEAR" else 1e-6
    return Window(
        center=window.center + higher,
        width=max(least, window.width + wider),
        function=window.function,
        table=window.table,
    )


def file_windows(volume: Volume, k: int = 0) -> tuple[Window, ...]:
    """What the file proposes for slice `k`: windows, then tables; impossible ones are left out.

    They are alternatives (C.11.2), in the file's order; the first one is what a series opens with.
    """
    found = []
    windows = volume.slice_windows[k] if k < len(volume.slice_windows) else volume.windows
    said = volume.voi_function
    # LINEAR's halves and ones are steps of whole numbers: floats and SUV have no such steps, and
    # there it would shift white by one SUV or make a threshold of a map from 0 to 1.
    is_fine = volume.stored.dtype.kind == "f" or volume.unit.startswith("SUV")
    for center, width, name in windows:
        if np.isfinite(center) and np.isfinite(width) and width > 0:
            # LINEAR forbids widths below 1 (C.11.2.1.2.1): such pairs are meant exactly.
            is_exact = said == "LINEAR" and (is_fine or width < 1)
            function = "LINEAR_EXACT" if is_exact else said
            found.append(Window(center=center, width=width, name=name, function=function))
    return (*found, *(table_window(table) for table in volume.tables))


def table_window(table: VoiTable) -> Window:
    """The window that shows every modality value through its own entry of a VOI LUT."""
    count = len(table.entries)
    return Window(
        center=table.first + count / 2.0,
        width=float(count),
        name=f"VOI LUT {table.name}".strip(),
        function="TABLE",
        table=table,
    )


def auto_window(volume: Volume, ready: NDArray[np.bool_] | None = None) -> Window:
    """A window over the voxels' 1st to 99.8th percentile, padding and unread slices left out.

    ready: (k,) which slices hold voxels; None means all. A sample of the voxels decides.
    """
    slices = np.arange(len(volume.stored)) if ready is None else np.flatnonzero(ready)
    values = _sample(volume, slices)
    if values.size == 0:
        return Window(center=128.0, width=256.0)
    low, high = np.percentile(values, (1.0, 99.8))
    if high <= low:
        low, high = float(values.min()), float(values.max())
    return window_between(float(low), float(max(high, low)))


def _sample(volume: Volume, slices: NDArray[np.intp]) -> NDArray[np.float64]:
    if slices.size == 0:
        return np.empty(0)
    chosen = slices[:: max(1, len(slices) // 16)]
    per_slice = max(1, _SAMPLES // len(chosen))
    step = max(1, int(np.sqrt(np.prod(volume.stored.shape[1:3]) / per_slice)))
    stored = volume.stored[chosen, ::step, ::step].astype(np.float64)
    keep = np.isfinite(stored)
    if volume.padding is not None:
        keep &= (stored < volume.padding[0]) | (stored > volume.padding[1])
    if volume.per_slice is None:
        values = stored * volume.slope + volume.intercept
    else:
        rescale = volume.per_slice[chosen][:, :, None, None]
        values = stored * rescale[:, 0] + rescale[:, 1]
    return np.asarray(values[keep], np.float64)


def first_window(volume: Volume, ready: NDArray[np.bool_] | None = None, k: int = 0) -> Window:
    """What slice `k` opens with: the first window of the file, else an automatic one."""
    windows = file_windows(volume, k)
    return windows[0] if windows else auto_window(volume, ready)
