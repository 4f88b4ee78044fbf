"""The fields of a score's input: a number in a unit of one's choice, an answer from a list."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLineEdit, QMenu, QPushButton

from medview.core.errors import InvalidInput
from medview.core.numbers import number_text, unit_text
from medview.core.observation import Concept
from medview.core.words import tr
from medview.risk import UsedInput, by_hand, meant_by

_FIELD_WIDTH, _CHOICE_WIDTH = 58, 92


class ValueField(QLineEdit):
    """A number in the unit that was chosen; `entered` gives value and unit, None takes it back.

    What cannot be is not entered: `refused` says why and the typed text stays.
    """

    entered = Signal(object, str)
    refused = Signal(str, object)  # why, and what may have been meant (Meant or None)

    def __init__(self, concept: Concept, used: UsedInput | None, unit: str) -> None:
        super().__init__()
        self._concept, self._used, self._unit = concept, used, unit
        self.setFixedWidth(_FIELD_WIDTH)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setPlaceholderText("—")
        self.show_in(unit)
        self.editingFinished.connect(self._finish)

    def show_in(self, unit: str) -> None:
        """The same number in another unit; what is typed from now on is in it."""
        self._unit = unit
        used = self._used
        value = None if used is None else self._concept.from_own_unit(_number(used), unit)
        if value is not None and unit == "mm":
            value = round(value, 1)  # as rulers are read
        self._shown = "" if value is None else number_text(value)
        self.setText(self._shown)

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
        typed = text if text[-1:].isalpha() or text.endswith("%") else f"{text} {self._unit}"
        try:
            observation = by_hand(self._concept.id, typed)
        except InvalidInput as error:
            self.refused.emit(error.sentence(), meant_by(self._concept.id, typed))
            return
        self._shown = text
        self.entered.emit(observation.value, observation.unit)


def _number(used: UsedInput) -> float:
    return float(used.value)


class UnitButton(QPushButton):
    """The unit of a number; where it can be had in others, a menu of them."""

    chosen = Signal(str)

    def __init__(self, concept: Concept, unit: str) -> None:
        super().__init__()
        self._others = [concept.unit, *concept.units]
        self.setProperty("role", "unit")
        self.setAccessibleName(tr("Unit of {name}", name=tr(concept.title)))
        self.show_unit(unit)
        self.setEnabled(len(self._others) > 1)
        if self.isEnabled():
            self.setCursor(Qt.CursorShape.PointingHandCursor)
            self.setToolTip(tr("Choose another unit"))
        self.clicked.connect(self.ask)

    def show_unit(self, unit: str) -> None:
        """Which unit the number is in."""
        self._unit = unit
        more = " ▾" if len(self._others) > 1 else ""
        # A long unit in two lines leaves the names of the inputs their room.
        self.setText(tr(unit_text(unit)).replace("/1.73", "/\n1.73") + more)

    def ask(self) -> None:
        """Show the units below the button."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for unit in self._others:
            action = menu.addAction(tr(unit_text(unit)))
            action.setCheckable(True)
            action.setChecked(unit == self._unit)
            action.triggered.connect(lambda _on=False, u=unit: self.chosen.emit(u))
        menu.popup(self.mapToGlobal(self.rect().bottomLeft()))


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
