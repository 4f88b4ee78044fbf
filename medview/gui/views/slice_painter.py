"""How a slice view is painted: picture, overlay, crosshair, marks, words, frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import shiboken6
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QTransform

from medview.core.geometry import FloatArray
from medview.core.words import Sentence, tr
from medview.gui.tools.habits import habits
from medview.gui.views import ink
from medview.gui.views.brush_painter import paint_brush
from medview.gui.views.colour_bars import paint_colour_bars
from medview.gui.views.corner_painter import CornerTexts
from medview.gui.views.cross_lines import CrossLine, cross_lines
from medview.gui.views.curve_painter import paint_curve
from medview.gui.views.fused_pictures import FusedPictures
from medview.gui.views.look import Look
from medview.gui.views.mark_painter import paint_label, paint_mark
from medview.gui.views.pixels import Outline, Picture, PictureLook
from medview.gui.views.presented import paint_presented
from medview.gui.views.reference_lines import paint_reference_lines
from medview.gui.views.ruler_painter import RulerPainter
from medview.gui.views.slice_pictures import SlicePictures
from medview.gui.views.stage import SliceStage
from medview.gui.views.state import ScreenMap, ViewState, is_slice_ready
from medview.imaging.grey import GreyLook
from medview.imaging.planes import Plane
from medview.imaging.slice_plane import SlicePlane

_LARGE = 1024  # slices with fewer pixels along an edge are not reduced before windowing
_HANDLE = 4.0


@dataclass(frozen=True, eq=False)
class Ground:
    """The painted slice: what it was painted from (`key`, whose objects `kept` holds alive)."""

    key: tuple[object, ...]
    kept: tuple[object, ...]
    image: QImage


class SlicePainter:
    """Paints one stage; keeps the pictures of the slice it painted last."""

    def __init__(self, stage: SliceStage) -> None:
        self._stage = stage
        self.pictures = SlicePictures(stage, stage.repaint_wanted.emit)
        self.fused = FusedPictures()
        self._ruler = RulerPainter(stage)
        self._texts = CornerTexts(stage)
        self._ground: Ground | None = None

    def forget(self) -> None:
        """Another stack is shown, or none: of what was, nothing is held."""
        for each in (self.pictures, self.fused, self._ruler, self._texts):
            each.forget()
        self._ground = None

    def paint(self, painter: QPainter, look: Look, pixel_ratio: float) -> None:
        """Everything, into a painter in logical pixels."""
        width, height = self._stage.size
        plane, shown = self._stage.plane, self._stage.shown
        where = self._stage.map()
        ground = self._painted(look, where, pixel_ratio)
        if ground is None:
            painter.fillRect(QRectF(0, 0, width, height), QColor(ink.INK.canvas))
        else:
            painter.drawImage(0, 0, ground)
        if plane is not None and shown is not None:
            if look.has_overlay:
                paint_presented(self._stage, painter)
            if look.has_crosshair:
                self._paint_crosshair(painter, look)
            paint_reference_lines(painter, look.lines, where)
            paint_curve(self._stage, painter, has_handles=look.has_curve_handles)
            measuring = self._stage.measuring
            marks = measuring.marks()
            for each in marks:
                paint_mark(painter, each, measuring)
            for label in measuring.labels(marks):
                paint_label(painter, label, measuring)
            paint_brush(self._stage, painter, where)
            paint_colour_bars(self._stage, painter, has_overlay=look.has_overlay)
            if look.has_text:
                self._ruler.paint(painter, where)
                self._texts.paint(painter, look, where)
            if habits().has_letters:
                self._texts.paint_letters(painter, plane)
            self._paint_why_dark(painter)
            self._paint_progress(painter)
        self._paint_frame(painter, look)

    def prepare(self, look: Look, pixel_ratio: float) -> None:
        """Have another thread begin what the next paint will ask for, where all is there."""
        stage = self._stage
        plane, shown, state = stage.plane, stage.shown, stage.state
        is_whole = stage.ready is None or bool(stage.ready.all())
        if plane is None or shown is None or not is_whole:
            return
        drawn = _picture_look(plane, state, _pixel(stage.map(), pixel_ratio))
        overlays = stage.overlays if look.has_overlay else ()
        self.pictures.prepare(shown.volume, plane, stage.index, state.window, drawn, overlays)

    def _painted(self, look: Look, where: ScreenMap, pixel_ratio: float) -> QImage | None:
        """The slice with all that is laid over it, as large as the view, painted once for as long
        as it stays; None where there is nothing to see."""
        stage = self._stage
        plane, shown = stage.plane, stage.shown
        if plane is None or shown is None or not is_slice_ready(plane, stage.index, stage.ready):
            self._ground = None
            return None
        layers, outlines = self._layers(look, where, pixel_ratio)
        key = (where.matrix.tobytes(), stage.size, pixel_ratio, tuple(map(id, layers)),
               tuple(map(id, outlines)))  # fmt: skip
        is_whole = stage.ready is None or bool(stage.ready.all())
        if self._ground is None or self._ground.key != key or not is_whole:
            image = _canvas(stage.size, pixel_ratio, self._ground)
            self._ground = None  # what is painted half is not kept, should the painting fail
            self._paint_layers(image, layers, outlines, where)
            self._ground = Ground(key, (*layers, *outlines), image)
        return self._ground.image

    def _layers(
        self, look: Look, where: ScreenMap, pixel_ratio: float
    ) -> tuple[list[Picture], list[Outline]]:
        """The pictures from the lowest to the highest, and the outlines over them."""
        stage = self._stage
        plane, shown, state = stage.plane, stage.shown, stage.state
        if plane is None or shown is None:
            return [], []
        a_pixel = _pixel(where, pixel_ratio)
        drawn = _picture_look(plane, state, a_pixel)
        layers = [self.pictures.grey(shown.volume, plane, stage.index, state.window, drawn)]
        if stage.upper is None:
            self.fused.forget()
        elif look.has_overlay:
            layers.append(self.fused.picture(stage.upper, plane, stage.index))
        if not look.has_overlay:
            return layers, []
        # Reduced so far that a line of one pixel is still one on the screen.
        thin = max(1, math.ceil(1.0 / a_pixel))
        graphic = self.pictures.graphics(shown.volume, plane, stage.index, thin)
        if graphic is not None:
            layers.append(graphic)
        over, outlines = self.pictures.overlay(stage.overlays, plane, stage.index)
        return [*layers, *over], outlines

    def _paint_layers(
        self, image: QImage, layers: Sequence[Picture], outlines: Sequence[Outline],
        where: ScreenMap,
    ) -> None:  # fmt: skip
        painter = QPainter(image)
        try:
            for number, layer in enumerate(layers):
                _draw(painter, layer, where)
                if number == 0 and self._stage.plane is not None:
                    self._paint_missing(painter, self._stage.plane, where)
            painter.setTransform(_transform(where), combine=True)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for outline in outlines:
                painter.setPen(ink.pen(outline.colour, 1.5))
                _draw_segments(painter, outline.segments)
        finally:
            painter.end()  # an image that is still painted on must not go

    def _paint_missing(self, painter: QPainter, plane: SlicePlane, where: ScreenMap) -> None:
        """Slices that are not read yet are black where other planes cut them."""
        ready = self._stage.ready
        if ready is None or not isinstance(plane, Plane) or plane.is_native or bool(ready.all()):
            return
        painter.save()
        painter.setTransform(_transform(where), combine=True)
        rows, columns = plane.shape
        is_down = plane.down == 0
        flipped = plane.flips[0 if is_down else 1]
        lines = ready[plane.slice_of_line]
        for line in np.flatnonzero(~(lines[::-1] if flipped else lines)).tolist():
            box = QRectF(0, line, columns, 1) if is_down else QRectF(line, 0, 1, rows)
            painter.fillRect(box, QColor(ink.INK.canvas))
        painter.restore()

    def _paint_crosshair(self, painter: QPainter, look: Look) -> None:
        """The other planes' lines through the linked place, in their colours."""
        lines = cross_lines(self._stage)
        for line in lines:
            drawn = ink.plane_colour(line.name, 0.8)
            _paint_line(painter, line.middle, line.along, drawn, self._stage.size)
            if line.gap > 1:
                _paint_faces(painter, line, ink.plane_colour(line.name, 0.6), self._stage.size)
        if look.has_handles:
            for line in lines:
                _paint_handles(painter, line)

    def _paint_why_dark(self, painter: QPainter) -> None:
        """A slice that could not be read says so in its place: a black picture says nothing."""
        reason = why_dark(self._stage)
        if reason is None:
            return
        width, height = self._stage.size
        text = tr("This image cannot be shown: {reason}", reason=reason)
        painter.setPen(QColor(ink.INK.warn))
        painter.setFont(ink.corner_font())
        room = QRectF(width * 0.15, height * 0.3, width * 0.7, height * 0.4)
        painter.drawText(room, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text)

    def _paint_progress(self, painter: QPainter) -> None:
        ready = self._stage.ready
        if ready is None or bool(ready.all()):
            return
        width, height = self._stage.size
        share = float(ready.mean())
        painter.fillRect(QRectF(0, height - 2, width, 2), QColor(ink.INK.line))
        painter.fillRect(QRectF(0, height - 2, width * share, 2), QColor(ink.INK.accent))

    def _paint_frame(self, painter: QPainter, look: Look) -> None:
        width, height = self._stage.size
        plane = self._stage.plane
        if look.is_active:
            painter.setPen(ink.pen(ink.INK.accent))
            painter.drawRect(QRectF(0.5, 0.5, width - 1, height - 1))
        if plane is not None and plane.name != "native":
            painter.fillRect(QRectF(0, 0, 22, 3), ink.plane_colour(plane.name))


