"""From a network's logits to labels on the input's grid, band by band, class by class.

Logits are interpolated, then the best class is taken (nearest labels would show the network's
coarse steps). Float values exist only for a few slices of one class at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from medview.ai.worker.lines import Line, Lines, part, sample_lines
from medview.ai.worker.tiles import Band

Labels = NDArray[np.uint8]


def label_bands(
    finished: Iterable[Band], along: Lines, labels: Labels, slab: int, look: Callable[[], None]
) -> None:
    """Fill `labels` [k, j, i], zeros, from bands of logits whose grid the lines run through.

    slab: how many slices of the output exist in float at a time. look: called after each of
    these, to cancel or to show what is there.
    """
    filler = _Filler(along, labels, slab, look)
    carried: NDArray[np.float32] | None = None
    for band in finished:
        end = band.first + band.count
        if band.logits is None:
            filler.skip(end)
            continue
        logits = band.logits.numpy()
        if carried is None and band.first:  # nothing was seen before: all classes were 0
            carried = np.zeros_like(logits[:, :1])
        window = logits if carried is None else np.concatenate([carried, logits], axis=1)
        carried = logits[:, -1:].copy()
        filler.fill(window, end - window.shape[1], end)


class _Filler:
    def __init__(self, along: Lines, labels: Labels, slab: int, look: Callable[[], None]) -> None:
        self._along = along
        self._slab, self._look = max(1, slab), look
        # The output with its axes in the order of the network's: a view.
        out_of = [next(n for n in range(3) if along[n].axis == axis) for axis in range(3)]
        self._labels = labels.transpose(out_of)
        self._k, self._j, self._i = (along[n] for n in out_of)
        order = np.argsort(self._k.low + self._k.share, kind="stable")
        self._waiting = order  # places along k that are not filled yet, in the order of bands

    def skip(self, end: int) -> None:
        ready = self._k.high[self._waiting] < end
        self._waiting = self._waiting[~ready]

    def fill(self, window: NDArray[np.float32], first: int, end: int) -> None:
        """Label what lies between the window's slices, which begin at `first`."""
        ready = self._k.high[self._waiting] < end
        places, self._waiting = self._waiting[ready], self._waiting[~ready]
        box = _seen(window, self._j, self._i)
        for start in range(0, len(places), self._slab):
            some = places[start : start + self._slab]
            if box is not None:
                self._fill_box(window, part(self._k, some, first), some, box)
            self._look()

    def _fill_box(
        self,
        window: NDArray[np.float32],
        k: Line,
        places: NDArray[np.int64],
        box: tuple[slice, slice],
    ) -> None:
        along = (
            Line(0, k.low, k.high, k.share),
            Line(1, *_of(part(self._j, box[0]))),
            Line(2, *_of(part(self._i, box[1]))),
        )
        best = sample_lines(window[0], along)
        found = np.zeros(best.shape, np.uint8)
        for value in range(1, len(window)):
            sampled = sample_lines(window[value], along)
            found[sampled > best] = value
            np.maximum(best, sampled, out=best)
        self._labels[places, box[0], box[1]] = found


def _of(line: Line) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    return line.low, line.high, line.share


def _seen(window: NDArray[np.float32], j: Line, i: Line) -> tuple[slice, slice] | None:
    """The rows and columns of the output that can have a label above 0.

    Between voxels that all are background, background is also what interpolation finds.
    """
    is_found: NDArray[np.bool_] = np.any(window[1:] > window[:1], axis=(0, 1))
    if not is_found.any():
        return None
    return _reached(np.any(is_found, axis=1), j), _reached(np.any(is_found, axis=0), i)


def _reached(is_found: NDArray[np.bool_], line: Line) -> slice:
    places = np.flatnonzero(is_found[line.low] | is_found[line.high])
    if not len(places):
        return slice(0, 0)
    return slice(int(places[0]), int(places[-1]) + 1)
