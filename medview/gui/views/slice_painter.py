"""How a slice view is painted: picture, overlay, crosshair, marks, words, frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF, QTransform

from medview.core.geometry import FloatArray
from medview.core.words import tr, translate
from medview.gui.style import colour
from medview.gui.views import corners, ink
from medview.gui.views.marks import Mark
from medview.gui.views.pixels import Picture, SlicePictures, to_picture
from medview.gui.views.stage import SliceStage
from medview.gui.views.state import ScreenMap, directions, is_slice_ready
from medview.imaging import roi
from medview.imaging.letters import edge_letters, letters, patient_orientation
from medview.imaging.overlay import inferno
from medview.imaging.planes import Plane, planes_of

_LARGE = 1024  # slices with fewer pixels along an edge are not reduced before windowing
_HANDLE = 3.0
_BEHIND = colour(ink.INK.canvas, 0.45)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What of a view is shown besides its picture."""

    has_text: bool = True
    has_overlay: bool = True
    has_crosshair: bool = True
    is_active: bool = False
    probe: str = ""
    cine: str = ""


class SlicePainter:
    """Paints one stage; keeps the pictures of the slice it painted last."""

    def __init__(self, stage: SliceStage) -> None:
        self._stage = stage
        self.pictures = SlicePictures()

    def paint(self, painter: QPainter, look: Look, pixel_ratio: float) -> None:
        """Everything, into a painter in logical pixels."""
        width, height = self._stage.size
        painter.fillRect(QRectF(0, 0, width, height), QColor(ink.INK.canvas))
        plane, shown = self._stage.plane, self._stage.shown
        if plane is not None and shown is not None:
            where = self._stage.map()
            self._paint_picture(painter, look, where, pixel_ratio)
            if look.has_crosshair and plane.name != "native" and shown.stack.is_in_space:
                self._paint_crosshair(painter, plane, where)
            for each in self._stage.marks():
                _paint_mark(painter, each, is_selected=each.measurement.id == self._stage.selected)
            if look.has_overlay:
                self._paint_colour_bar(painter)
            if look.has_text:
                self._paint_texts(painter, look, where)
            self._paint_letters(painter, plane)
            self._paint_why_dark(painter)
            self._paint_progress(painter)
        self._paint_frame(painter, look)

    def _paint_picture(
        self, painter: QPainter, look: Look, where: ScreenMap, pixel_ratio: float
    ) -> None:
        stage = self._stage
        plane, shown = stage.plane, stage.shown
        if plane is None or shown is None or not is_slice_ready(plane, stage.index, stage.ready):
            return
        state = stage.state
        a_pixel = float(np.linalg.norm(where.matrix[:, 0])) * pixel_ratio
        step = max(1, int(1.0 / a_pixel)) if min(plane.shape) >= _LARGE else 1
        grey = self.pictures.grey(
            shown.volume, plane, stage.index, state.window, (state.is_inverted, step)
        )
        _draw(painter, grey, where)
        self._paint_missing(painter, plane, where)
        if look.has_overlay:
            # Reduced so far that a line of one pixel is still one on the screen.
            thin = max(1, math.ceil(1.0 / a_pixel))
            graphic = self.pictures.graphics(shown.volume, plane, stage.index, thin)
            if graphic is not None:
                _draw(painter, graphic, where)
        if look.has_overlay and stage.overlays:
            self._paint_overlay(painter, where)

    def _paint_missing(self, painter: QPainter, plane: Plane, where: ScreenMap) -> None:
        """Slices that are not read yet are black where other planes cut them."""
        ready = self._stage.ready
        if ready is None or plane.normal == 0 or bool(ready.all()):
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

    def _paint_overlay(self, painter: QPainter, where: ScreenMap) -> None:
        stage = self._stage
        if stage.plane is None:
            return
        layers, outlines = self.pictures.overlay(stage.overlays, stage.plane, stage.index)
        for layer in layers:
            _draw(painter, layer, where)
        painter.save()
        painter.setTransform(_transform(where), combine=True)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for outline in outlines:
            painter.setPen(ink.pen(outline.colour, 1.5))
            painter.drawLines(outline.lines)
        painter.restore()

    def _paint_crosshair(self, painter: QPainter, plane: Plane, where: ScreenMap) -> None:
        """The other planes' lines through the linked place, in their colours."""
        _, row, column = plane.to_pixel(self._stage.state.point)
        middle = np.array(where.to_screen(row, column))
        for name, other in planes_of(plane.geometry).items():
            if other.normal == plane.normal:
                continue
            # A plane cut along the columns' axis is seen as a line of rows, and the other way.
            along = where.matrix[:, 1 if other.normal == plane.right else 0]
            along = along / np.linalg.norm(along)
            _paint_line(painter, middle, along, ink.plane_colour(name, 0.8), self._stage.size)

    def _paint_colour_bar(self, painter: QPainter) -> None:
        heatmaps = self._stage.heatmaps()
        width, height = self._stage.size
        if not heatmaps or height < 200:
            return
        tall = min(110.0, height * 0.26)
        box = QRectF(width - ink.MARGIN - 6, height * 0.2, 6, tall)
        bar = to_picture(np.ascontiguousarray(inferno()[::-1, None, :]))
        painter.drawImage(box, bar.image)
        painter.setFont(ink.corner_font())
        top = f"{heatmaps[0].maximum:.1f}"
        for text, y in ((top, box.top() + 5), ("0", box.bottom())):
            _words(painter, text, QPointF(box.left() - 6, y), Qt.AlignmentFlag.AlignRight)
        name = translate(heatmaps[0].class_name)
        place = QPointF(box.right(), box.top() - 8)
        _words(painter, name, place, Qt.AlignmentFlag.AlignRight)

    def _paint_texts(self, painter: QPainter, look: Look, where: ScreenMap) -> None:
        stage = self._stage
        if stage.shown is None or stage.plane is None:
            return
        painter.setFont(ink.corner_font())
        width, height = stage.size
        line = QFontMetricsF(painter.font()).height() + 1
        left, right = ink.MARGIN, width - ink.MARGIN
        align_left, align_right = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
        room = width / 2 - 2 * ink.MARGIN - 8
        upper_right = corners.upper_right(stage.shown, stage.plane)
        has_overlay = look.has_overlay and bool(stage.overlays)
        marks = corners.badges(stage.shown, stage.plane, has_overlay=has_overlay)
        scale = corners.zoom_factor(stage.shown, where.scale)
        lower_left = corners.lower_left(stage.shown, stage.state, scale, look.probe)
        if look.cine:
            lower_left = [look.cine, *lower_left]
        blocks = (
            (corners.upper_left(stage.shown, stage.plane), left, 0.0, align_left),
            (upper_right, right, 0.0, align_right),
            (lower_left, left, height, align_left),
            (corners.lower_right(stage.shown, stage.plane, stage.index), right, height,
             align_right),
        )  # fmt: skip
        for lines, x, edge, side in blocks:
            first = 8 + line * 0.8 if edge == 0 else height - 8 - line * (len(lines) - 1) - 2
            for number, text in enumerate(lines):
                _words(painter, text, QPointF(x, first + number * line), side, room)
        first = 8 + line * (len(upper_right) + 0.8)
        _words(painter, "  ".join(marks), QPointF(right, first), align_right, room, ink.INK.warn)

    def _paint_letters(self, painter: QPainter, plane: Plane) -> None:
        words = self._edge_words(plane)
        width, height = self._stage.size
        painter.setFont(ink.letter_font())
        metrics = QFontMetricsF(painter.font())
        middle = height / 2 + metrics.ascent() / 2 - 1
        places = (
            (QPointF(ink.MARGIN - 4, middle), Qt.AlignmentFlag.AlignLeft),
            (QPointF(width - ink.MARGIN + 4, middle), Qt.AlignmentFlag.AlignRight),
            (QPointF(width / 2, 8 + metrics.ascent()), Qt.AlignmentFlag.AlignHCenter),
            (QPointF(width / 2, height - 9), Qt.AlignmentFlag.AlignHCenter),
        )
        for text, (place, side) in zip(words, places, strict=True):
            _words(painter, text, place, side)

    def _edge_words(self, plane: Plane) -> tuple[str, str, str, str]:
        """Letters at the left, right, upper and lower edge; empty where nothing is known."""
        shown = self._stage.shown
        if plane.name != "native":
            right, down = directions(plane, self._stage.state)
            return edge_letters(letters(right), letters(down))
        header = shown.series.header if shown is not None else {}
        right_word, down_word = patient_orientation(header.get("PatientOrientation", ""))
        return _turned_words(edge_letters(right_word, down_word), self._stage)

    def _paint_why_dark(self, painter: QPainter) -> None:
        """A slice that could not be read says so in its place: a black picture says nothing."""
        reason = self._stage.why_dark
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