def _pixel(where: ScreenMap, pixel_ratio: float) -> float:
    """Pixels of the screen along one of the slice."""
    return float(np.linalg.norm(where.matrix[:, 0])) * pixel_ratio


def _picture_look(plane: SlicePlane, state: ViewState, a_pixel: float) -> PictureLook:
    step = max(1, int(1.0 / a_pixel)) if min(plane.shape) >= _LARGE else 1
    how = GreyLook(state.is_inverted, state.colour_map)
    return PictureLook(how, step, state.mpr.is_smooth)


def why_dark(stage: SliceStage) -> Sentence | None:
    """Why the shown slice has no picture and never will; None where it has or may get one."""
    if stage.plane is None or not stage.plane.is_native:
        return None
    return stage.failed.get(stage.index)


def _paint_line(
    painter: QPainter,
    middle: FloatArray,
    along: FloatArray,
    line_colour: QColor,
    size: tuple[float, float],
) -> None:
    """A line across the whole view; filled as a thin box where it is straight (much quicker)."""
    width, height = size
    if abs(along[1]) < 1e-6:
        painter.fillRect(QRectF(0, round(middle[1]), width, 1), line_colour)
    elif abs(along[0]) < 1e-6:
        painter.fillRect(QRectF(round(middle[0]), 0, 1, height), line_colour)
    else:
        reach = along * (width + height)
        painter.setPen(ink.pen(line_colour))
        painter.drawLine(QPointF(*(middle - reach)), QPointF(*(middle + reach)))


