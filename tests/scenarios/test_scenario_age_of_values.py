"""A reader says after how many days a value is old, and the record follows at once."""

from __future__ import annotations

import datetime as dt

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from medview.core.settings import load_settings
from medview.gui.dialogs.settings import SettingsDialog
from medview.gui.dialogs.staleness_page import StalenessPage
from medview.gui.window import MainWindow
from medview.session.dossiers import chart_of_dossier


def stale_labs(window: MainWindow) -> set[str]:
    session = window.session
    chart = chart_of_dossier(session, session.observations(), dt.date(2026, 1, 31))
    return {series.key for series in chart.series if series.is_stale}


def test_a_shorter_age_marks_values_at_once_and_is_kept(opened: MainWindow, qtbot: QtBot) -> None:
    window = opened
    assert "creatinine" not in stale_labs(window)
    window.actions_["file.settings"].trigger()
    dialog = window.findChildren(SettingsDialog)[0]
    titles = [dialog.tabs.tabText(i) for i in range(dialog.tabs.count())]
    dialog.tabs.setCurrentIndex(titles.index("Age of values"))
    page = dialog.findChildren(StalenessPage)[0]
    box = page.days["creatinine"]
    assert box.value() == 30

    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box, "2")
    qtbot.keyClick(box, Qt.Key.Key_Tab)

    assert "creatinine" in stale_labs(window)
    assert load_settings().stale_days["egfr"] == 2  # they grow old together
    page.reset()
    assert load_settings().stale_days == {}
    assert "creatinine" not in stale_labs(window)
    dialog.close()
