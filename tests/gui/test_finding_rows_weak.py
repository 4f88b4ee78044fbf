"""The rows of a class on a run's card: a weak second output is not called sure."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from medview.ai.certainty import weak_said
from medview.core.results import Finding
from medview.gui.panels.finding_rows import probability_rows


def words(rows: list[QWidget], qtbot: QtBot) -> str:
    for row in rows:
        qtbot.addWidget(row)
    own = [row.text() for row in rows if isinstance(row, QLabel)]
    return " | ".join(own + [each.text() for row in rows for each in row.findChildren(QLabel)])


def test_a_weak_second_output_says_so_and_is_never_called_sure(qtbot: QtBot) -> None:
    first = Finding(id="1", kind="classification", label="Pneumonia", probability=0.98)
    second = replace(
        first, id="2", label="Bacterial", answer="weak", answer_said=weak_said({"auc": 0.7465})
    )
    assert "sure" in words(probability_rows(first), qtbot)
    said = words(probability_rows(second), qtbot)
    assert "sure" not in said
    assert "weak second output" in said
    assert "AUC of 0.75" in said