def _paint_faces(
    painter: QPainter, line: CrossLine, drawn: QColor, size: tuple[float, float]
) -> None:
    """The two faces of a slab, dashed."""
    pen = ink.pen(drawn)
    pen.setDashPattern([4.0, 4.0])
    painter.setPen(pen)
    way = line.along * sum(size)
    for off in (line.across * line.gap, -line.across * line.gap):
        painter.drawLine(QPointF(*(line.middle + off - way)), QPointF(*(line.middle + off + way)))


def _paint_handles(painter: QPainter, line: CrossLine) -> None:
    """Rounds at the ends turn, squares at the sides thicken."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(ink.pen(ink.plane_colour(line.name), 1.5))
    painter.setBrush(QColor(ink.INK.canvas))
    for end in line.ends:
        painter.drawEllipse(QPointF(*end), _HANDLE + 1, _HANDLE + 1)
    for side in line.sides:
        painter.drawRect(QRectF(side[0] - 3, side[1] - 3, 6, 6))
    painter.restore()


def _canvas(size: tuple[float, float], pixel_ratio: float, last: Ground | None) -> QImage:
    """An empty image of the view; the last one where it fits, as new memory costs more than
    painting in it."""
    width, height = (max(1, math.ceil(side * pixel_ratio)) for side in size)
    if last is not None and (last.image.width(), last.image.height()) == (width, height):
        image = last.image
    else:
        image = QImage(width, height, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(pixel_ratio)
    image.fill(QColor(ink.INK.canvas))
    return image


def _transform(where: ScreenMap) -> QTransform:
    """From pixel corners of the slice to the screen; its centres are at halves there."""
    (a, c, e), (b, d, f) = where.matrix.tolist()
    return QTransform(a, b, c, d, e - 0.5 * (a + c), f - 0.5 * (b + d))


def _draw_segments(painter: QPainter, segments: NDArray[np.float64]) -> None:
    """Lines from an array (n, 4) of doubles, which is how a QLineF lies in memory.

    Qt reads the array itself: a QLineF in Python for each of a mask's thousand segments took
    longer than drawing them.
    """
    if len(segments):
        segments = np.ascontiguousarray(segments, np.float64)
        first = cast(QLineF, shiboken6.wrapInstance(segments.ctypes.data, QLineF))
        painter.drawLines(first, len(segments))


def _draw(painter: QPainter, picture: Picture, where: ScreenMap) -> None:
    transform = _transform(where)
    if picture.step > 1:
        transform = QTransform.fromScale(picture.step, picture.step) * transform
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, picture.is_smooth)
    painter.setTransform(transform, combine=True)
    painter.drawImage(0, 0, picture.image)
    painter.restore()
