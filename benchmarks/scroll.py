"""What a scroll step of the real view costs, and frames of three linked planes; `display` runs the
rows of B9 and B10-planes.

    python -m benchmarks.scroll [--json] [--only S60]

Data are made here with a fixed seed; results are compared before they are timed.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from functools import cache, partial

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import PySide6
import SimpleITK as sitk  # noqa: N813
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QWidget

from benchmarks.pairs import Goal, Row, against_limit, against_peer, busy_cores, in_units, main
from medview.core.geometry import Geometry, PatientPoint
from medview.core.results import Label, LabelMap
from medview.core.study import Patient, Series, Stack, Study
from medview.core.volume import Volume
from medview.gui.view_grid import ViewGrid
from medview.gui.views.slice_view import SliceView
from medview.imaging import Window, acceleration, grey_slice, planes_of
from medview.imaging.grey import window_to_grey
from medview.session.places import OpenVolume, Place

_WINDOW = Window(center=40, width=400)
_FRAMES, _LINKED_FRAMES = 12, 240
_VIEW = (640, 560)


@cache
def _film() -> NDArray[np.uint16]:
    return np.random.default_rng(9).integers(0, 4096, (3000, 3000)).astype(np.uint16)


@cache
def _volume() -> Volume:
    """600 slices of 512 x 512, 12 of 16 bits: a thorax of ellipses with noise."""
    random = np.random.default_rng(7)
    y, x = np.mgrid[-1:1:512j, -1:1:512j]
    body = np.where((x / 0.85) ** 2 + (y / 0.6) ** 2 < 1, 1040, 24)
    for side in (-0.4, 0.4):
        body[((x - side) / 0.28) ** 2 + (y / 0.42) ** 2 < 1] = 180
    noise = random.normal(0, 18, (8, 512, 512))
    stored = np.empty((600, 512, 512), np.int16)
    for k in range(600):
        stored[k] = body + noise[k % 8]
    geometry = Geometry(
        shape=stored.shape, spacing=(0.7, 0.7, 0.7), origin=PatientPoint(-180, -180, 0)
    )
    return Volume(
        geometry=geometry, stored=stored, intercept=-1024.0, unit="HU", modality="CT",
        windows=((40.0, 400.0, ""),),
    )  # fmt: skip


def _float64_window(stored: NDArray[np.generic], window: Window) -> NDArray[np.uint8]:
    """As one writes it first: rescale, formula, clip, all in float64."""
    values = stored.astype(np.float64) * 1.0 - 1024.0
    grey = ((values - (window.center - 0.5)) / (window.width - 1) + 0.5) * 255.0
    return (np.clip(grey, 0.0, 255.0) + 0.5).astype(np.uint8)


def window_row() -> Row:
    """B9: a film of 3000 x 3000 to 8 bits."""
    acceleration.load()  # as the first large film asks for it
    film, window = _film(), Window(center=976, width=1500)
    peer = partial(_float64_window, film, window)
    ours = partial(window_to_grey, film, 1.0, -1024.0, window)
    difference = np.abs(peer().astype(int) - ours())
    assert difference.max() <= 1
    assert difference.mean() < 0.01
    goal = Goal(
        name="B9", what="window 3000 x 3000 to 8 bits", goal=25.0,
        peer=f"numpy {np.__version__} float64", n=film.size,
    )  # fmt: skip
    return against_peer(goal, peer, ours)


def linked_planes_row() -> Row:
    """B10: axial, coronal and sagittal of 600 x 512 x 512, windowed, in one step."""
    volume = _volume()
    planes = tuple(planes_of(volume.geometry).values())
    step = iter(range(10_000))

    def ours() -> list[NDArray[np.uint8]]:
        at = 150 + next(step) * 7 % 300
        return [grey_slice(volume, plane, at, _WINDOW) for plane in planes]

    for plane in planes:
        theirs = _float64_window(plane.cut(volume.stored, 200), _WINDOW)
        assert np.abs(theirs.astype(int) - grey_slice(volume, plane, 200, _WINDOW)).max() <= 1
    goal = Goal(name="B10-planes", what="three linked planes of 600 slices", n=3)
    return against_limit(goal, 12.0, ours, rounds=21)


class _NaiveView(QWidget):
    """A view as one writes it first with SimpleITK: cut, window, copy, draw smoothly."""

    def __init__(self, image: sitk.Image, axis: int) -> None:
        super().__init__()
        self._image, self._axis = image, axis
        self.at = 0

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the slice over the whole view."""
        size, start = list(self._image.GetSize()), [0, 0, 0]
        size[self._axis], start[self._axis] = 0, self.at
        cut = sitk.Extract(self._image, size, start)
        low, high = -160.0, 239.0
        pixels = sitk.GetArrayFromImage(
            sitk.Cast(sitk.IntensityWindowing(cut, low, high, 0, 255), sitk.sitkUInt8)
        )
        rows, columns = pixels.shape
        image = QImage(pixels.data, columns, rows, columns, QImage.Format.Format_Grayscale8)
        painter = QPainter(self)
        painter.fillRect(self.rect(), 0)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        side = min(self.width(), self.height())
        painter.drawImage(QRectF((self.width() - side) / 2, 0, side, side), image)
        painter.end()


