"""Which grey window a view shows: the one it opens with, the automatic one, the reader's own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from medview.core.volume import Volume
from medview.imaging.presets import has_opening_window, opening_window, presets_for
from medview.imaging.window import Window, auto_window, file_windows

FROM_FILE = 100  # the first of the numbers that mean a window of the file by its place


class Windowing:
    """The choice of a window for one view; an automatic one follows until someone touches it."""

    def __init__(self) -> None:
        self._is_ours = True

    def opening(self, volume: Volume, k: int, first: Window) -> Window:
        """What a stack opens with at its slice `k`; colours are shown as they are (`first`)."""
        self._is_ours = not (volume.is_colour or has_opening_window(volume, k))
        return first if volume.is_colour else opening_window(volume, k=k)

    @property
    def is_ours(self) -> bool:
        """Whether the window was made from the voxels and nobody has changed it."""
        return self._is_ours

    def touched(self) -> None:
        """The reader, or another view, has set a window."""
        self._is_ours = False

    def taken_up(self, kept: Window, now: Window, *, was_ours: bool) -> Window:
        """The window after more slices came: the reader's stays, an automatic one is made anew."""
        self._is_ours = self._is_ours and was_ours
        return now if was_ours else kept

    def choice(
        self, number: int, volume: Volume, place: tuple[int, NDArray[np.bool_] | None], now: Window
    ) -> Window | None:
        """0 automatic, 1 as in the file (again: its next one), 2 and more the presets; FROM_FILE
        and more the file's windows and tables by their place.

        place: the acquired slice that is shown, and which slices hold voxels.
        """
        k, ready = place
        if number == 0:
            return auto_window(volume, ready)
        if number == 1:
            windows = file_windows(volume, k)
            if not windows:
                return auto_window(volume, ready)
            at = windows.index(now) + 1 if now in windows else 0
            return windows[at % len(windows)]
        if number >= FROM_FILE:
            own = file_windows(volume, k)[number - FROM_FILE :]
            return own[0] if own else None
        presets = presets_for(volume.modality, volume.unit)
        return presets[number - 2].window if number - 2 < len(presets) else None


def own_window(volume: Volume, window: Window, slices: Sequence[int]) -> Window:
    """The same choice among the file's windows after a step from one slice to another."""
    if not volume.slice_windows:
        return window
    before, after = (file_windows(volume, k) for k in slices)
    if window not in before:
        return window
    number = before.index(window)
    return after[number] if number < len(after) else window
