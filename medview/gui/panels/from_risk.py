"""Among the findings: scores that were computed from what was measured on the image."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from medview.core.words import tr
from medview.gui.cards import Card, label, row
from medview.gui.slices import Slices, Steps
from medview.gui.style import GRID
from medview.risk import RiskResult
from medview.session import Session


class FromRisk(QWidget):
    """One card a score, as they are computed between the events of the user; empty without."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2 * GRID)
        self._slices = Slices(self)
        self._slices.start(self._judge)

    def _judge(self) -> Steps:
        judging = self._session.judging()
        yield
        for result in () if judging is None else judging.one_by_one():
            if result is not None and _is_of_image(result):
                if self._column.count() == 0:
                    self._column.addWidget(label(tr("FROM RISK"), "caption"))
                self._column.addWidget(_card(result))
            yield


def _is_of_image(result: RiskResult) -> bool:
    is_seen = any(item.source.kind in ("ruler", "model") for item in result.inputs)
    return result.status == "computed" and is_seen


def _card(result: RiskResult) -> Card:
    card = Card()
    title = label(tr(titles().get(result.score, result.score)), "title")
    number = label(result.shown, "number", wrap=False)
    card.add(row(title, None, number, label(result.unit, "small", wrap=False)))
    if result.advice is not None:
        card.add(label(str(result.advice), "muted"))
    return card


def titles() -> dict[str, str]:
    """The English titles of the scores by id."""
    from medview.risk import catalogue

    return {score.id: score.title.template for score in catalogue().values()}