@cache
def _application() -> QApplication:
    return QApplication.instance() or QApplication([])  # type: ignore[return-value]


def _slice_view(plane: str) -> SliceView:
    _application()
    volume = _volume()
    view = SliceView(plane)
    view.resize(*_VIEW)
    stack = Stack(frames=(), geometry=volume.geometry, verdict="regular")
    series = Series(uid="1", number=1, modality="CT", stacks=(stack,))
    view.set_volume(volume, stack, series, Study(uid="1"), Patient(id="B"))
    view.grab()
    return view


def _frames(view: SliceView) -> None:
    for number in range(_FRAMES):
        view.stage.scroll(1 if number < _FRAMES // 2 else -1)
        view.grab()


def frame_row(name: str, plane: str, axis: int, goal_ratio: float) -> Row:
    """Scroll steps of the real view, all its words and lines included."""
    view, volume = _slice_view(plane), _volume()
    image = sitk.GetImageFromArray(volume.stored) - 1024
    naive = _NaiveView(image, axis)
    naive.resize(*_VIEW)

    def peer() -> None:
        for number in range(_FRAMES):
            naive.at = 200 + number
            naive.grab()

    goal = Goal(
        name=name, what=f"{_FRAMES} scroll steps of the {plane} view, {_VIEW[0]} x {_VIEW[1]}",
        goal=goal_ratio, n=_FRAMES,
        peer=f"SimpleITK {sitk.Version.VersionString()} + Qt {PySide6.__version__}",
    )  # fmt: skip
    return against_peer(goal, peer, partial(_frames, view), pairs=5)


@cache
def _lungs() -> LabelMap:
    """Masks of two lungs on the volume's grid."""
    geometry = _volume().geometry
    voxels = np.zeros(geometry.shape, np.uint8)
    voxels[:, _volume().stored[0] < 400] = 1
    voxels[:, :, :256] *= 2
    labels = tuple(
        Label(value=value, name=str(value), colour=colour)
        for value, colour in ((1, "#56b4e9"), (2, "#009e73"))
    )
    return LabelMap(id="m", geometry=geometry, voxels=voxels, labels=labels)


def overlay_row() -> Row:
    """A scroll step with a mask of two lungs on its own grid over the slice."""
    view = _slice_view("axial")
    view.set_overlays((_lungs(),), ())
    goal = Goal(name="S3", what="a scroll step with two masks over it", n=1)

    def step() -> None:
        view.stage.scroll(1)
        view.grab()

    return against_limit(goal, 16.0, step, rounds=21)


def _planes_in_a_grid() -> ViewGrid:
    """The three planes of the volume in a shown grid, masks and words over them."""
    _application()
    volume = _volume()
    stack = Stack(frames=(), geometry=volume.geometry, verdict="regular")
    series = Series(uid="1", number=1, modality="CT", stacks=(stack,))
    place = Place(patient=Patient(id="B"), study=Study(uid="1"), series=series, stack_number=0)
    ready = np.ones(len(volume.stored), bool)
    opened = OpenVolume(place=place, volume=volume, ready=ready, failed={})
    grid = ViewGrid()
    grid.resize(2 * _VIEW[0], 2 * _VIEW[1])
    grid.set_layout_name("2x2")
    for number, plane in enumerate(("axial", "coronal", "sagittal")):
        grid.hang(place.key, plane, number)
    grid.hang(None, "native", 3)
    grid.take(opened)
    for view in grid.views.values():
        view.set_overlays((_lungs(),), ())
    grid.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    grid.show()
    QApplication.processEvents()
    return grid


def linked_row(name: str, what: str, *, moves_all: bool) -> Row:
    """Frames of three linked planes: from a step to all of them painted, at the 95th percentile.

    moves_all: the crosshair goes along all three axes, so that every plane shows another slice;
    else one plane is scrolled and the others show where it lies.
    """
    grid = _planes_in_a_grid()
    stage = grid.tiles[0].view.stage
    took, worked, foreign = [], [], busy_cores()
    for number in range(_LINKED_FRAMES + 20):
        sign = 1 if number // 60 % 2 else -1
        start, own = time.perf_counter(), time.thread_time()
        if moves_all:
            x, y, z = stage.state.point
            stage.change(replace(stage.state, point=PatientPoint(x + sign, y + sign, z + sign)))
        else:
            stage.scroll(sign)
        QApplication.processEvents()
        took.append((time.perf_counter() - start) * 1000)
        worked.append((time.thread_time() - own) * 1000)
    grid.close()
    value, cpu = (float(np.percentile(each[20:], 95)) for each in (took, worked))
    goal = Goal(name=name, what=what, n=_LINKED_FRAMES)
    return in_units(goal, value, 1000 / 60, "ms", cpu=cpu, foreign=foreign)


ROWS = {
    "S1": partial(frame_row, "S1", "axial", 2, 1.2),
    "S2": partial(frame_row, "S2", "sagittal", 0, 1.2),
    "S3": overlay_row,
    "S60": partial(linked_row, "S60", "scrolling one of three linked planes, p95", moves_all=False),
    "S60-all": partial(linked_row, "S60-all", "a crosshair through three planes, p95",
                       moves_all=True),
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main(ROWS))