def _transform(where: ScreenMap) -> QTransform:
    """From pixel corners of the slice to the screen; its centres are at halves there."""
    (a, c, e), (b, d, f) = where.matrix.tolist()
    return QTransform(a, b, c, d, e - 0.5 * (a + c), f - 0.5 * (b + d))


def _draw(painter: QPainter, picture: Picture, where: ScreenMap) -> None:
    transform = _transform(where)
    if picture.step > 1:
        transform = QTransform.fromScale(picture.step, picture.step) * transform
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, picture.is_smooth)
    painter.setTransform(transform, combine=True)
    painter.drawImage(0, 0, picture.image)
    painter.restore()


def _turned_words(words: tuple[str, str, str, str], stage: SliceStage) -> tuple[str, str, str, str]:
    left, right, up, down = words
    if stage.state.flip_h:
        left, right = right, left
    if stage.state.flip_v:
        up, down = down, up
    for _ in range(stage.state.turns):
        left, up, right, down = down, left, up, right
    return left, right, up, down


def _words(
    painter: QPainter,
    text: str,
    place: QPointF,
    side: Qt.AlignmentFlag,
    room: float = 400.0,
    ink_colour: str = ink.INK.text,
) -> None:
    """One line on its base line, the picture dimmed behind it so that it reads on bone."""
    if not text:
        return
    metrics = QFontMetricsF(painter.font())
    text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(40.0, room))
    shift = {Qt.AlignmentFlag.AlignRight: 1.0, Qt.AlignmentFlag.AlignHCenter: 0.5}.get(side, 0.0)
    x, y = round(place.x() - metrics.horizontalAdvance(text) * shift), round(place.y())
    behind = QRectF(x - 2, y - metrics.ascent(), metrics.horizontalAdvance(text) + 4,
                    metrics.height())  # fmt: skip
    painter.fillRect(behind, _BEHIND)
    painter.setPen(QColor(ink_colour))
    painter.drawText(QPointF(x, y), text)


