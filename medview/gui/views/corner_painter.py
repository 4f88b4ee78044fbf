"""What is written over a slice: corner texts, badges, orientation letters."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter

from medview.core.results import OWN_MASK
from medview.core.words import current_language, tr
from medview.gui.views import corners, ink
from medview.gui.views.corner_templates import Moment, corner_template, filled
from medview.gui.views.kept import Kept
from medview.gui.views.look import Look
from medview.gui.views.stage import SliceStage
from medview.gui.views.state import ScreenMap, directions
from medview.gui.views.words_painter import Words, broken, words_at
from medview.imaging.curved import CrossSections, CurvedPlane
from medview.imaging.letters import edge_letters, letters, patient_orientation
from medview.imaging.slice_plane import SlicePlane

_TALL = 400.0  # pixels of a view that has room for more lines
_LETTER_ROOM = 400.0
_LEFT, _RIGHT = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
_Written = tuple[Words, ...]


class _Page(NamedTuple):
    """What every line is written on; another page, and all are written anew."""

    width: float
    height: float
    ratio: float
    language: str
    face: ink.Face

    @property
    def room(self) -> float:
        """Pixels for a line in a corner."""
        return self.width / 2 - 2 * ink.MARGIN - 8

    @property
    def line(self) -> float:
        """Pixels from one line to the next."""
        return ink.metrics_of(self.face).height() + 1


class CornerTexts:
    """The words over one view's slice; what says the same in the next frame is kept."""

    def __init__(self, stage: SliceStage) -> None:
        self._stage = stage
        self._upper: Kept[_Written] = Kept()
        self._lower_left: Kept[_Written] = Kept()
        self._lower_right: Kept[_Written] = Kept()
        self._edges: Kept[_Written] = Kept()

    def forget(self) -> None:
        """Another stack is shown, or none."""
        for kept in (self._upper, self._lower_left, self._lower_right, self._edges):
            kept.forget()

    def paint(self, painter: QPainter, look: Look, where: ScreenMap) -> None:
        """The words in the four corners and the badges."""
        stage = self._stage
        shown, plane = stage.shown, stage.plane
        if shown is None or plane is None:
            return
        page = _page(stage, painter, ink.corner_face())
        scale = corners.zoom_factor(shown, where.scale)
        now = Moment(shown=shown, plane=plane, index=stage.index, state=stage.state, zoom=scale,
                     probe=look.probe)  # fmt: skip
        for words in (
            *self._written_above(page, now, look),
            *self._written_lower_left(page, now, look),
            *self._written_lower_right(page, now),
        ):
            painter.drawImage(*words)

    def paint_letters(self, painter: QPainter, plane: SlicePlane) -> None:
        """Which way of the patient each edge is."""
        stage, state = self._stage, self._stage.state
        page = _page(stage, painter, ink.letter_face())
        index = stage.index if isinstance(plane, CrossSections) else 0
        values = (page, state.flip_h, state.flip_v, state.turns, index)
        things = (stage.shown, plane)
        written = self._edges.get(things, values, partial(_letters, page, stage, plane))
        for words in written:
            painter.drawImage(*words)

    def _written_above(self, page: _Page, now: Moment, look: Look) -> _Written:
        """Both upper corners, and the badges below the right one."""
        stage = self._stage
        # What the reader painted is no result of a model.
        of_models = [each for each in stage.overlays if not each.id.startswith(OWN_MASK)]
        has_overlay, is_confirmed = look.has_overlay and bool(of_models), stage.is_confirmed
        calibration, is_key = stage.measuring.calibration, stage.measuring.is_key
        own = _own("upper_left", now), _own("upper_right", now)

        def write() -> _Written:
            left = own[0] or corners.upper_left(now.shown, now.plane)
            is_whole = page.height >= _TALL
            right = own[1] or corners.upper_right(now.shown, now.plane, is_whole=is_whole)
            marks = corners.badges(
                now.shown,
                now.plane,
                has_overlay=has_overlay,
                is_confirmed=is_confirmed,
                calibration=calibration,
            )
            if is_key:
                marks.append(tr("KEY IMAGE"))
            right = broken(right, page.room)
            torn = corners.conflict(now.shown)
            return (
                *_block(page, broken(left, page.room), is_right=False, is_low=False),
                *_block(page, right, is_right=True, is_low=False),
                *_badges(page, len(right), "  ".join(marks), torn),
            )

        values = (page, own, has_overlay, is_confirmed, calibration, is_key)
        return self._upper.get((now.shown, now.plane), values, write)

    def _written_lower_left(self, page: _Page, now: Moment, look: Look) -> _Written:
        upper = self._stage.upper if look.has_overlay else None
        own = _own("lower_left", now)

        def write() -> _Written:
            lines = own or corners.lower_left(now.shown, now.state, now.zoom, now.probe)
            if upper is not None:
                lines = [corners.upper_layer(upper), *lines]
            lines = [*filter(None, (look.link, look.cine, look.phase)), *lines]
            return _block(page, broken(lines, page.room), is_right=False, is_low=True)

        said = (look.link, look.cine, look.phase, look.probe)
        values = (page, own, now.state.window, now.zoom, *said)
        return self._lower_left.get((now.shown, upper), values, write)

    def _written_lower_right(self, page: _Page, now: Moment) -> _Written:
        own = _own("lower_right", now)

        def write() -> _Written:
            lines = own or corners.lower_right(now.shown, now.plane, now.index)
            return _block(page, broken(lines, page.room), is_right=True, is_low=True)

        return self._lower_right.get((now.shown, now.plane), (page, own, now.index), write)


