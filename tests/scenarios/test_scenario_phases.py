"""4-D series in the window: phases at one place, their cine, their curve; frames at their times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from medview.core.study import Series
from medview.gui.dialogs.curve import CurveDialog, curve_words
from medview.gui.film import Film
from medview.gui.views.cine import Pace, pace_of
from medview.gui.views.slice_view import SliceView
from medview.gui.window import MainWindow
from medview.imaging.phases import Curve

Quiet = Callable[..., None]
PHASES = 3


@pytest.fixture(scope="module")
def perfusion(tmp_path_factory: pytest.TempPathFactory, imaging_data: Path) -> Path:
    """A real fMRI, as three phases of four slices, 20 s apart; a phase is 100, 250 or 400."""
    folder = tmp_path_factory.mktemp("perfusion")
    sources = sorted((imaging_data / "mr" / "ge-fmri-4x2").iterdir())
    first = {}
    for path in sources:
        made = dcmread(path)
        first.setdefault(tuple(map(float, made.ImagePositionPatient)), made)
    for number in range(PHASES):
        for place, made in enumerate(first.values()):
            made.TemporalPositionIdentifier = number + 1
            made.AcquisitionTime = f"1000{20 * number:02d}"
            made.InstanceNumber = 10 * number + place + 1
            made.SOPInstanceUID = f"2.25.{100 + 10 * number + place}"
            made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
            for keyword in ("TriggerTime", "FrameReferenceTime"):
                if keyword in made:
                    delattr(made, keyword)
            made.RescaleSlope, made.RescaleIntercept = 1, 0
            shape = (made.Rows, made.Columns)
            made.PixelData = np.full(shape, 100 + 150 * number, np.int16).tobytes()
            made["PixelData"].VR = "OW"
            made.save_as(folder / f"{number}-{place}.dcm")
    return folder


@pytest.fixture
def view(window: MainWindow, quiet: Quiet, perfusion: Path) -> SliceView:
    window.open_paths([perfusion])
    quiet(window)
    return window.grid.active_view


def wheel(view: SliceView, notches: int) -> None:
    place = QPointF(view.width() / 2, view.height() / 2)
    event = QWheelEvent(
        place, QPointF(view.mapToGlobal(place.toPoint())), QPoint(), QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.ShiftModifier, Qt.ScrollPhase.NoScrollPhase,
        False,
    )  # fmt: skip
    QApplication.sendEvent(view, event)


def value(view: SliceView) -> float | None:
    shown = view.stage.shown
    return None if shown is None else shown.volume.value_at(0, 5, 5)


def test_shift_wheel_goes_through_the_phases_and_the_view_stands_as_it_stood(
    window: MainWindow, view: SliceView, quiet: Quiet
) -> None:
    stage = view.stage
    window.actions_.perform("series.next_slice")
    stage.change(replace(stage.state, zoom=2.5, pan=(20.0, 8.0), turns=1))
    view.commands.set_window(900, 300)
    before = stage.state
    assert value(view) == 100
    assert view.look.phase.startswith("phase 1 / 3")
    wheel(view, -1)
    quiet(window)
    assert value(view) == 250
    assert view.look.phase == "phase 2 / 3 · time 2"
    now = window.grid.active_view.stage.state
    assert (now.point, now.zoom, now.turns) == (before.point, before.zoom, before.turns)
    assert now.pan == pytest.approx(before.pan)
    assert (now.window.center, now.window.width) == (300, 900)
    assert window.session.active is not None
    assert window.session.active.stack_number == 1
    wheel(view, 1)
    wheel(view, 1)
    quiet(window)
    assert value(view) == 400  # round: before the first comes the last


def test_all_planes_change_to_the_phase_together(
    window: MainWindow, view: SliceView, quiet: Quiet, qtbot: QtBot
) -> None:
    view.setFocus()
    qtbot.keyClick(view, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    quiet(window)
    assert {value(each) for each in window.grid.views.values()} == {250}


def test_the_cine_over_phases_reads_them_goes_round_and_stops(
    window: MainWindow, view: SliceView, quiet: Quiet, qtbot: QtBot
) -> None:
    seen = set()
    window.grid.playing.rate = 100.0
    window.actions_.perform("cine.phases")
    qtbot.waitUntil(lambda: window.pictures.phases.is_playing, timeout=60_000)

    def all_were_shown() -> bool:
        seen.add(value(view))
        return {100.0, 250.0, 400.0} <= seen

    qtbot.waitUntil(all_were_shown, timeout=60_000)
    window.actions_.perform("edit.escape")
    quiet(window)
    assert not window.pictures.phases.is_playing
    assert window.session.active is not None
    assert window.session.active.key == window.grid.active_tile.key


def test_the_phases_become_a_film_and_the_view_stands_as_it_stood(
    window: MainWindow, view: SliceView, qtbot: QtBot, quiet: Quiet, tmp_path: Path
) -> None:
    from PIL import Image

    window.actions_.perform("series.next_phase")
    quiet(window)
    path = tmp_path / "phases.gif"
    state = view.stage.state
    view.stage.change(replace(state, window=replace(state.window, width=500, center=250)))

    window.export.save_phases(path)

    qtbot.waitUntil(path.exists, timeout=60_000)
    with Image.open(path) as film:
        assert film.n_frames == PHASES
        middles = []
        for number in range(PHASES):
            film.seek(number)
            middles.append(film.convert("L").getpixel((film.width // 2, film.height // 2 - 20)))
            assert film.info["duration"] == pytest.approx(125, abs=6)
    assert middles[0] < middles[1] < middles[2]
    assert window.pictures.phases.number == 1
    quiet(window)


def test_a_film_of_phases_leads_its_own_tile_when_the_reader_turns_to_another(
    window: MainWindow, view: SliceView, qtbot: QtBot, quiet: Quiet, tmp_path: Path,
    imaging_data: Path,
) -> None:  # fmt: skip
    own, phase = window.grid.active_tile, window.grid.active_tile.key
    window.open_paths([imaging_data / "ct" / "ct-small.dcm"])
    quiet(window)
    strange = window.grid.active_tile.key
    window.grid.set_layout_name("1x2")
    other = next(tile for tile in window.grid.tiles if tile is not own)
    other.want(strange, other.plane, other.state())
    window.grid.activate(own)
    window.session.select(phase)
    quiet(window)
    path = tmp_path / "phases.gif"

    window.export.save_phases(path)
    qtbot.waitUntil(lambda: bool(window.findChildren(Film)), timeout=60_000)
    window.grid.activate(other)
    qtbot.waitUntil(path.exists, timeout=60_000)
    quiet(window)

    assert (own.key, other.key) == (phase, strange)


def test_the_curve_has_the_mean_of_every_phase_at_its_time(
    window: MainWindow, view: SliceView, quiet: Quiet
) -> None:
    window.actions_.perform("series.curve")
    quiet(window)
    (dialog,) = window.findChildren(CurveDialog)
    words = dialog.plot.accessibleDescription()
    assert words == "0 s: 100.0 · 20 s: 250.0 · 40 s: 400.0"
    assert not dialog.plot.grab().isNull()
    dialog.close()


def test_a_series_without_phases_says_so(
    window: MainWindow, quiet: Quiet, imaging_data: Path
) -> None:
    window.open_paths([imaging_data / "ct" / "ct-small.dcm"])
    quiet(window)
    for action in ("series.next_phase", "cine.phases", "series.curve"):
        window.messages.clear()
        window.actions_.perform(action)
        assert str(window.messages[-1][1]) == "This series has no phases.", action


def test_a_curve_without_times_counts_phases() -> None:
    words = curve_words(Curve((1.0, 2.0), (3.0, float("nan")), "HU", is_timed=False))
    assert words == "phase 1: 3.0 HU · phase 2: – HU"


def test_frames_are_shown_for_the_times_of_their_vector() -> None:
    times = (100.0, 300.0, 100.0, 100.0)
    pace = pace_of(Series(uid="1"), 0.0, times)
    assert [pace.wait_ms(number) for number in range(4)] == [100, 300, 100, 100]
    assert pace.rate == pytest.approx(1000 / 150)
    faster = replace(pace, rate=2 * pace.rate)
    assert [faster.wait_ms(number) for number in range(4)] == [50, 150, 50, 50]


@pytest.mark.parametrize(("header", "wanted"), [({"CineRate": "20"}, 0.0), ({}, 20.0)])
def test_a_named_rate_outweighs_the_vector(header: dict[str, str], wanted: float) -> None:
    pace = pace_of(Series(uid="1", header=header), wanted, (100.0, 300.0))
    assert pace == Pace(20.0)


def test_the_slider_goes_to_a_phase_and_follows_the_wheel(
    window: MainWindow, view: SliceView, quiet: Quiet, qtbot: QtBot
) -> None:
    bar = window.pictures.phases.bar
    assert bar.isVisible()
    assert bar.slider.accessibleName() == "Phase"
    assert (bar.slider.value(), bar.slider.maximum()) == (0, PHASES - 1)

    bar.slider.setFocus()
    qtbot.keyClick(bar.slider, Qt.Key.Key_End)
    quiet(window)
    assert value(view) == 400
    wheel(view, 1)
    quiet(window)
    assert bar.slider.value() == 1
    assert any(each.text().startswith("phase 2 / 3") for each in bar.findChildren(QLabel))

    window.preferences.set_language("zh_CN")
    assert bar.slider.accessibleName() == "时相"
    window.preferences.set_language("en")
    window.actions_.perform("file.close_patient")
    quiet(window)
    assert not bar.isVisible()
