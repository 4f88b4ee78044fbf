"""The lines under mentions: every kind has a colour and a shape, so that neither stands alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap, QRegion

from medview.gui.style import DARK, tokens

_HEIGHT = 5  # pixels that the highest shape takes
_ON, _OFF = 5, 3  # of a line that is broken: what is denied or doubtful
_VIOLET = ("#b48ad9", "#7a4fb0")
_YELLOW = ("#e0c04a", "#7d6100")
_TYPE_SHAPE = {
    "disease": "line", "finding": "double", "symptom": "wave",
    "drug": "dots", "dose": "dots", "route": "dots", "frequency": "dots", "duration": "dots",
    "allergy": "saw", "lab": "bracket", "vital": "bracket", "measurement": "bracket",
    "smoking": "bracket", "alcohol": "bracket", "anatomy": "feet",
}  # fmt: skip
# Under which line the words of a filter stand.
_GROUP_TYPE = {
    "diseases": "disease", "symptoms": "symptom", "findings": "finding", "drugs": "drug",
    "labs": "lab",
}  # fmt: skip
_BROKEN_GROUPS = frozenset(("negated", "possible"))


def tint_of(kind: str) -> str:
    """The colour of an entity's type; 3:1 at least on the card's text, dark and light."""
    t = tokens()
    is_dark = t is DARK
    tints = {
        "disease": t.bad, "finding": t.bad, "symptom": _VIOLET[not is_dark],
        "drug": t.accent, "dose": t.accent, "route": t.accent, "frequency": t.accent,
        "duration": t.accent, "allergy": t.warn, "anatomy": t.good, "procedure": t.muted,
        "device": t.muted, "date": t.muted, "demographic": t.muted,
    }  # fmt: skip
    return tints.get(kind, _YELLOW[not is_dark])


def shape_of(kind: str) -> str:
    """The shape of the line under an entity of a type; `thin` for what is only said beside."""
    return _TYPE_SHAPE.get(kind, "thin")


def draw_line(
    painter: QPainter, kind: str, left: float, right: float, y: float, *, is_broken: bool = False
) -> None:
    """Draw the line of a type from left to right at a height; broken: denied or doubtful."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if is_broken:
        painter.setClipRegion(_pieces(left, right, y), Qt.ClipOperation.IntersectClip)
    shape = shape_of(kind)
    pen = QPen(QColor(tint_of(kind)), 2.0 if shape in ("line", "bracket", "feet") else 1.2)
    painter.setPen(pen)
    if shape == "dots":
        _dots(painter, kind, left, right, y)
    else:
        painter.drawPath(_PATHS[shape](left, right, y))
    painter.restore()


def _pieces(left: float, right: float, y: float) -> QRegion:
    region, x = QRegion(), int(left)
    while x < right:
        region += QRect(x, int(y) - _HEIGHT, _ON, 2 * _HEIGHT)
        x += _ON + _OFF
    return region


def _dots(painter: QPainter, kind: str, left: float, right: float, y: float) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(tint_of(kind)))
    x = left
    while x + 2.4 <= right + 1:
        painter.drawEllipse(QRectF(x, y - 1.2, 2.4, 2.4))
        x += 4.2


def _straight(left: float, right: float, y: float) -> QPainterPath:
    path = QPainterPath(QPointF(left, y))
    path.lineTo(right, y)
    return path


def _double(left: float, right: float, y: float) -> QPainterPath:
    path = _straight(left, right, y - 1)
    path.addPath(_straight(left, right, y + 1.8))
    return path


def _ends(left: float, right: float, y: float, *, up: float) -> QPainterPath:
    path = QPainterPath(QPointF(left + 1, y - up))
    path.lineTo(left + 1, y)
    path.lineTo(right - 1, y)
    path.lineTo(right - 1, y - up)
    return path


def _zigzag(left: float, right: float, y: float, *, step: float, round_: bool) -> QPainterPath:
    path, x, sign = QPainterPath(QPointF(left, y)), left, -1
    while x < right:
        end, lift = min(x + step, right), 2.2 * sign
        if round_:
            path.quadTo(QPointF((x + end) / 2, y + 1.6 * lift), QPointF(end, y))
        else:
            path.lineTo(QPointF((x + end) / 2, y + lift))
            path.lineTo(QPointF(end, y))
        x, sign = end, -sign if round_ else sign
    return path


_PATHS: dict[str, Callable[[float, float, float], QPainterPath]] = {
    "line": _straight,
    "thin": _straight,
    "double": _double,
    "bracket": partial(_ends, up=4),
    "feet": partial(_ends, up=-3),
    "wave": partial(_zigzag, step=4.0, round_=True),
    "saw": partial(_zigzag, step=5.0, round_=False),
}


def legend_of(group: str) -> QIcon:
    """A short line as it stands under the words of a filter; empty where it is of every kind."""
    kind = _GROUP_TYPE.get(group, "disease" if group in _BROKEN_GROUPS else "")
    if not kind:
        return QIcon()
    pixmap = QPixmap(32, 20)
    pixmap.setDevicePixelRatio(2)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    draw_line(painter, kind, 0.5, 15.5, 5, is_broken=group in _BROKEN_GROUPS)
    painter.end()
    return QIcon(pixmap)
