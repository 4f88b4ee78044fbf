"""Studies hang by rules, priors open beside and are registered, and what hangs can be kept."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from medview.core.settings import Settings
from medview.gui.dialogs.hanging import HangingDialog
from medview.gui.dialogs.settings import SettingsDialog
from medview.gui.window import MainWindow
from medview.imaging.slabs import Slab
from medview.session import Session
from medview.session.events import ActiveChanged, Event
from medview.session.growth import middle_of
from medview.session.hanging_files import own_folder
from medview.session.objects import save_objects
from medview.session.reporting import report_content, session_subject

Quiet = Callable[..., None]


@pytest.fixture
def hanging(qtbot: QtBot, loop: asyncio.AbstractEventLoop) -> Iterator[Callable[[], MainWindow]]:
    """Makes windows in which studies hang by the rules, as they do for a new user."""
    made: list[MainWindow] = []

    def make() -> MainWindow:
        window = MainWindow(Session(Settings()))
        window.resize(1400, 860)
        window.show()
        window.activateWindow()
        with qtbot.waitActive(window):
            pass
        made.append(window)
        return window

    yield make
    for window in made:
        window.close()
    qtbot.waitUntil(lambda: not any(w.operations.is_busy for w in made), timeout=60_000)
    for window in made:
        window.deleteLater()
    gc.collect()


def shown(window: MainWindow) -> list[tuple[str, str]]:
    """(study date, plane) of each tile."""
    found = []
    for tile in window.grid.tiles:
        place = None if tile.key is None else window.session.studies.place(tile.key)
        found.append(("" if place is None else place.study.date, tile.plane))
    return found


def said(window: MainWindow) -> list[str]:
    return [sentence.english() for _, sentence, _ in window.messages]


def test_two_dates_open_side_by_side_registered_and_linked(
    hanging: Callable[[], MainWindow], imaging_data: Path, quiet: Quiet
) -> None:
    window = hanging()
    window.open_paths([imaging_data / "mr" / "abdomen-now-1960"])
    quiet(window)
    assert shown(window) == [("1960-04-13", "native")]

    window.open_paths([imaging_data / "mr" / "abdomen-prior-1959"])
    quiet(window, timeout=90_000)

    assert window.session.study is not None
    assert window.session.study.date == "1960-04-13"  # the reader stays where they were
    assert shown(window) == [("1960-04-13", "native"), ("1959-12-09", "native")]
    found = window.session.links.registrations
    assert len(found) == 1
    assert found[0].is_good
    assert any(line.startswith("Registered") and " mm " in line for line in said(window))

    assert window.grid.tiles[1].view.look.link.startswith("Registered, details ")
    window.grid.activate(window.grid.tiles[1])  # turning to the prior changes nothing
    quiet(window)
    assert window.session.study.date == "1959-12-09"
    window.actions_.perform("layout.next_stage")
    assert said(window)[-1].startswith("This hanging has one arrangement only: MR with prior")
    assert len(window.grid.tiles) == 2
    window.grid.activate(window.grid.tiles[0])
    quiet(window)

    now, then = (tile.view.stage for tile in window.grid.tiles)
    now.scroll(2)
    quiet(window)
    wanted = found[0].to_moving(now.state.point)
    assert then.plane is not None
    index = then.plane.to_pixel(wanted)[0]
    assert then.index == round(np.clip(index, 0, then.plane.count - 1))


@pytest.mark.slow
def test_one_folder_with_two_dates_hangs_the_newer_one_left(
    hanging: Callable[[], MainWindow], imaging_data: Path, quiet: Quiet
) -> None:
    window = hanging()
    folders = [imaging_data / "mr" / f for f in ("abdomen-prior-1959", "abdomen-now-1960")]
    window.open_paths(folders)
    quiet(window, timeout=90_000)
    assert shown(window) == [("1960-04-13", "native"), ("1959-12-09", "native")]


def test_stopping_ends_a_registration_and_leaves_the_images(
    hanging: Callable[[], MainWindow], imaging_data: Path, quiet: Quiet, qtbot: QtBot
) -> None:
    window = hanging()
    folders = [imaging_data / "mr" / f for f in ("abdomen-prior-1959", "abdomen-now-1960")]
    window.open_paths(folders)
    qtbot.waitUntil(lambda: window.status._what.text() == "Registering", timeout=60_000)
    window.cancel()
    window.actions_.perform("models.cancel")
    quiet(window)
    assert window.session.links.registrations == ()
    assert len(shown(window)) == 2


def test_the_setting_keeps_priors_away(
    hanging: Callable[[], MainWindow], imaging_data: Path, quiet: Quiet, qtbot: QtBot
) -> None:
    window = hanging()
    window.actions_.perform("file.settings")
    dialog = window.findChild(SettingsDialog)
    assert dialog is not None
    dialog.priors.click()
    dialog.accept()
    assert not window.session.settings.open_priors
    folders = [imaging_data / "mr" / f for f in ("abdomen-prior-1959", "abdomen-now-1960")]
    window.open_paths(folders)
    quiet(window)
    assert shown(window) == [("1960-04-13", "native")]
    assert window.session.links.registrations == ()


def test_a_newer_study_that_is_found_while_an_older_one_is_being_hung_is_looked_at(
    hanging: Callable[[], MainWindow], imaging_data: Path, quiet: Quiet
) -> None:
    window = hanging()
    window.session.settings = replace(window.session.settings, hang=False, open_priors=False)

    is_hanging = threading.Event()

    def hold(event: Event) -> None:
        """What opens goes on once the window is hanging what was found first."""
        if isinstance(event, ActiveChanged) and threading.current_thread() is not window_thread:
            is_hanging.wait(10)

    def wait_for_the_newer() -> None:
        """The window's thread is slow; the one that opens is not."""
        is_hanging.set()
        end = time.monotonic() + 10
        while window.grid.active_tile.key is not None and time.monotonic() < end:
            active = window.session.active
            if active is None or active.study.date == "1960-04-13":
                return
            time.sleep(0.002)

    window_thread = threading.current_thread()
    window.session.events.subscribe(hold)
    window.grid.wants_changed.connect(wait_for_the_newer)
    folders = [imaging_data / "mr" / f for f in ("abdomen-prior-1959", "abdomen-now-1960")]
    window.open_paths(folders)
    quiet(window)
    assert shown(window)[0][0] == "1960-04-13"


