"""The rows of a score's card: what each input is, where it comes from, a field to change it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QLineEdit, QMenu, QPushButton, QWidget

from medview.core.errors import InvalidInput
from medview.core.numbers import number_text, unit_text
from medview.core.observation import Concept, Source
from medview.core.words import tr
from medview.gui.cards import chip, label
from medview.gui.style import GRID
from medview.risk import UsedInput, by_hand

_FIELD_WIDTH, _CHOICE_WIDTH, _CHIP_WIDTH = 58, 92, 62


class ValueField(QLineEdit):
    """A number with an optional unit; `entered` gives the value and its unit, None takes it back.

    What cannot be is not entered: `refused` says why and the typed text stays.
    """

    entered = Signal(object, str)
    refused = Signal(str)

    def __init__(self, concept: Concept, used: UsedInput | None) -> None:
        shown = "" if used is None else number_text(float(used.value))
        super().__init__(shown)
        self._concept = concept
        self._shown = shown
        self.setFixedWidth(_FIELD_WIDTH)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setPlaceholderText("—")
        self.editingFinished.connect(self._finish)

    @property
    def is_being_typed(self) -> bool:
        """Whether there is text that has not been entered yet."""
        return self.text().strip() != self._shown

    def _finish(self) -> None:
        text = self.text().strip()
        if text == self._shown:
            return
        if not text:
            self._shown = text
            self.entered.emit(None, "")
            return
        try:
            observation = by_hand(self._concept.id, text)
        except InvalidInput as error:
            self.refused.emit(error.sentence())
            return
        self._shown = text
        self.entered.emit(observation.value, observation.unit)


class AnswerField(QPushButton):
    """Yes, no or one of a list of words, chosen from a menu; "—" is not known.

    A button and no combo box: that costs 30 times as much to make, and a card has ten of them.
    """

    entered = Signal(object, str)

    def __init__(self, concept: Concept, used: UsedInput | None) -> None:
        super().__init__()
        self._answers: list[tuple[str, bool | str | None]] = [("—", None)]
        if concept.kind == "yes-no":
            self._answers += [(tr("yes"), True), (tr("no"), False)]
        else:
            self._answers += [(tr(word), word) for word in concept.choices]
        shown = next((words for words, v in self._answers if used and v == used.value), "—")
        self.setText(shown)
        self.setProperty("role", "field")
        self.setFixedWidth(_CHOICE_WIDTH)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.clicked.connect(self.ask)

    def ask(self) -> None:
        """Show the answers below the field."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for words, value in self._answers:
            action = menu.addAction(words)
            action.setCheckable(True)
            action.setChecked(words == self.text())
            action.triggered.connect(lambda _on=False, v=value: self.entered.emit(v, ""))
        menu.popup(self.mapToGlobal(self.rect().bottomLeft()))


class InputRows(QWidget):
    """A grid of inputs: name, field, unit, source. It emits what the reader wants and no more."""

    entered = Signal(str, object, str)
    source_asked = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.fields: dict[str, ValueField | AnswerField] = {}
        self._refusals: dict[str, QLabel] = {}
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
        field = self._field(concept, used)
        field.setAccessibleName(tr(concept.title))
        name.setBuddy(field)
        self._grid.addWidget(name, row, 0)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if concept.kind == "number":
            self._grid.addWidget(field, row, 1, right)
            self._grid.addWidget(label(tr(unit_text(concept.unit)), "small", wrap=False), row, 2)
        else:
            self._grid.addWidget(field, row, 1, 1, 2, right)
        self._grid.addWidget(self._origin(used, is_needed=is_needed), row, 3, right)
        self.fields[concept.id] = field
        refusal = label("", "bad")
        refusal.hide()
        self._grid.addWidget(refusal, row + 1, 0, 1, 4)
        self._refusals[concept.id] = refusal

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

    def _field(self, concept: Concept, used: UsedInput | None) -> ValueField | AnswerField:
        field: ValueField | AnswerField
        if concept.kind == "number":
            field = ValueField(concept, used)
            field.refused.connect(lambda said, name=concept.id: self._refuse(name, said))
        else:
            field = AnswerField(concept, used)
        field.entered.connect(lambda value, unit, name=concept.id: self._enter(name, value, unit))
        return field

    def _enter(self, name: str, value: object, unit: str) -> None:
        self._refusals[name].hide()
        self.entered.emit(name, value, unit)

    def _refuse(self, name: str, said: str) -> None:
        self._refusals[name].setText(said)
        self._refusals[name].show()

    def _origin(self, used: UsedInput | None, *, is_needed: bool) -> QWidget:
        if used is None:
            return label(tr("missing") if is_needed else "", "warn", wrap=False)
        source = used.source
        when = used.time[:10]
        tooltip = "\n".join(part for part in (source.where, when) if part)
        if not source.locator:
            made = chip(tr(source.kind), tooltip)
        else:
            made = chip(tr(source.kind), tooltip, lambda: self._ask(source))
        made.setAccessibleDescription(tooltip)
        return made

    def _ask(self, source: Source) -> None:
        self.source_asked.emit(source)
