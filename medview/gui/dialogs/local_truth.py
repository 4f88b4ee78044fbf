"""What became of the models' findings: accepted, corrected and rejected by month and model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QCheckBox, QDialog, QVBoxLayout, QWidget
from shiboken6 import isValid

from medview.core.errors import Cancelled
from medview.core.progress import CancelToken
from medview.core.settings import save_settings
from medview.core.words import Sentence, say, tr
from medview.gui.cards import Card, CardColumn, Meter, button, empty_state, label, row
from medview.gui.operations import Operations
from medview.gui.style import GRID
from medview.session import Session

if TYPE_CHECKING:
    from medview.session.local_truth import Rate


@dataclass(frozen=True, kw_only=True)
class ModelTruth:
    """What the dialog shows of one model."""

    name: str
    title: str
    rates: Sequence[Rate]
    has_drifted: bool
    wanting: Sentence | None
    is_enough: bool


class LocalTruthDialog(QDialog):
    """Reads the reader's own work in a thread; the consent to keep training cases is set here."""

    def __init__(self, session: Session, operations: Operations, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._operations = session, operations
        self._found: tuple[ModelTruth, ...] | None = None
        self._said: Sentence | None = None
        self._is_busy = False  # a model is being calibrated
        self._cancel = CancelToken()
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(150 * GRID, 150 * GRID)
        self.column = CardColumn()
        self.consent = QCheckBox()
        self.consent.setChecked(session.settings.keep_local_truth)
        self.consent.toggled.connect(self._keep)
        self._where = label("", "faint")
        self._close = button("", "", self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4 * GRID, 4 * GRID, 4 * GRID, 4 * GRID)
        layout.setSpacing(3 * GRID)
        layout.addWidget(self.column, 1)
        layout.addWidget(self.consent)
        layout.addWidget(self._where)
        layout.addWidget(row(None, self._close))
        self._retranslate()
        operations.start(self._read())

    def done(self, result: int) -> None:
        """Closing stops a calibration."""
        self._cancel.cancel()
        super().done(result)

    async def _read(self) -> None:
        self._found = await self._operations.call(read_truth)
        if isValid(self):  # it may have been closed meanwhile
            self._fill()

    def changeEvent(self, event: QEvent) -> None:
        """Another language."""
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _retranslate(self) -> None:
        from medview.session.truth_cases import truth_folder

        self.setWindowTitle(tr("What became of the models' findings"))
        self.column.setAccessibleName(tr("What became of the models' findings"))
        self.consent.setText(tr("Keep decided results with their images for training"))
        self.consent.setToolTip(tr("On this computer only; forgetting a patient takes them away."))
        where = str(truth_folder("MODEL"))
        self._where.setText(tr("Training cases lie in {folder}.", folder=where))
        self._close.setText(tr("Close"))
        self._close.setAccessibleName(tr("Close"))
        self._fill()

    def _fill(self) -> None:
        if self._found is None:
            self.column.fill([label(tr("Reading what was decided …"), "muted")])
            return
        cards: list[QWidget] = [self._card(each) for each in self._found]
        if self._said is not None:
            stop = button(tr("Stop"), "", self._cancel.cancel) if self._is_busy else None
            said = label(str(self._said), "muted", wrap=False)
            cards.insert(0, row(said, None, *([stop] if stop else [])))
        nothing = empty_state(
            tr("Nothing was decided yet"),
            tr("Accept, correct or reject findings: they are counted here by month and model."),
        )
        self.column.fill(cards or [nothing])

    def _card(self, truth: ModelTruth) -> Card:
        card = Card()
        card.setAccessibleName(tr(truth.title))
        card.add(label(tr(truth.title), "title"))
        for rate in truth.rates:
            low, high = rate.interval
            numbers = tr(
                "{accepted} accepted, {edited} corrected, {rejected} rejected",
                accepted=rate.accepted, edited=rate.edited, rejected=rate.rejected,
            )  # fmt: skip
            share = label(f"{100 * rate.share:.0f} %", wrap=False)
            card.add(
                row(label(rate.month, wrap=False), label(numbers, "muted", wrap=False), None, share)
            )
            card.add(Meter(rate.share, (low, high)))
        if truth.has_drifted:
            card.add(label(tr("The last month is unlike those before: look at why."), "warn"))
        if truth.wanting is not None:
            card.add(label(str(truth.wanting), "muted"))
        if truth.is_enough:
            made = button(tr("Calibrate on these cases"), "", lambda: self._calibrate(truth.name))
            made.setEnabled(not self._is_busy)
            card.add(row(made, None))
        return card

    def _keep(self, is_on: bool) -> None:
        self._session.settings = replace(self._session.settings, keep_local_truth=is_on)
        save_settings(self._session.settings)

    def _calibrate(self, name: str) -> None:
        async def action() -> None:
            from medview.session.calibrating import calibrate_in_child

            said, self._said, self._is_busy = None, say("Calibrating …"), True
            self._cancel = CancelToken()
            self._fill()
            try:
                said = await self._operations.call(calibrate_in_child, name, self._cancel)
            except Cancelled:
                said = say("Stopped. The model is as it was.")
            finally:
                self._said, self._is_busy = said, False
                if isValid(self):
                    self._fill()

        self._operations.start(action())


def read_truth() -> tuple[ModelTruth, ...]:
    """Every model with decided findings. Reads files: not for the window's thread."""
    from medview.ai.catalogue import read_catalogue
    from medview.session.local_truth import (
        by_month,
        calibration_rows,
        decided_findings,
        has_drifted,
        missing_cases,
        wanting,
    )

    rows = decided_findings()
    known = {model.name: model for model in read_catalogue().models} if rows else {}
    found = []
    for name in dict.fromkeys(each.model.name for each in rows):
        rates = by_month(each for each in rows if each.model.name == name)
        model = known.get(name)
        own = [] if model is None else calibration_rows(model, rows)
        title = next(each.model.title for each in rows if each.model.name == name)
        found.append(
            ModelTruth(
                name=name,
                title=title or name,
                rates=rates,
                has_drifted=has_drifted(rates),
                wanting=None if model is None else wanting(model, own),
                is_enough=model is not None and missing_cases(model, own) in ((0,), (0, 0)),
            )
        )
    return tuple(found)
