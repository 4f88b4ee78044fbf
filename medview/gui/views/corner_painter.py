"""What is written over a slice: corner texts, badges, orientation letters."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter

from medview.core.results import OWN_MASK
from medview.core.words import tr
from medview.gui.views import corners, ink
from medview.gui.views.corner_templates import Moment, corner_template, filled
from medview.gui.views.look import Look
from medview.gui.views.stage import SliceStage
from medview.gui.views.state import ScreenMap, directions
from medview.gui.views.words_painter import broken, paint_words
from medview.imaging.curved import CrossSections, CurvedPlane
from medview.imaging.letters import edge_letters, letters, patient_orientation
from medview.imaging.slice_plane import SlicePlane

_TALL = 400.0  # pixels of a view that has room for more lines


def paint_texts(stage: SliceStage, painter: QPainter, look: Look, where: ScreenMap) -> None:
    """The words in the four corners and the badges."""
    if stage.shown is None or stage.plane is None:
        return
    width, height = stage.size
    line = ink.metrics_of(ink.corner_face()).height() + 1
    left, right = ink.MARGIN, width - ink.MARGIN
    align_left, align_right = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
    room = width / 2 - 2 * ink.MARGIN - 8
    is_whole = height >= _TALL
    scale = corners.zoom_factor(stage.shown, where.scale)
    now = Moment(shown=stage.shown, plane=stage.plane, index=stage.index, state=stage.state,
                 zoom=scale, probe=look.probe)  # fmt: skip
    upper_left = _own("upper_left", now) or corners.upper_left(stage.shown, stage.plane)
    upper_right = _own("upper_right", now) or corners.upper_right(
        stage.shown, stage.plane, is_whole=is_whole
    )
    # What the reader painted is no result of a model.
    of_models = [each for each in stage.overlays if not each.id.startswith(OWN_MASK)]
    has_overlay = look.has_overlay and bool(of_models)
    calibration = stage.measuring.calibration
    marks = corners.badges(
        stage.shown, stage.plane, has_overlay=has_overlay, calibration=calibration
    )
    if stage.measuring.is_key:
        marks.append(tr("KEY IMAGE"))
    lower_left = _own("lower_left", now) or corners.lower_left(
        stage.shown, stage.state, scale, look.probe
    )
    lower_right = _own("lower_right", now) or corners.lower_right(
        stage.shown, stage.plane, stage.index
    )
    if look.has_overlay and stage.upper is not None:
        lower_left = [corners.upper_layer(stage.upper), *lower_left]
    lower_left = [*filter(None, (look.link, look.cine, look.phase)), *lower_left]
    upper_left, upper_right, lower_left, lower_right = (
        broken(lines, room) for lines in (upper_left, upper_right, lower_left, lower_right)
    )
    blocks = (
        (upper_left, left, 0.0, align_left),
        (upper_right, right, 0.0, align_right),
        (lower_left, left, height, align_left),
        (lower_right, right, height, align_right),
    )
    for lines, x, edge, side in blocks:
        first = 8 + line * 0.8 if edge == 0 else height - 8 - line * (len(lines) - 1) - 2
        for number, text in enumerate(lines):
            paint_words(painter, text, QPointF(x, first + number * line), side, room)
    first = 8 + line * (len(upper_right) + 0.8)
    warn, bad = ink.corner_face(ink.INK.warn), ink.corner_face(ink.INK.bad)
    paint_words(painter, "  ".join(marks), QPointF(right, first), align_right, room, warn)
    torn = corners.conflict(stage.shown)
    paint_words(painter, torn, QPointF(right, first + line), align_right, room, bad)


def _own(corner: str, now: Moment) -> list[str]:
    """The lines of the reader's template; none where there is no template."""
    template = corner_template(corner)
    return filled(template, now) if template else []


def paint_letters(stage: SliceStage, painter: QPainter, plane: SlicePlane) -> None:
    """Which way of the patient each edge is."""
    words = edge_words(stage, plane)
    width, height = stage.size
    face = ink.letter_face()
    metrics = ink.metrics_of(face)
    middle = height / 2 + metrics.ascent() / 2 - 1
    places = (
        (QPointF(ink.MARGIN - 4, middle), Qt.AlignmentFlag.AlignLeft),
        (QPointF(width - ink.MARGIN + 4, middle), Qt.AlignmentFlag.AlignRight),
        (QPointF(width / 2, 8 + metrics.ascent()), Qt.AlignmentFlag.AlignHCenter),
        (QPointF(width / 2, height - 9), Qt.AlignmentFlag.AlignHCenter),
    )
    for text, (place, side) in zip(words, places, strict=True):
        paint_words(painter, text, place, side, face=face)


def edge_words(stage: SliceStage, plane: SlicePlane) -> tuple[str, str, str, str]:
    """Letters at the left, right, upper and lower edge; empty where nothing is known."""
    shown = stage.shown
    if isinstance(plane, CurvedPlane):  # along a curve every row looks another way
        return "", "", "", ""
    if isinstance(plane, CrossSections):
        plane = plane.flat_at(stage.index)
    if plane.name != "native":
        right, down = directions(plane, stage.state)
        return edge_letters(letters(right), letters(down))
    taken = None if shown is None else shown.stack.projection
    right_word, down_word = patient_orientation("" if taken is None else taken.orientation)
    return _turned_words(edge_letters(right_word, down_word), stage)


def _turned_words(words: tuple[str, str, str, str], stage: SliceStage) -> tuple[str, str, str, str]:
    left, right, up, down = words
    if stage.state.flip_h:
        left, right = right, left
    if stage.state.flip_v:
        up, down = down, up
    for _ in range(stage.state.turns):
        left, up, right, down = down, left, up, right
    return left, right, up, down