def test_a_brain_hangs_before_beside_after_contrast(
    hanging: Callable[[], MainWindow], imaging_data: Path, quiet: Quiet
) -> None:
    window = hanging()
    window.open_paths([imaging_data / "mr" / f for f in ("brain-t1-post", "brain-t1-pre")])
    quiet(window)
    places = [window.session.studies.place(t.key) for t in window.grid.tiles if t.key is not None]
    assert [p.series.description for p in places if p] == ["T1pre_reg", "T1post"]
    assert all(tile.opened is not None for tile in window.grid.tiles)


def test_pet_ct_hangs_fused_and_the_next_stage_takes_the_fusion_away(
    hanging: Callable[[], MainWindow], imaging_data: Path, quiet: Quiet, qtbot: QtBot
) -> None:
    window = hanging()
    window.open_paths([imaging_data / "petct"])
    quiet(window)
    modalities = [
        place.series.modality
        for tile in window.grid.tiles
        if tile.key is not None and (place := window.session.studies.place(tile.key)) is not None
    ]
    assert modalities == ["CT", "PT", "CT", "PT"]
    assert [tile.view.stage.upper is not None for tile in window.grid.tiles] == [
        False, False, True, False,
    ]  # fmt: skip
    places = [tile.view.stage.state.point.z for tile in window.grid.tiles]
    assert max(places) - min(places) < 4  # all show the thigh of the CT, not the PET's middle
    lower = window.grid.tiles[2].view.stage.state.window
    assert (lower.center, lower.width) == (50, 400)
    coronal = window.grid.tiles[3].view.stage
    assert coronal.state.mpr.slab("coronal") == Slab("mip", 500.0)
    window.actions_.perform("layout.hang_as_this")
    kept = window.hanging.rule
    assert kept is not None
    assert kept.is_own
    tiles = kept.stages[0].tiles
    assert [(t.projection, t.over is not None) for t in tiles] == [
        ("", False), ("", False), ("", True), ("mip", False),
    ]  # fmt: skip
    window.actions_.perform("layout.forget_hanging")
    window.actions_.perform("layout.hang", rule="pet-ct")
    quiet(window)

    window.grid.active_view.setFocus()
    qtbot.keyClick(window, Qt.Key.Key_PageDown, Qt.KeyboardModifier.ControlModifier)
    quiet(window)
    assert all(tile.view.stage.upper is not None for tile in window.grid.tiles)
    qtbot.keyClick(window, Qt.Key.Key_PageDown, Qt.KeyboardModifier.ControlModifier)
    quiet(window)

    assert len(window.grid.tiles) == 2
    assert not any(tile.view.stage.upper is not None for tile in window.grid.tiles)
    assert said(window)[-1] == "PET/CT: CT beside PET (3 of 3)"


