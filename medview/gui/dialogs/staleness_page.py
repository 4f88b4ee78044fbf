"""After how many days a value of the record is old, in the settings."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFormLayout, QSpinBox, QVBoxLayout, QWidget

from medview.core.observation import concepts
from medview.core.words import tr
from medview.gui.cards import button, label, row
from medview.gui.style import GRID
from medview.record import usual_days

_MOST_DAYS = 3650
# One row for values that grow old together; the first names the row where no title does.
_GROUPS: tuple[tuple[str, ...], ...] = (
    ("blood_pressure", "systolic_bp", "diastolic_bp", "heart_rate", "respiratory_rate",
     "temperature", "oxygen_saturation"),
    ("inr",), ("sodium", "potassium"), ("platelets",), ("bilirubin",), ("d_dimer", "d_dimer_ddu"),
    ("creatinine", "cystatin_c", "egfr", "urea", "urea_nitrogen"), ("weight", "bmi"),
    ("total_cholesterol", "hdl_cholesterol", "ldl_cholesterol"), ("hba1c",),
    ("smoking_status", "pack_years", "cigarettes_per_day"),
)  # fmt: skip

_LONGEST = 34  # letters that the dialog has room for


class StalenessPage(QWidget):
    """A number of days for each kind of value; each change holds at once."""

    changed = Signal(object)  # dict of days by concept, only of those that differ from the usual

    def __init__(self, own: Mapping[str, int], parent: QWidget) -> None:
        super().__init__(parent)
        self.days: dict[str, QSpinBox] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 3 * GRID)
        layout.setSpacing(2 * GRID)
        layout.addWidget(
            label(tr("Values older than this are marked in the record; 0 means never."), "muted")
        )
        form = QFormLayout()
        form.setSpacing(2 * GRID)
        for group in _GROUPS:
            titles = [tr(concepts()[concept].title) for concept in group]
            name = ", ".join(titles)
            box = self._box(own.get(group[0], usual_days().get(group[0], 0)))
            box.setAccessibleName(name)
            box.setToolTip(name)
            short = next(n for n in (3, 2, 1) if n == 1 or len(", ".join(titles[:n])) <= _LONGEST)
            form.addRow(", ".join(titles[:short]) + (" …" if len(group) > short else ""), box)
            self.days[group[0]] = box
        layout.addLayout(form)
        layout.addStretch(1)
        layout.addWidget(row(None, button(tr("Reset all"), "", self.reset)))

    def reset(self) -> None:
        """Every limit as MedView has it."""
        for concept, box in self.days.items():
            box.setValue(usual_days().get(concept, 0))

    def _box(self, days: int) -> QSpinBox:
        box = QSpinBox()
        box.setRange(0, _MOST_DAYS)
        box.setValue(days)
        box.setSuffix(" " + tr("days"))
        box.setSpecialValueText(tr("never"))
        box.valueChanged.connect(lambda _days: self._tell())
        return box

    def _tell(self) -> None:
        usual = usual_days()
        wanted = {concept: self.days[group[0]].value() for group in _GROUPS for concept in group}
        self.changed.emit({c: days for c, days in wanted.items() if days != usual.get(c, 0)})
