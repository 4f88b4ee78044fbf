"""A question for one line of text, or for a number."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QInputDialog, QWidget

from medview.core.words import tr


def ask_text(
    parent: QWidget, question: str, text: str, then: Callable[[str], object]
) -> QInputDialog:
    """Ask for a line of text; `then` gets it when the reader agrees."""
    dialog = _dialog(parent, question)
    dialog.setTextValue(text)
    dialog.textValueSelected.connect(then)
    dialog.open()
    return dialog


def ask_number(
    parent: QWidget, question: str, limits: tuple[float, float], then: Callable[[float], object]
) -> QInputDialog:
    """Ask for a number between limits, with two decimals."""
    dialog = _dialog(parent, question)
    dialog.setInputMode(QInputDialog.InputMode.DoubleInput)
    dialog.setDoubleDecimals(2)
    dialog.setDoubleRange(*limits)
    dialog.doubleValueSelected.connect(then)
    dialog.open()
    return dialog


def _dialog(parent: QWidget, question: str) -> QInputDialog:
    dialog = QInputDialog(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle("MedView")
    dialog.setLabelText(question)
    dialog.setAccessibleName(question)
    dialog.setOkButtonText(tr("OK"))
    dialog.setCancelButtonText(tr("Cancel"))
    return dialog