def test_a_hanging_that_is_kept_comes_back_in_the_next_window(
    hanging: Callable[[], MainWindow], imaging_data: Path, quiet: Quiet
) -> None:
    folders = [imaging_data / "mr" / f for f in ("brain-t1-post", "brain-t1-pre")]
    first = hanging()
    first.open_paths(folders)
    quiet(first)
    keys = {p.series.description: p.key for p in first.session.studies.places()}
    first.grid.set_layout_name("2x1")
    first.grid.hang(keys["T1post"], "sagittal", 0)
    first.grid.hang(keys["T1pre_reg"], "native", 1)
    quiet(first)
    first.actions_.perform("layout.hang_as_this")
    assert "from now on" in said(first)[-1]
    before = [(tile.key, tile.plane) for tile in first.grid.tiles]
    assert len(list(own_folder().iterdir())) == 1

    second = hanging()
    second.open_paths(folders)
    quiet(second)

    assert second.grid.layout_name == "2x1"
    assert [(tile.key, tile.plane) for tile in second.grid.tiles] == before

    second.session.hanging.read_again()
    first.actions_.perform("layout.forget_hanging")
    assert "Undone" in said(first)[-1]
    assert list(own_folder().iterdir()) == []


def test_a_chest_ct_stays_in_planes_and_volume(
    hanging: Callable[[], MainWindow], small_demo: Path, quiet: Quiet
) -> None:
    window = hanging()
    window.session.settings = replace(window.session.settings, open_priors=False)
    window.open_paths([small_demo])
    quiet(window)
    assert [plane for _, plane in shown(window)] == ["axial", "coronal", "sagittal", "volume"]
    assert window.hanging.rule is not None
    assert window.hanging.rule.id == "ct-chest"


def test_a_rule_with_nonsense_is_named_and_the_study_hangs_all_the_same(
    hanging: Callable[[], MainWindow], imaging_data: Path, quiet: Quiet
) -> None:
    own_folder().mkdir(parents=True)
    (own_folder() / "odd.toml").write_text('name = "x"\nfits = 3\n', encoding="utf-8")
    window = hanging()
    window.open_paths([imaging_data / "mg"])
    quiet(window)
    assert any("odd.toml" in line and "`fits`" in line for line in said(window))
    assert window.hanging.rule is not None
    assert window.hanging.rule.id == "film"


def test_rules_are_chosen_edited_and_deleted_in_their_dialog(
    hanging: Callable[[], MainWindow], imaging_data: Path, quiet: Quiet, qtbot: QtBot
) -> None:
    window = hanging()
    window.open_paths([imaging_data / "mr" / f for f in ("brain-t1-post", "brain-t1-pre")])
    quiet(window)
    window.actions_.perform("layout.hanging_rules")
    dialog = window.findChild(HangingDialog)
    assert dialog is not None
    assert dialog.chosen == window.hanging.rule
    titles = [dialog.list.item(n).text() for n in range(dialog.list.count())]
    assert titles[0] == "MR brain before and after contrast · in use"
    assert "MR · fits" in titles

    dialog.list.setCurrentRow(titles.index("MR · fits"))
    qtbot.mouseClick(dialog.hang_button, Qt.MouseButton.LeftButton)
    quiet(window)
    assert len(window.grid.tiles) == 1

    dialog.text.setPlainText(dialog.text.toPlainText().replace("1x1", "8x1"))
    qtbot.waitUntil(lambda: "4x4" in dialog.said.text())
    assert not dialog.keep_button.isEnabled()
    dialog.text.setPlainText(dialog.text.toPlainText().replace("8x1", "1x2"))
    qtbot.waitUntil(dialog.keep_button.isEnabled)
    qtbot.mouseClick(dialog.keep_button, Qt.MouseButton.LeftButton)
    assert dialog.chosen is not None
    assert dialog.chosen.is_own
    assert dialog.chosen.stages[0].layout == "1x2"

    qtbot.mouseClick(dialog.delete_button, Qt.MouseButton.LeftButton)
    assert list(own_folder().iterdir()) == []
    qtbot.mouseClick(dialog.undo_button, Qt.MouseButton.LeftButton)
    assert len(list(own_folder().iterdir())) == 1
    dialog.close()


