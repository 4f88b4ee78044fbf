"""What is painted over the picture of a volume: names, letters, cube, box, line, badges."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF

from medview.core.geometry import Geometry
from medview.core.results import OWN_MASK
from medview.core.words import tr
from medview.gui.style import colour
from medview.gui.views import ink
from medview.gui.views.volume_box import Handle, paint_box
from medview.gui.views.volume_commands import VolumeCommands
from medview.gui.views.volume_cube import HALF, paint_cube
from medview.imaging.cutting import Carving
from medview.imaging.letters import letters, opposite

_Align = Qt.AlignmentFlag
_SQUARE = math.cos(math.radians(0.1))  # less is a tilt, as in `medview.dicom`
_BRIGHT = 0.5  # of a background on which light ink cannot be read


def blend_names() -> dict[str, str]:
    """What the ways of joining samples are called."""
    return {"composite": tr("tissue"), "mip": "MIP", "minip": "MinIP", "mean": tr("mean")}


def cube_middle(height: float) -> QPointF:
    """Where the cube stands in a view of this height."""
    return QPointF(ink.MARGIN + 2 * HALF, height - ink.MARGIN - 2 * HALF)


def _is_sheared(geometry: Geometry) -> bool:
    """Whether slices are shifted against each other, as a gantry tilt does."""
    along = abs(float(np.dot(geometry.axes[2], geometry.normal)))
    return along < _SQUARE


class VolumePainter:
    """Paints one view; `lasso` is the line that is being drawn, `held` the handle that is."""

    def __init__(self, commands: VolumeCommands) -> None:
        self._commands = commands
        self._stage = commands.stage
        self.lasso: list[QPointF] = []
        self.held: Handle | None = None
        self.has_bar = False  # then the hint would lie under it

    def paint(self, painter: QPainter, box: QRectF) -> None:
        """Everything, in a view's own pixels."""
        stage = self._stage
        painter.fillRect(box, QColor(ink.INK.canvas))
        if stage.picture is not None:
            painter.drawImage(box, stage.picture.image)
        ink_colour = self._ink()
        painter.setPen(ink_colour)
        self._paint_corners(painter, box)
        if stage.volume is not None and stage.trouble is None:
            self._paint_letters(painter, box)
            self._paint_tools(painter, box)
            paint_cube(painter, stage.camera.frame, cube_middle(box.height()))
        if stage.trouble is not None:
            painter.setPen(QColor(ink.INK.warn))
            painter.setFont(ink.corner_font())
            flags = _Align.AlignCenter | Qt.TextFlag.TextWordWrap
            room = box.adjusted(24, 24, -24, -24)
            painter.drawText(room, int(flags), stage.trouble.sentence())

    def title(self) -> str:
        """What is shown, for the corner."""
        look = self._stage.look
        if look is None:
            return tr("Volume")
        state = self._stage.state
        chosen = self._stage.looks[state.number]
        name = chosen.name if chosen.is_own else tr(chosen.name)
        edited = f" · {tr('changed')}" if state.edited is not None else ""
        joined = f" · {blend_names()[look.blend]}" if look.blend != chosen.blend else ""
        return f"{tr('Volume')} · {name}{edited}{joined}"

    def caption(self) -> str:
        """The title; it says so while the picture that stands there still has another look."""
        drawn, look = self._stage.drawn, self._stage.look
        scene = None if drawn is None else drawn.wish.scene
        is_behind = scene is not None and look is not None and scene.look != look
        return f"{self.title()} · {tr('being drawn')}" if is_behind else self.title()

    def badges(self) -> list[str]:
        """What a reader must know of the picture."""
        drawn = self._stage.drawn
        found = [tr("REDUCED")] if drawn is not None and drawn.is_reduced else []
        geometry = None if self._stage.volume is None else self._stage.volume.geometry
        if geometry is not None and not geometry.is_even:
            found.append(tr("RESAMPLED"))  # slices stand on even lines at their true places
        elif geometry is not None and _is_sheared(geometry):
            found.append(tr("GEOMETRY CORRECTED"))
        if self._stage.state.carving != Carving():
            found.append(tr("CUT"))  # it may have come back with the patient
        extras = self._stage.extras
        if any(not each.key[0].startswith(OWN_MASK) for each in extras.shown):
            found.append(tr("AI, CONFIRMED") if extras.is_confirmed else tr("AI, UNCONFIRMED"))
        return found

    def path(self) -> str:
        """What draws: the graphics hardware by name, or the processor."""
        drawn = self._stage.drawn
        if drawn is None:
            return ""
        return drawn.path or tr("CPU")

    def _ink(self) -> QColor:
        # Of the picture that stands there: a slower machine shows it a while after a new look.
        drawn = self._stage.drawn
        scene = None if drawn is None else drawn.wish.scene
        is_bright = scene is not None and sum(scene.background) / 3 > _BRIGHT
        return QColor(ink.INK.surface_0 if is_bright else ink.INK.text)

    def _paint_corners(self, painter: QPainter, box: QRectF) -> None:
        painter.setFont(ink.corner_font())
        metrics = QFontMetricsF(painter.font())
        room = box.width() - 2 * ink.MARGIN
        base = 8 + metrics.height() * 0.8
        title = metrics.elidedText(self.caption(), Qt.TextElideMode.ElideRight, room * 0.7)
        painter.drawText(QPointF(ink.MARGIN, base), title)
        lines = [*self.badges(), self.path()]
        for number, line in enumerate(lines):
            text = metrics.elidedText(line, Qt.TextElideMode.ElideRight, room * 0.28)
            x = box.right() - ink.MARGIN - metrics.horizontalAdvance(text)
            painter.drawText(QPointF(x, base + number * metrics.height()), text)

    def _paint_letters(self, painter: QPainter, box: QRectF) -> None:
        inside = box.adjusted(ink.MARGIN, 8, -ink.MARGIN, -8)
        if not self.has_bar:
            flags = int(_Align.AlignRight | _Align.AlignBottom)
            pen = painter.pen()
            if pen.color() == QColor(ink.INK.text):
                painter.setPen(colour(ink.INK.muted))
            painter.drawText(inside, flags, self._hint())
            painter.setPen(pen)
        painter.setFont(ink.letter_font())
        # The largest direction alone: three letters mean nothing while it turns.
        right, up = (letters(axis)[:1] for axis in self._stage.camera.frame[:2])
        places = (
            (opposite(right), _Align.AlignLeft | _Align.AlignVCenter),
            (right, _Align.AlignRight | _Align.AlignVCenter),
            (up, _Align.AlignHCenter | _Align.AlignTop),
            (opposite(up), _Align.AlignHCenter | _Align.AlignBottom),
        )
        for text, side in places:
            painter.drawText(inside, int(side), text)

    def _hint(self) -> str:
        if self._commands.tool == "lasso_remove":
            return tr("draw round what has to go · Esc ends")
        if self._commands.tool == "lasso_keep":
            return tr("draw round what is to stay · Esc ends")
        if self._commands.is_box_shown:
            return tr("drag a face of the box · B ends")
        return tr("rotate: drag · crosshair: click")

    def _paint_tools(self, painter: QPainter, box: QRectF) -> None:
        stage = self._stage
        seen = stage.screen(box.width(), box.height())
        if self._commands.is_box_shown and seen is not None and stage.space is not None:
            paint_box(painter, stage.state.box, stage.space, seen, self.held)
        if len(self.lasso) > 1:
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(ink.INK.accent), 1.5))
            painter.setBrush(colour(ink.INK.accent, 0.15))
            painter.drawPolygon(QPolygonF(self.lasso))
            painter.restore()
