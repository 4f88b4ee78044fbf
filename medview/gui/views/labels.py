"""Where the words of measurements stand: beside the shape, on the free side, or where the reader
has put them, with a line that leads to the shape."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from medview.core.geometry import FloatArray
from medview.gui.views.marks import Mark
from medview.gui.views.words_painter import words_size

_GAP = 9.0  # px between a shape and its words
_EDGE = 4.0  # px that words keep from the view's edge
_LEADER = 14.0  # px from the shape on from which a line leads to it


@dataclass(frozen=True, eq=False, slots=True)
class Label:
    """The words of a measurement and the box that they fill, in the view's pixels.

    leader: from the box to the shape, None where they stand side by side.
    """

    mark: Mark
    lines: tuple[str, ...]
    box: QRectF
    leader: tuple[QPointF, QPointF] | None = None


def place_labels(
    said: Iterable[tuple[Mark, tuple[str, ...]]], size: tuple[float, float]
) -> list[Label]:
    """A label for each measurement that says something, none over its own shape, another's words
    or the view's edge as far as there is room; of a shape outside the view there is none."""
    placed: list[Label] = []
    for mark, lines in said:
        width, height = words_size(lines)
        shape = _places_of(mark)
        if not _meets(shape, size):
            continue
        if mark.label is None:
            taken = [each.box for each in placed]
            box = _free_box(mark, shape, (width, height), size, taken)
        else:
            x, y = mark.label
            box = _inside(QRectF(x - width / 2, y - height / 2, width, height), size)
        placed.append(Label(mark, lines, box, _leader(box, shape)))
    return placed


def label_at(labels: Iterable[Label], x: float, y: float) -> Label | None:
    """The label under a place of the screen."""
    return next((each for each in labels if each.box.contains(QPointF(x, y))), None)


def _places_of(mark: Mark) -> FloatArray:
    """(n, 2) places of the screen that a shape goes through."""
    rows = [line for line, _ in mark.lines]
    if mark.places:
        rows.append(np.array(mark.places))
    return np.concatenate(rows)


def _meets(shape: FloatArray, size: tuple[float, float]) -> bool:
    """Whether a shape reaches into the view, by the box around it."""
    low, high = shape.min(axis=0), shape.max(axis=0)
    return bool((high >= 0).all() and (low <= size).all())


def _free_box(
    mark: Mark,
    shape: FloatArray,
    box: tuple[float, float],
    size: tuple[float, float],
    taken: Sequence[QRectF],
) -> QRectF:
    """The first place around the shape that is inside the view and hides no other words."""
    found = [QRectF(*place, *box) for place in _around(mark, shape, box)]
    free = (
        each
        for each in found
        if _inside(each, size) == each and not any(each.intersects(other) for other in taken)
    )
    return next(free, _inside(found[0], size))


def _around(
    mark: Mark, shape: FloatArray, box: tuple[float, float]
) -> Iterable[tuple[float, float]]:
    """Upper left corners of the words: beside the right end, the left end, below, above. An
    arrow's words stand at its tail: its head shows something that must be seen."""
    width, height = box
    right, left = shape[shape[:, 0].argmax()], shape[shape[:, 0].argmin()]
    low, high = shape[:, 1].max(), shape[:, 1].min()
    middle = (right[0] + left[0]) / 2
    line = height if mark.measurement.kind == "text" else min(height, 20.0)
    beside = (right[0] + _GAP, right[1] - line / 2), (left[0] - _GAP - width, left[1] - line / 2)
    if mark.measurement.kind == "arrow" and shape[-1, 0] < shape[0, 0]:
        beside = beside[::-1]
    return (
        *beside,
        (middle - width / 2, low + _GAP),
        (middle - width / 2, high - _GAP - height),
    )


def _inside(box: QRectF, size: tuple[float, float]) -> QRectF:
    """The box, moved as little as needed to be inside the view."""
    x = max(_EDGE, min(box.x(), size[0] - _EDGE - box.width()))
    y = max(_EDGE, min(box.y(), size[1] - _EDGE - box.height()))
    return QRectF(x, y, box.width(), box.height())


def _leader(box: QRectF, shape: FloatArray) -> tuple[QPointF, QPointF] | None:
    """From the edge of the box to the nearest place of the shape."""
    near = np.clip(shape, (box.left(), box.top()), (box.right(), box.bottom()))
    away = np.hypot(*(shape - near).T)
    at = int(away.argmin())
    if away[at] <= _LEADER:
        return None
    return QPointF(*near[at]), QPointF(*shape[at])
