"""What is loaded, and what can be seen, when the window is first drawn."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from medview.core.paths import user_data_dir
from medview.gui.window import MainWindow
from medview.session import Session

_FRAME = """
import sys
import medview.cli.main, medview.cli.window
from medview.gui.app import Start, make_application, show_frame
window = show_frame(make_application(), Start())
assert window.isVisible()
heavy = {"numpy", "torch", "vtk", "vtkmodules", "SimpleITK", "pydicom", "monai"}
print(*(heavy & set(sys.modules)))
import os
sys.stdout.flush()
os._exit(0)
"""


_WHOLE = """
import sys
from medview.gui.app import Start, load_behind, make_application, show_frame
app = make_application()
window = show_frame(app, Start())
load_behind(app)
from medview.session import Session
window.furnish(Session())
app.processEvents()
print(*(name for name in sys.argv[1:] if name in sys.modules))
import os
sys.stdout.flush()
os._exit(0)
"""


def test_an_empty_window_loads_neither_record_nor_report_nor_tls() -> None:
    late = (
        "medview.record.observing", "medview.gui.panels.report", "medview.gui.panels.record",
        "medview.gui.views.volume_view", "ssl", "asyncio", "medview.gui.panels.findings",
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", _WHOLE, *late],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.split() == ["asyncio", "medview.gui.panels.findings"]


def test_the_report_is_made_when_its_tab_is_first_shown(qtbot: QtBot, loop: object) -> None:
    window = MainWindow(Session())
    qtbot.addWidget(window)
    window.show()
    tab = next(t for t in window.sidebar.findChildren(QToolButton) if t.text() == "Report")

    qtbot.mouseClick(tab, Qt.MouseButton.LeftButton)

    assert window.sidebar.tab == "report"
    assert window.sidebar.report.isVisible()
    window.close()


def test_nothing_heavy_is_loaded_when_the_window_is_drawn() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FRAME], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == ""


_SOURCES = """
import linecache
import medview.gui.app
import medview.core.settings
print(medview.core.settings.__file__ in linecache.cache)
"""


def test_no_source_is_read_where_modules_are_compiled() -> None:
    """Qt's binding would read each one's for a feature that is not used here."""
    done = subprocess.run(
        [sys.executable, "-c", _SOURCES], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"


def test_the_frame_becomes_the_whole_window(qtbot: QtBot, loop: object) -> None:
    window = MainWindow()
    qtbot.addWidget(window)
    window.show()
    bar = window.top.geometry()

    window.furnish(Session())

    qtbot.waitUntil(lambda: window.grid.isVisible() and window.studies.isVisible())
    assert window.top.geometry() == bar
    assert window.sidebar.isVisible()
    window.close()


def test_a_frame_that_is_closed_at_once_ends_quietly(qtbot: QtBot, loop: object) -> None:
    window = MainWindow()
    qtbot.addWidget(window)
    window.show()

    window.close()

    assert not window.isVisible()


def test_the_demo_study_opens_as_two_patients_without_its_truth(
    window: MainWindow, small_demo: Path, quiet: Callable[[MainWindow], None]
) -> None:
    """It was made before; its masks lie beside it and are no third patient."""
    shutil.copytree(small_demo, user_data_dir() / "demo")
    window.actions_.perform("file.open_demo")
    quiet(window)
    patients = window.session.studies.holdings.patients
    assert sorted(patient.id for patient in patients) == ["MV-0001", "MV-0002"]
    assert window.session.documents.opened
    assert not window.session.documents.unread
