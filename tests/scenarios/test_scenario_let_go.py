"""What is closed or taken away is held no longer."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from medview.core.geometry import PatientPoint
from medview.gui import segment_work
from medview.gui.views.slice_view import SliceView
from medview.gui.window import MainWindow
from medview.session.studies import Place

Quiet = Callable[..., None]


def _is_gone(held: weakref.ref[object]) -> bool:
    gc.collect()
    return held() is None


def _paint(view: SliceView, qtbot: QtBot) -> None:
    """A stroke from the middle of a view."""
    middle = view.rect().center()
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.mouseMove(view, middle + QPoint(20, 5))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=middle + QPoint(20, 5))


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


def test_nothing_holds_the_upper_of_two_series_that_were_closed(
    window: MainWindow, imaging_data: Path, qtbot: QtBot, quiet: Quiet
) -> None:
    window.open_paths([imaging_data / "petct"])
    qtbot.waitUntil(lambda: len(list(window.session.studies.places())) == 2)
    quiet(window)
    lower, upper = (place.series.uid for place in window.session.studies.places())
    window.actions_.perform("fusion.lay", lower=lower, upper=upper)
    stages = [tile.view.stage for tile in window.grid.tiles]
    qtbot.waitUntil(lambda: any(stage.upper is not None for stage in stages))
    quiet(window)
    layer = next(stage.upper for stage in stages if stage.upper is not None)
    held = weakref.ref(layer.volume)
    del layer

    window.close_patient()

    qtbot.waitUntil(lambda: _is_gone(held), timeout=10_000)


def test_masks_of_a_patient_who_was_closed_are_held_by_nothing_and_come_back(
    window: MainWindow, imaging_data: Path, qtbot: QtBot, quiet: Quiet
) -> None:
    window.open_paths([imaging_data / "mr" / "brain-t1-pre"])
    qtbot.waitUntil(lambda: window.session.active is not None)
    quiet(window)
    window.set_tool("brush")
    view = window.grid.active_view
    _paint(view, qtbot)
    qtbot.waitUntil(lambda: len(window.session.work.segments) == 1)
    qtbot.waitUntil(lambda: len(view.stage.overlays) == 1)
    (mask,) = view.stage.overlays
    voxels, held = int(mask.voxels.sum()), weakref.ref(mask)
    del mask

    window.close_patient()
    qtbot.waitUntil(lambda: _is_gone(held), timeout=10_000)

    window.open_paths([imaging_data / "mr" / "brain-t1-pre"])
    qtbot.waitUntil(lambda: len(window.grid.active_view.stage.overlays) == 1)
    (again,) = window.grid.active_view.stage.overlays
    assert int(again.voxels.sum()) == voxels > 0


@pytest.fixture
def patient_views(monkeypatch: pytest.MonkeyPatch) -> int:
    """How long in ms the other views wait with a stroke: longer than it takes to turn to a
    series, as on a machine that is quicker than this one."""
    monkeypatch.setattr(segment_work, "_OTHERS_MS", 1500)
    return 1500


@pytest.fixture
def two_patients(
    window: MainWindow, imaging_data: Path, qtbot: QtBot, quiet: Quiet
) -> tuple[Place, Place]:
    """Who is shown, and another; both are in memory."""
    window.open_paths([imaging_data / "mr" / "brain-t1-pre", imaging_data / "ct" / "ct-small.dcm"])
    qtbot.waitUntil(lambda: len(list(window.session.studies.places())) == 2)
    quiet(window)
    shown, other = window.session.studies.places()
    for place in (other, shown):
        window.show_series(place.key)
        quiet(window)
    return shown, other


def test_a_stroke_is_not_drawn_over_another_patient_who_is_shown_right_after_it(
    patient_views: int, two_patients: tuple[Place, Place], window: MainWindow, qtbot: QtBot
) -> None:
    painted, other = two_patients
    window.set_tool("brush")
    view = window.grid.active_view
    _paint(view, qtbot)
    assert len(window.session.work.segments) == 1

    window.show_series(other.key)
    qtbot.wait(2 * patient_views)

    assert view.stage.shown.patient.id == other.patient.id != painted.patient.id
    assert view.stage.overlays == ()


def test_a_segment_that_was_deleted_right_after_a_stroke_is_drawn_no_more(
    patient_views: int, window: MainWindow, imaging_data: Path, qtbot: QtBot, quiet: Quiet
) -> None:
    window.open_paths([imaging_data / "mr" / "brain-t1-pre"])
    qtbot.waitUntil(lambda: window.session.active is not None)
    quiet(window)
    window.set_tool("brush")
    view = window.grid.active_view
    _paint(view, qtbot)
    (segment,) = window.session.work.segments

    window.session.segmenting.delete(segment)
    qtbot.wait(2 * patient_views)

    assert window.session.work.segments == ()
    assert view.stage.overlays == ()


def test_what_grows_from_a_seed_stays_on_its_own_patient(
    two_patients: tuple[Place, Place], window: MainWindow, qtbot: QtBot, quiet: Quiet
) -> None:
    seeded, other = two_patients
    window.set_tool("grow")
    view = window.grid.active_view

    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=view.rect().center())
    window.show_series(other.key)
    qtbot.waitUntil(lambda: not window.operations.is_busy)
    quiet(window)

    assert window.session.active.patient.id == other.patient.id
    assert window.session.made.book_of(other).work.segments == ()
    (segment,) = window.session.made.book_of(seeded).work.segments
    assert window.session.segmenting.mask(seeded, segment).count > 0


@pytest.fixture
def nodule(small_demo: Path) -> PatientPoint:
    """Where the newer CT of the demo study has its nodule."""
    truth = json.loads((small_demo / "truth" / "truth.json").read_text(encoding="utf-8"))
    return PatientPoint(*truth["ct"]["nodule"]["centre_mm"])


def _measure(window: MainWindow, nodule: PatientPoint, qtbot: QtBot, plane: str = "axial") -> None:
    view = window.grid.views[plane]
    window.set_tool("nodule")
    window.grid.go_to(nodule)
    _, row, column = view.stage.plane.to_pixel(nodule)
    x, y = view.stage.map().to_screen(row, column)
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(round(x), round(y)))


def test_a_nodule_stays_with_the_patient_whose_images_were_clicked(
    opened: MainWindow, nodule: PatientPoint, imaging_data: Path, qtbot: QtBot, quiet: Quiet
) -> None:
    clicked = opened.session.active
    opened.open_paths([imaging_data / "mr" / "brain-t1-pre"])
    quiet(opened)
    other = next(p for p in opened.session.studies.places() if p.series.modality == "MR")
    for place in (other, clicked):  # both are in memory
        opened.show_series(place.key)
        quiet(opened)
    _measure(opened, nodule, qtbot)
    quiet(opened)

    _measure(opened, nodule, qtbot, "coronal")  # where no axes lie in the way of the click
    opened.show_series(other.key)
    stood = opened.grid.active_view.stage.state.point
    quiet(opened)

    assert opened.session.active.key == other.key
    measured = opened.session.made.book_of(clicked).work.measurements
    assert [each.text for each in measured] == ["Nodule 1", "Nodule 2"]
    assert opened.session.made.book_of(other).work.measurements == ()
    assert opened.grid.active_view.stage.state.point == stood


def test_a_nodule_of_a_patient_who_was_closed_meanwhile_is_not_kept(
    opened: MainWindow, nodule: PatientPoint, qtbot: QtBot, quiet: Quiet
) -> None:
    place = opened.session.active

    _measure(opened, nodule, qtbot)
    opened.close_patient()
    quiet(opened)

    assert opened.session.made.book_of(place).work.measurements == ()
