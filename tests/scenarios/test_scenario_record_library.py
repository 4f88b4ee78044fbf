"""The timeline shows studies of the patient that the library knows and that are not open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from medview.gui.panels.record_timeline import TimelineStrip
from medview.gui.window import MainWindow

Quiet = Callable[..., None]


def test_a_study_of_the_library_stands_on_the_timeline_and_opens_beside(
    window: MainWindow, imaging_data: Path, quiet: Quiet, qtbot: QtBot
) -> None:
    window.session.library.add([imaging_data / "mr" / "abdomen-prior-1959"])
    window.open_paths([imaging_data / "mr" / "abdomen-now-1960"])
    quiet(window)
    window.actions_.perform("record.timeline")
    panel = window.sidebar.record

    def strip() -> TimelineStrip | None:
        found = [s for s in panel.findChildren(TimelineStrip) if s.isVisible()]
        return found[0] if found else None

    def closed() -> list[str]:
        shown = strip()
        marks = [] if shown is None else shown.marks
        return [h.title for m in marks for h in m.happenings if h.title.endswith("(not open)")]

    qtbot.waitUntil(lambda: len(closed()) == 1)
    shown = strip()
    assert shown is not None
    mark = next(m for m in shown.marks if m.kind == "study" and m.happenings[0].day.year == 1959)
    qtbot.mouseClick(shown, Qt.MouseButton.LeftButton, pos=shown.place_of(mark).toPoint())
    quiet(window)

    dates = {place.study.date[:4] for place in window.session.studies.places()}
    assert dates == {"1959", "1960"}
    qtbot.waitUntil(lambda: not closed())