def test_closing_does_not_wait_for_a_registration(
    hanging: Callable[[], MainWindow], imaging_data: Path, qtbot: QtBot
) -> None:
    window = hanging()
    folders = [imaging_data / "mr" / f for f in ("abdomen-prior-1959", "abdomen-now-1960")]
    window.open_paths(folders)
    qtbot.waitUntil(lambda: window.status._what.text() == "Registering", timeout=60_000)
    window.close()
    qtbot.waitUntil(lambda: not window.operations.is_busy, timeout=60_000)
    assert window.session.links.registrations == ()


# -- growth ---------------------------------------------------------------------------------------


def ruler(qtbot: QtBot, window: MainWindow, tile: int, length: int, at: tuple[int, int]) -> None:
    """Draw a length across a tile with the mouse, around a place of the screen."""
    view = window.grid.tiles[tile].view
    window.grid.activate(window.grid.tiles[tile])
    window.set_tool("length")
    start, end = QPoint(at[0] - length // 2, at[1]), QPoint(at[0] + length // 2, at[1])
    left = Qt.MouseButton.LeftButton
    qtbot.mousePress(view, left, pos=start)
    qtbot.mouseMove(view, QPoint(*at))
    qtbot.mouseMove(view, end)
    qtbot.mouseRelease(view, left, pos=end)


def buttons(window: MainWindow, text: str) -> list[QPushButton]:
    found = window.sidebar.findings.findChildren(QPushButton)
    return [each for each in found if each.text() == text and each.isVisible()]


def texts(window: MainWindow) -> str:
    return "\n".join(each.text() for each in window.sidebar.findings.findChildren(QLabel))


def two_dates(window: MainWindow, imaging_data: Path, quiet: Quiet) -> None:
    folders = [imaging_data / "mr" / f for f in ("abdomen-prior-1959", "abdomen-now-1960")]
    window.open_paths(folders)
    quiet(window, timeout=90_000)


def test_a_lesion_measured_at_two_dates_gets_its_growth_everywhere(
    hanging: Callable[[], MainWindow],
    imaging_data: Path,
    quiet: Quiet,
    qtbot: QtBot,
    tmp_path: Path,
) -> None:
    window = hanging()
    two_dates(window, imaging_data, quiet)
    ruler(qtbot, window, 0, 60, (200, 300))
    quiet(window)
    drawn = middle_of(window.session.work.measurements[0])
    there = window.session.links.registrations[0].to_moving(drawn)
    then = window.grid.tiles[1].view
    then.go_to(there)
    assert then.stage.plane is not None
    row, column = then.stage.plane.to_pixel(there)[1:]
    x, y = then.stage.map().to_screen(row, column)
    ruler(qtbot, window, 1, 40, (round(x), round(y)))
    quiet(window)
    assert len(window.session.work.measurements) == 2

    window.sidebar.show_tab("findings")
    qtbot.waitUntil(lambda: len(buttons(window, "Join")) == 1)
    assert "mm apart" in texts(window)
    qtbot.mouseClick(buttons(window, "Join")[0], Qt.MouseButton.LeftButton)
    quiet(window)

    assert len(window.session.work.pairs) == 1
    assert "Diameter +" in texts(window)
    assert "(over 126 days)" in texts(window)
    assert buttons(window, "Join") == []

    window.grid.activate(window.grid.tiles[0])  # the report is of the study that is looked at
    quiet(window)
    subject = session_subject(window.session)
    assert subject is not None
    told = [m for m in report_content(subject).measurements if m.name.startswith("Growth since")]
    assert len(told) == 1
    assert "Volume doubles in" in told[0].value
    save_objects(subject, tmp_path / "out")
    written = pydicom.dcmread(next((tmp_path / "out").glob("measurements-*-sr.dcm")))
    assert "Volume doubling time" in str(written)

    window.actions_.perform("edit.undo")
    quiet(window)
    assert window.session.work.pairs == ()
    window.actions_.perform("edit.redo")
    qtbot.waitUntil(lambda: len(buttons(window, "Part")) == 1)
    qtbot.mouseClick(buttons(window, "Part")[0], Qt.MouseButton.LeftButton)
    assert window.session.work.pairs == ()
