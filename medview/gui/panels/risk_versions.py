"""Other versions of a score, each with its result, side by side with the one that is open."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from medview.gui.cards import ElidedLink, label
from medview.gui.panels.risk_bar import result_words
from medview.gui.style import GRID
from medview.risk import RiskResult, Score


class VersionRows(QWidget):
    """One line a version: its name, which opens it, and what it says."""

    asked = Signal(str)

    def __init__(self, versions: Sequence[tuple[Score, RiskResult]]) -> None:
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(GRID)
        grid.setColumnStretch(0, 1)
        for line, (score, result) in enumerate(versions):
            link = ElidedLink(str(score.title))
            link.clicked.connect(partial(self.asked.emit, score.id))
            grid.addWidget(link, line, 0)
            grid.addWidget(label(result_words(result), "small", wrap=False), line, 1)