def _page(stage: SliceStage, painter: QPainter, face: ink.Face) -> _Page:
    return _Page(*stage.size, painter.device().devicePixelRatioF(), current_language(), face)


def _block(page: _Page, lines: list[str], *, is_right: bool, is_low: bool) -> _Written:
    """The lines of one corner."""
    line = page.line
    first = page.height - 8 - line * (len(lines) - 1) - 2 if is_low else 8 + line * 0.8
    x, side = (page.width - ink.MARGIN, _RIGHT) if is_right else (ink.MARGIN, _LEFT)
    return tuple(
        words_at(text, QPointF(x, first + number * line), side, page.room, page.face, page.ratio)
        for number, text in enumerate(lines)
        if text
    )


def _badges(page: _Page, above: int, marks: str, torn: str) -> _Written:
    """What a reader must not miss, below the lines of the upper right corner."""
    first = 8 + page.line * (above + 0.8)
    return tuple(
        words_at(text, QPointF(page.width - ink.MARGIN, y), _RIGHT, page.room,
                 ink.corner_face(ink_colour), page.ratio)
        for text, y, ink_colour in (
            (marks, first, ink.INK.warn), (torn, first + page.line, ink.INK.bad)
        )
        if text
    )  # fmt: skip


def _own(corner: str, now: Moment) -> list[str]:
    """The lines of the reader's template; none where there is no template."""
    template = corner_template(corner)
    return filled(template, now) if template else []


def _letters(page: _Page, stage: SliceStage, plane: SlicePlane) -> _Written:
    metrics = ink.metrics_of(page.face)
    middle = page.height / 2 + metrics.ascent() / 2 - 1
    places = (
        (QPointF(ink.MARGIN - 4, middle), _LEFT),
        (QPointF(page.width - ink.MARGIN + 4, middle), _RIGHT),
        (QPointF(page.width / 2, 8 + metrics.ascent()), Qt.AlignmentFlag.AlignHCenter),
        (QPointF(page.width / 2, page.height - 9), Qt.AlignmentFlag.AlignHCenter),
    )
    return tuple(
        words_at(text, place, side, _LETTER_ROOM, page.face, page.ratio)
        for text, (place, side) in zip(edge_words(stage, plane), places, strict=True)
        if text
    )


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
