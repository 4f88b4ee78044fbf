"""Real studies of single kinds, opened as a new user opens them: how each hangs and in what window.

PET/CT, priors and MR before and after contrast: `test_scenario_hanging.py`.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from medview.core.settings import Settings
from medview.gui.window import MainWindow
from medview.session import Session

Quiet = Callable[..., None]


@pytest.fixture
def fresh(qtbot: QtBot, loop: asyncio.AbstractEventLoop) -> Iterator[MainWindow]:
    """A window with the settings that a new user has."""
    window = MainWindow(Session(Settings()))
    window.resize(1400, 860)
    window.show()
    yield window
    window.close()
    qtbot.waitUntil(lambda: not window.operations.is_busy, timeout=60_000)
    window.deleteLater()
    gc.collect()


@pytest.mark.parametrize(
    ("path", "rule_and_planes", "window"),
    [  # windows: the first (centre, width) of the headers, as pydicom reads them; else automatic
        ("ct/chest-whole", "ct-chest axial coronal sagittal volume", (-600, 1600)),
        ("mg", "film native", (2653, 900)),
        ("cr-dx/chest-cxr-jpeg.dcm", "film native", None),
        ("us/cine-ybr422-jpeg-30frames.dcm", "cine native", None),
    ],
    ids=["ct-chest", "mammogram", "radiograph", "ultrasound"],
)
def test_a_study_hangs_by_its_rule_in_its_own_window(
    fresh: MainWindow,
    quiet: Quiet,
    imaging_data: Path,
    path: str,
    rule_and_planes: str,
    window: tuple[float, float] | None,
) -> None:
    fresh.open_paths([imaging_data / path])
    quiet(fresh, 60_000)

    assert fresh.hanging.rule is not None
    hangs = [fresh.hanging.rule.id, *(tile.plane for tile in fresh.grid.tiles)]
    assert " ".join(hangs) == rule_and_planes
    assert all(tile.opened is not None for tile in fresh.grid.tiles)
    stage = fresh.grid.active_view.stage
    if window is not None:
        assert stage.state.window is not None
        assert (stage.state.window.center, stage.state.window.width) == window
    if stage.plane is not None and stage.plane.count > 1:
        ends = []
        for key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            QTest.keyClick(fresh.grid.active_view, key)
            ends.append(stage.index)
        assert sorted(ends) == [0, stage.plane.count - 1]
