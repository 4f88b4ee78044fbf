"""The rows of a score's card: what each input is, where it comes from, a field to change it."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from medview.core.numbers import number_text, unit_text
from medview.core.observation import Concept, Source
from medview.core.words import tr
from medview.gui.cards import button, chip, label
from medview.gui.panels.risk_fields import AnswerField, UnitButton, ValueField
from medview.gui.style import GRID
from medview.risk import Meant, UsedInput

_CHIP_WIDTH = 62


class Refusal(QWidget):
    """Why a number was not taken, and a link that takes what was probably meant."""

    accepted = Signal(object)  # Meant

    def __init__(self) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self._why = label("", "bad")
        self.yes = button("", "link", self._accept)
        self._meant: Meant | None = None
        column.addWidget(self._why)
        column.addWidget(self.yes, 0, Qt.AlignmentFlag.AlignLeft)
        self.hide()

    def show_refusal(self, why: str, meant: Meant | None) -> None:
        """Say why, and ask whether another unit was meant."""
        self._meant = meant
        self._why.setText(why)
        self._why.setVisible(bool(why))
        self.yes.setVisible(meant is not None)
        if meant is not None:
            unit = tr(unit_text(meant.unit))
            words = tr("Yes, take {value} {unit}", value=number_text(meant.value), unit=unit)
            self.yes.setText(words)
            self.yes.setAccessibleName(words)
        self.show()

    def _accept(self) -> None:
        if self._meant is not None:
            self.accepted.emit(self._meant)


class InputRows(QWidget):
    """A grid of inputs: name, field, unit, source. It emits what the reader wants and no more."""

    entered = Signal(str, object, str)
    source_asked = Signal(object)
    unit_chosen = Signal(str, str)

    def __init__(self, parent: QWidget, units: Mapping[str, str]) -> None:
        super().__init__(parent)
        self.fields: dict[str, ValueField | AnswerField] = {}
        self.units: dict[str, UnitButton] = {}
        self._in_unit = units
        self._refusals: dict[str, Refusal] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(GRID + 2)
        self._grid.setVerticalSpacing(GRID)
        self._grid.setColumnStretch(0, 1)
        self._grid.setColumnMinimumWidth(3, _CHIP_WIDTH)

    def add(self, concept: Concept, used: UsedInput | None, *, is_needed: bool) -> None:
        """One more input; `used` is None while it is not known."""
        row = self._grid.rowCount()
        name = label(tr(concept.title), "" if used is not None or is_needed else "muted")
        unit = self._in_unit.get(concept.id, concept.unit)
        field = self._field(concept, used, unit)
        field.setAccessibleName(tr(concept.title))
        name.setBuddy(field)
        self._grid.addWidget(name, row, 0)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if concept.kind == "number":
            self._grid.addWidget(field, row, 1, right)
            self._grid.addWidget(self._unit_button(concept, unit), row, 2)
        else:
            self._grid.addWidget(field, row, 1, 1, 2, right)
        self._grid.addWidget(self._origin(used, is_needed=is_needed), row, 3, right)
        self.fields[concept.id] = field
        refusal = Refusal()
        refusal.accepted.connect(lambda m, name=concept.id: self._enter(name, m.value, m.unit))
        self._grid.addWidget(refusal, row + 1, 0, 1, 4)
        self._refusals[concept.id] = refusal

    def ask_whether(self, meant: Meant) -> None:
        """Offer the unit that was probably meant by a source."""
        refusal = self._refusals.get(meant.name)
        if refusal is not None:
            refusal.show_refusal("", meant)

    def caption(self, text: str) -> None:
        """A heading over the inputs that follow."""
        self._grid.addWidget(label(text, "caption"), self._grid.rowCount(), 0, 1, 4)

    @property
    def is_being_typed(self) -> bool:
        """Whether the reader is in the middle of a number."""
        return any(
            isinstance(field, ValueField) and field.hasFocus() and field.is_being_typed
            for field in self.fields.values()
        )

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click beside a field is no click on the card, which would close it."""
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """See mousePressEvent."""
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return in a field enters the number; it must not close the card as well."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.accept()
        else:
            super().keyPressEvent(event)

    def _field(
        self, concept: Concept, used: UsedInput | None, unit: str
    ) -> ValueField | AnswerField:
        field: ValueField | AnswerField
        if concept.kind == "number":
            field = ValueField(concept, used, unit)
            field.refused.connect(
                lambda said, meant, name=concept.id: self._refusals[name].show_refusal(said, meant)
            )
        else:
            field = AnswerField(concept, used)
        field.entered.connect(lambda value, unit, name=concept.id: self._enter(name, value, unit))
        return field

    def _unit_button(self, concept: Concept, unit: str) -> UnitButton:
        made = UnitButton(concept, unit)
        made.chosen.connect(lambda chosen, name=concept.id: self._show_in(name, chosen))
        self.units[concept.id] = made
        return made

    def _show_in(self, name: str, unit: str) -> None:
        field = self.fields[name]
        if isinstance(field, ValueField):
            field.show_in(unit)
            self.units[name].show_unit(unit)
            self.unit_chosen.emit(name, unit)

    def _enter(self, name: str, value: object, unit: str) -> None:
        self._refusals[name].hide()
        self.entered.emit(name, value, unit)

    def _origin(self, used: UsedInput | None, *, is_needed: bool) -> QWidget:
        if used is None:
            return label(tr("missing") if is_needed else "", "warn", wrap=False)
        source = used.source
        when = used.time[:10]
        tooltip = "\n".join(part for part in (source.where, when) if part)
        words = tr("{source}, old", source=tr(source.kind)) if used.is_stale else tr(source.kind)
        if not source.locator:
            made = chip(words, tooltip)
        else:
            made = chip(words, tooltip, lambda: self._ask(source))
        made.setAccessibleDescription(tooltip)
        return made

    def _ask(self, source: Source) -> None:
        self.source_asked.emit(source)
