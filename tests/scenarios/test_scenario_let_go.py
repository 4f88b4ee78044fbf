"""What is closed or taken away is held no longer."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from pathlib import Path

from pytestqt.qtbot import QtBot

from medview.gui.window import MainWindow

Quiet = Callable[..., None]


def _is_gone(held: weakref.ref[object]) -> bool:
    gc.collect()
    return held() is None


def test_no_view_holds_the_pixels_of_a_patient_who_was_closed(
    window: MainWindow, imaging_data: Path, qtbot: QtBot, quiet: Quiet
) -> None:
    window.open_paths([imaging_data / "mr" / "brain-t1-pre"])
    qtbot.waitUntil(lambda: window.session.active is not None)
    quiet(window)
    window.grid.active_view.stage.scroll(1)
    quiet(window)
    held = weakref.ref(window.grid.active_view.stage.shown.volume)

    window.close_patient()

    qtbot.waitUntil(lambda: _is_gone(held))