def _paint_mark(painter: QPainter, each: Mark, *, is_selected: bool) -> None:
    ink_colour = ink.INK.accent if is_selected else ink.INK.warn
    places = [QPointF(*place) for place in each.places]
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for pen in (QPen(colour(ink.INK.canvas, 0.6), 3.0), QPen(QColor(ink_colour), 1.5)):
        painter.setPen(pen)
        _paint_shape(painter, places)
    painter.setPen(QPen(QColor(ink_colour), 1.0))
    painter.setBrush(QColor(ink.INK.canvas))
    for place in places:
        painter.drawEllipse(place, _HANDLE, _HANDLE)
    painter.restore()
    painter.setFont(ink.corner_font())
    # Beside the end that is further right, so that the line does not run through the words.
    anchor = max(places, key=lambda place: place.x())
    step = QFontMetricsF(painter.font()).height()
    for number, text in enumerate(roi.lines(each.measurement)):
        place = anchor + QPointF(9, 4 + number * step)
        _words(painter, text, place, Qt.AlignmentFlag.AlignLeft, ink_colour=ink_colour)


def _paint_shape(painter: QPainter, places: list[QPointF]) -> None:
    if len(places) == 1:
        x, y = places[0].x(), places[0].y()
        painter.drawLine(QPointF(x - 7, y), QPointF(x + 7, y))
        painter.drawLine(QPointF(x, y - 7), QPointF(x, y + 7))
    elif len(places) == 2:
        painter.drawLine(places[0], places[1])
    else:
        middle = (places[0] + places[1]) / 2
        across, upright = (places[1] - places[0]) / 2, (places[3] - places[2]) / 2
        around = np.linspace(0, 2 * np.pi, 65).tolist()
        points = [middle + across * np.cos(t) + upright * np.sin(t) for t in around]
        painter.drawPolyline(QPolygonF(points))
