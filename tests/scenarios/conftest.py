"""The real window on a small made study, driven as a user does."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from medview.core.settings import Settings
from medview.gui.collector import Collector
from medview.gui.style import apply_theme
from medview.gui.window import MainWindow
from medview.session import Session

if TYPE_CHECKING:
    from node_that_keeps import Archive


@pytest.fixture(scope="session")
def small_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo study on a coarse grid: images, record, truth."""
    from dataclasses import replace

    from medview.core.progress import CancelToken, no_progress
    from medview.demo.exams import SMALL
    from medview.demo.study import make_demo

    folder = tmp_path_factory.mktemp("demo") / "demo"
    # Fine enough for the gate of `lungs`, which takes pixels up to 1.6 mm.
    make_demo(folder, no_progress, CancelToken(), size=replace(SMALL, pixels=240))
    return folder


@pytest.fixture(scope="session")
def loop(qapp: QApplication) -> Iterator[asyncio.AbstractEventLoop]:
    """Qt's loop as asyncio's, as in the program."""
    import qasync

    made = qasync.QEventLoop(qapp, already_running=True)
    asyncio.set_event_loop(made)
    apply_theme(qapp, "dark")
    collector = Collector(qapp)
    yield made
    collector.stop()
    asyncio.set_event_loop(None)


@pytest.fixture
def window(qtbot: QtBot, loop: asyncio.AbstractEventLoop) -> Iterator[MainWindow]:
    """An empty main window, shown; closed with its worker after the test."""
    # The views stand as they began: how studies hang, and their priors, has tests of its own.
    made = MainWindow(Session(Settings(hang=False, open_priors=False)))
    made.resize(1400, 860)
    made.show()
    made.activateWindow()
    with qtbot.waitActive(made):
        pass
    yield made
    made.close()
    qtbot.waitUntil(lambda: not made.operations.is_busy, timeout=60_000)
    made.deleteLater()
    gc.collect()


@pytest.fixture
def opened(window: MainWindow, small_demo: Path, qtbot: QtBot) -> MainWindow:
    """The window with the demo study open and its CT read."""
    window.open_paths([small_demo])
    wait_quiet(qtbot, window)
    return window


def wait_quiet(qtbot: QtBot, window: MainWindow, timeout: int = 120_000) -> None:
    """Wait until nothing is read, drawn or analysed any more."""
    qtbot.waitUntil(lambda: not window.is_busy, timeout=timeout)
    qtbot.wait(30)
    qtbot.waitUntil(lambda: not window.is_busy, timeout=timeout)


Quiet = Callable[..., None]


@pytest.fixture
def archive(loopback: str) -> Iterator[Archive]:
    """A node that takes everything; tests that ask for it are marked with `ON_LOOPBACK`."""
    from node_that_keeps import Archive

    del loopback  # the node stands there
    made = Archive()
    yield made
    made.server.shutdown()


@pytest.fixture
def choose(qtbot: QtBot) -> Callable[[QWidget, Path], None]:
    """`choose(parent, path)` answers the file dialog that `parent` has opened."""

    def answer(parent: QWidget, path: Path) -> None:
        qtbot.waitUntil(lambda: parent.findChild(QFileDialog) is not None, timeout=60_000)
        dialog = parent.findChild(QFileDialog)
        dialog.fileSelected.emit(str(path))
        dialog.close()

    return answer


@pytest.fixture
def quiet(qtbot: QtBot) -> Quiet:
    """`quiet(window)` waits until nothing goes on any more."""

    def wait(window: MainWindow, timeout: int = 120_000) -> None:
        wait_quiet(qtbot, window, timeout)

    return wait
