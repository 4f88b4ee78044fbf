"""The segments card: what was painted on the stack that is shown, and the tools that change it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QInputDialog,
    QMenu,
    QPushButton,
    QToolButton,
    QWidget,
)

from medview.core.made_names import shown_name
from medview.core.numbers import volume_text
from medview.core.results import Code
from medview.core.words import say, tr
from medview.gui.cards import Card, ElidedLabel, ElidedLink, button, label, row
from medview.gui.style import GRID
from medview.gui.views.corners import figure
from medview.imaging.overlay import SAFE_COLOURS
from medview.session import Session
from medview.session.segments import LABELS, Segment

TOOLS = ("brush", "eraser", "threshold", "grow")
_LEAST_MM, _MOST_MM, _LEAST_HU, _MOST_HU = 1.0, 100.0, -5000.0, 50000.0


class SegmentsCard(Card):
    """One line a segment; below the active one its tools. `action_asked` names an action."""

    action_asked = Signal(str)
    brush_changed = Signal()

    def __init__(self, session: Session, tool: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._desk = session, session.segmenting
        self._tool = tool
        self.setAccessibleName(tr("Segments"))
        active = self._desk.active
        for segment in self._desk.segments:
            self.add(self._line(segment, is_active=active is not None and segment.id == active.id))
        self._buttons = QButtonGroup(self)
        self._buttons.setExclusive(False)
        self._diameter = _spin(tr("Diameter of the brush"), (_LEAST_MM, _MOST_MM), " mm")
        self.add(self._tools())
        self.add(self._size_row())
        if tool in ("threshold", "grow"):
            self.add(self._window_row() if tool == "threshold" else self._tolerance_row())
        if active is not None and (active.origin or active.made_by):
            self.add(label(_origin(active), "faint"))
        self.show_brush()

    def show_brush(self) -> None:
        """The size that the brush has now."""
        self._diameter.blockSignals(True)
        self._diameter.setValue(self._desk.brush.diameter_mm)
        self._diameter.blockSignals(False)

    # -- parts -----------------------------------------------------------------------------

    def _line(self, segment: Segment, *, is_active: bool) -> QWidget:
        swatch = QToolButton()
        swatch.setText("■")
        swatch.setStyleSheet(f"color: {segment.colour}; border: none;")
        swatch.setAccessibleName(tr("Colour of {name}", name=shown_name(segment.name)))
        swatch.setToolTip(swatch.accessibleName())
        swatch.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(swatch)
        for number, colour in enumerate(SAFE_COLOURS, start=1):
            words = tr("Colour {number}", number=number)
            menu.addAction(words, partial(self._recolour, segment, colour))
        swatch.setMenu(menu)
        name: QWidget
        if is_active:
            name = ElidedLabel(shown_name(segment.name), "title")
        else:
            name = ElidedLink(shown_name(segment.name))
            name.clicked.connect(partial(self._desk.choose, segment.id))
        numbers = label(self._numbers(segment), "muted", wrap=False)
        made = row(swatch, name, numbers, spacing=GRID)
        layout = made.layout()
        if isinstance(layout, QHBoxLayout):
            layout.setStretchFactor(name, 1)  # beside a stretch a name that gives way would vanish
        return made

    def _numbers(self, segment: Segment) -> str:
        found = self._desk.statistics(segment)
        if found is None or found.count == 0:
            return "" if found is None else tr("empty")
        active = self._session.active
        unit = "" if active is None else active.stack.unit
        size = volume_text(found.volume_mm3)
        if found.mean is None:
            return size
        return f"{size} · {figure(found.mean)} {unit}".strip()

    def _tools(self) -> QWidget:
        words = {
            "brush": (tr("Brush"), "B"),
            "eraser": (tr("Eraser"), "Shift+B"),
            "threshold": (tr("Range"), "U"),
            "grow": (tr("Grow"), "G"),
        }
        made: list[QWidget] = []
        for tool in TOOLS:
            text, key = words[tool]
            each = button(text, "", partial(self.action_asked.emit, f"tool.{tool}"))
            each.setCheckable(True)
            each.setChecked(tool == self._tool)
            each.setToolTip(f"{text}  {key}")
            self._buttons.addButton(each)
            made.append(each)
        return row(*made, None, spacing=GRID)

    def _size_row(self) -> QWidget:
        self._diameter.setToolTip(tr("Diameter of the brush: Shift or Ctrl with the wheel"))
        self._diameter.valueChanged.connect(self._set_diameter)
        ball = QCheckBox(tr("3-D"))
        ball.setAccessibleName(tr("The brush is a ball, not a disc"))
        ball.setToolTip(ball.accessibleName())
        ball.setChecked(self._desk.brush.is_ball)
        ball.toggled.connect(lambda on: self._set(is_ball=on))
        return row(label("Ø", wrap=False), self._diameter, ball, None, self._more(), spacing=GRID)

    def _window_row(self) -> QWidget:
        low, high = self._desk.brush.window
        spins = [_spin(words, (_LEAST_HU, _MOST_HU), "") for words in (tr("From"), tr("To"))]
        for spin, value in zip(spins, (low, high), strict=True):
            spin.setValue(value)

        def changed() -> None:
            ends = sorted(spin.value() for spin in spins)
            self._set(window=(ends[0], ends[1]))

        for spin in spins:
            spin.valueChanged.connect(changed)
        return row(spins[0], label("…", wrap=False), spins[1], None, spacing=GRID)

    def _tolerance_row(self) -> QWidget:
        spin = _spin(tr("Tolerance"), (1.0, 2000.0), "")
        spin.setValue(self._desk.brush.tolerance)
        spin.valueChanged.connect(lambda value: self._set(tolerance=value))
        return row(label(tr("Tolerance"), wrap=False), label("±", wrap=False), spin, None,
                   spacing=GRID)  # fmt: skip

    def _more(self) -> QPushButton:
        made = button(tr("More"), "")
        made.setToolTip(tr("What can be done with the whole segment"))
        menu = QMenu(made)
        rows: tuple[tuple[str, str], ...] = (
            ("segment.new", tr("New segment")),
            ("segment.fill", tr("Fill between drawn slices")),
            ("segment.largest", tr("Keep the largest part")),
            ("segment.clean", tr("Remove parts under 50 mm³")),
            ("segment.clean_size", tr("Remove small parts…")),
            ("segment.smooth", tr("Smooth the segment")),
            ("segment.larger", tr("Segment 1 mm larger")),
            ("segment.smaller", tr("Segment 1 mm smaller")),
            ("segment.delete", tr("Delete the segment")),
        )
        for action_id, words in rows:
            menu.addAction(words, partial(self.action_asked.emit, action_id))
        active = self._desk.active
        if active is not None:
            menu.addAction(tr("Rename…"), partial(self._ask_name, active))
            labels = menu.addMenu(tr("Label"))
            for code, words in zip(LABELS, _label_names(), strict=True):
                chosen = labels.addAction(words, partial(self._label, active, code, words))
                chosen.setCheckable(True)
                chosen.setChecked(active.code == code)
        made.setMenu(menu)
        return made

    # -- what the reader does --------------------------------------------------------------

    def _set(self, **values: object) -> None:
        self._desk.brush = replace(self._desk.brush, **values)  # type: ignore[arg-type]
        self.brush_changed.emit()

    def _set_diameter(self, value: float) -> None:
        self._set(diameter_mm=value)

    def _recolour(self, segment: Segment, colour: str) -> None:
        self._desk.change(segment, say("Colour a segment"), colour=colour)

    def _label(self, segment: Segment, code: Code, words: str) -> None:
        """What it shows, in code and name."""
        self._desk.change(segment, say("Label a segment"), code=code, name=words)

    def _ask_name(self, segment: Segment) -> None:
        dialog = QInputDialog(self.window())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(tr("Rename…"))
        dialog.setLabelText(tr("Name of the segment"))
        dialog.setTextValue(segment.name)
        dialog.textValueSelected.connect(partial(self._rename, segment))
        dialog.open()

    def _rename(self, segment: Segment, name: str) -> None:
        if name.strip():
            self._desk.change(segment, say("Rename a segment"), name=name.strip()[:64])


def _label_names() -> tuple[str, ...]:
    """The names of LABELS in the current language."""
    return (
        tr("Mass"), tr("Nodule"), tr("Lymph node"), tr("Lung"), tr("Liver"), tr("Spleen"),
        tr("Kidney"), tr("Heart"), tr("Brain"), tr("Blood vessel"), tr("Bone"),
        tr("Prostate"), tr("Haemorrhage"), tr("Coronary calcium"),
    )  # fmt: skip


def _spin(name: str, limits: tuple[float, float], suffix: str) -> QDoubleSpinBox:
    made = QDoubleSpinBox()
    made.setRange(*limits)
    made.setDecimals(0 if not suffix else 1)
    made.setSuffix(suffix)
    made.setAccessibleName(name)
    made.setToolTip(name)
    made.setKeyboardTracking(False)
    return made


def _origin(segment: Segment) -> str:
    """Where it comes from, who began it and when."""
    when = segment.made_at[:16].replace("T", " ")
    words = [segment.origin, segment.made_by, when]
    return " · ".join(word for word in words if word)
