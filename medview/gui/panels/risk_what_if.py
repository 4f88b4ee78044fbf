"""What if: values that are tried on a score and never kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QLabel,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from medview.core.numbers import number_text, unit_text
from medview.core.words import tr
from medview.gui.cards import button, label, row
from medview.gui.panels.risk_bar import BandBar, result_words
from medview.gui.style import GRID
from medview.risk import RiskResult, Score, ScoreInput, UsedInput

_STEPS = 200
_WHOLE = ("1", "a", "{score}", "/d")  # units that are counted


class WhatIf(QWidget):
    """A slider for each number, a box for each yes/no, a list for words; the result above them.

    `tried` gives every value that differs from the patient's; nothing of it is kept.
    """

    tried = Signal(object)  # dict of input name to value

    def __init__(self, score: Score, result: RiskResult) -> None:
        super().__init__()
        self._score, self._start = score, result
        self._values: dict[str, float | bool | str] = {}
        self.controls: dict[str, QSlider | QCheckBox | QComboBox] = {}
        self._shown: dict[str, QLabel] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, GRID, 0, 0)
        column.setSpacing(GRID)
        self.reset = button(tr("Reset"), "link", self._reset)
        column.addWidget(row(label(tr("What if"), "caption"), None, self.reset))
        column.addWidget(
            label(tr("Tried values: not the patient's, not kept, not in the report."), "warn")
        )
        self.verdict = label("", "title")
        column.addWidget(self.verdict)
        self._bar = BandBar(score, result) if score.bar is not None else None
        if self._bar is not None:
            column.addWidget(self._bar)
        self._grid = QGridLayout()
        self._grid.setColumnStretch(1, 1)
        column.addLayout(self._grid)
        self.show_result(result)

    def build(self) -> Iterator[None]:
        """Add the controls, one a step: a score may have twenty."""
        for spec in self._score.inputs:
            self._add(spec)
            yield

    def show_result(self, result: RiskResult) -> None:
        """What comes out with the tried values."""
        self.verdict.setText(result_words(result))
        if result.reason is not None:
            self.verdict.setText(str(result.reason))
        if self._bar is not None and result.value is not None:
            self._bar.show_result(result)

    @property
    def values(self) -> Mapping[str, float | bool | str]:
        """What is tried now."""
        return dict(self._values)

    def _add(self, spec: ScoreInput) -> None:
        control = self._control(spec)
        if control is None:
            return
        control.setAccessibleName(tr("What if: {name}", name=tr(spec.concept.title)))
        line = self._grid.rowCount()
        self._place(label(tr(spec.concept.title), "small"), line, 0)
        self._place(control, line, 1)
        self.controls[spec.name] = control
        if isinstance(control, QComboBox):
            return
        shown = label("", "small", wrap=False)
        shown.setMinimumWidth(64)
        shown.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._shown[spec.name] = shown
        self._place(shown, line, 2)
        if isinstance(control, QSlider):
            self._say(spec, _number_at(spec, control.value()))
        else:
            self._say_answer(spec.name, control)

    def _place(self, widget: QWidget, line: int, column: int) -> None:
        self._grid.addWidget(widget, line, column)
        widget.ensurePolished()

    def _control(self, spec: ScoreInput) -> QSlider | QCheckBox | QComboBox | None:
        used = self._start.used(spec.name)
        kind = spec.concept.kind
        if kind == "yes-no":
            box = QCheckBox()
            box.setTristate(used is None)  # unknown is neither yes nor no
            box.setCheckState(_tick(used))
            box.clicked.connect(lambda _on, name=spec.name, box=box: self._ticked(name, box))
            return box
        if kind == "choice":
            words = QComboBox()
            for word in spec.choices or spec.concept.choices:
                words.addItem(tr(word), word)
            words.setCurrentIndex(words.findData(used.value) if used is not None else -1)
            words.activated.connect(
                lambda place, name=spec.name: self._try(name, str(words.itemData(place)))
            )
            return words
        return self._slider(spec) if kind == "number" and _range(spec) else None

    def _slider(self, spec: ScoreInput) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, _STEPS)
        slider.setPageStep(10)
        used = self._start.used(spec.name)
        slider.setValue(_place_of(spec, used.value if used is not None else spec.usual))
        slider.valueChanged.connect(lambda place, spec=spec: self._slid(spec, place))
        return slider

    def _slid(self, spec: ScoreInput, place: int) -> None:
        value = _number_at(spec, place)
        self._say(spec, value)
        self._try(spec.name, value)

    def _say(self, spec: ScoreInput, value: float) -> None:
        used = self._start.used(spec.name)
        if spec.name not in self._values and used is not None:
            value = float(used.value)
        text = f"{number_text(value)} {tr(unit_text(spec.concept.unit))}".strip()
        self._shown[spec.name].setText(text)

    def _try(self, name: str, value: float | bool | str) -> None:
        self._values[name] = value
        spec = self._score.input(name)
        if spec is not None and isinstance(self.controls[name], QSlider):
            self._say(spec, float(value))
        self.tried.emit(dict(self._values))

    def _say_answer(self, name: str, box: QCheckBox) -> None:
        words = {Qt.CheckState.Checked: tr("yes"), Qt.CheckState.Unchecked: tr("no")}
        self._shown[name].setText(words.get(box.checkState(), "—"))

    def _ticked(self, name: str, box: QCheckBox) -> None:
        self._say_answer(name, box)
        if box.checkState() == Qt.CheckState.PartiallyChecked:
            self._values.pop(name, None)
            self.tried.emit(dict(self._values))
        else:
            self._try(name, box.isChecked())

    def _reset(self) -> None:
        self._values = {}
        for name, control in self.controls.items():
            spec, used = self._score.input(name), self._start.used(name)
            control.blockSignals(True)
            if isinstance(control, QSlider) and spec is not None:
                control.setValue(_place_of(spec, used.value if used is not None else spec.usual))
                self._say(spec, _number_at(spec, control.value()))
            elif isinstance(control, QCheckBox):
                control.setCheckState(_tick(used))
                self._say_answer(name, control)
            elif isinstance(control, QComboBox):
                control.setCurrentIndex(control.findData(used.value) if used is not None else -1)
            control.blockSignals(False)
        self.tried.emit({})


def _tick(used: UsedInput | None) -> Qt.CheckState:
    if used is None:
        return Qt.CheckState.PartiallyChecked
    return Qt.CheckState.Checked if used.value is True else Qt.CheckState.Unchecked


def _range(spec: ScoreInput) -> tuple[float, float] | None:
    return spec.valid or spec.concept.plausible


def _number_at(spec: ScoreInput, place: int) -> float:
    low, high = _range(spec) or (0.0, 1.0)
    value = low + (high - low) * place / _STEPS
    if spec.concept.is_whole or spec.concept.unit in _WHOLE or high - low >= 1000:
        return float(round(value))
    return float(f"{value:.3g}")


def _place_of(spec: ScoreInput, value: object) -> int:
    low, high = _range(spec) or (0.0, 1.0)
    number = float(value) if isinstance(value, int | float) else (low + high) / 2.0
    return round(_STEPS * min(1.0, max(0.0, (number - low) / (high - low))))
