"""One click on a nodule: outline, size, and how suspicious the model finds it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from medview.core.geometry import PatientPoint
from medview.core.results import Heatmap, ModelRun
from medview.gui.views.slice_view import SliceView
from medview.gui.window import MainWindow

Quiet = Callable[..., None]
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


@pytest.fixture
def nodule_place(small_demo: Path) -> PatientPoint:
    truth = json.loads((small_demo / "truth" / "truth.json").read_text(encoding="utf-8"))
    return PatientPoint(*truth["ct"]["nodule"]["centre_mm"])


def on_screen(view: SliceView, point: PatientPoint) -> QPoint:
    plane = view.stage.plane
    assert plane is not None
    _, row, column = plane.to_pixel(point)
    x, y = view.stage.map().to_screen(row, column)
    return QPoint(round(x), round(y))


def click(window: MainWindow, place: PatientPoint, qtbot: QtBot) -> None:
    view = window.grid.views["axial"]
    window.grid.go_to(place)
    qtbot.keyClick(view, Qt.Key.Key_D)
    qtbot.mouseClick(view, LEFT, NONE, on_screen(view, place))


def runs(window: MainWindow) -> list[ModelRun]:
    active = window.session.active
    assert active is not None
    return [r for r in window.session.made.runs_of(active) if r.model.name == "nodule"]


def test_a_click_gives_probability_with_interval_heatmap_and_an_observation(
    opened: MainWindow, nodule_place: PatientPoint, qtbot: QtBot, quiet: Quiet
) -> None:
    click(opened, nodule_place, qtbot)
    qtbot.waitUntil(lambda: bool(runs(opened)), timeout=60_000)
    quiet(opened)
    (run,) = runs(opened)
    (measured,) = opened.session.work.measurements
    assert (run.status, run.subject) == ("run", measured.id), run.reason
    (finding,) = run.findings
    assert finding.probability is not None
    assert finding.interval is not None
    low, high = finding.interval
    assert 0 <= low <= finding.probability <= high <= 1
    (heatmap,) = run.heatmaps
    assert heatmap.geometry.shape == (5, 64, 64)
    middle = heatmap.geometry.to_index(nodule_place)
    assert abs(middle.j - 31.5) < 4
    assert abs(middle.i - 31.5) < 4
    (known,) = [o for o in opened.session.observations()
                if o.concept == "nodule_malignancy_probability"]  # fmt: skip
    assert known.source.kind == "model"
    assert known.value == pytest.approx(100 * finding.probability)
    panel = opened.sidebar.findings
    said = " ".join(each.text() for each in panel.findChildren(QLabel))
    assert measured.text in said
    assert "Nodule rated suspicious" in said

    def shown() -> list[Heatmap]:
        overlays = opened.grid.views["axial"].stage.overlays
        return [each for each in overlays if isinstance(each, Heatmap)]

    opened.grid.go_to(nodule_place)
    assert shown() == []  # off until somebody asks
    qtbot.keyClick(opened.grid.views["axial"], Qt.Key.Key_Y)
    qtbot.waitUntil(lambda: [each.id for each in shown()] == [heatmap.id], timeout=60_000)
    qtbot.keyClick(opened.grid.views["axial"], Qt.Key.Key_Y)
    qtbot.waitUntil(lambda: shown() == [], timeout=60_000)


def test_a_rejected_answer_feeds_no_score_and_goes_with_its_nodule(
    opened: MainWindow, nodule_place: PatientPoint, qtbot: QtBot, quiet: Quiet
) -> None:
    click(opened, nodule_place, qtbot)
    qtbot.waitUntil(lambda: bool(runs(opened)), timeout=60_000)
    quiet(opened)
    (run,) = runs(opened)
    opened.session.made.decide(run.findings[0].id, "rejected")
    assert not [o for o in opened.session.observations() if o.source.kind == "model"
                and o.concept == "nodule_malignancy_probability"]  # fmt: skip
    opened.actions_.perform("edit.undo")
    opened.actions_.perform("edit.undo")
    quiet(opened)
    assert opened.session.work.measurements == ()
    assert runs(opened) == []
    opened.actions_.perform("edit.redo")
    quiet(opened)
    assert [r.id for r in runs(opened)] == [run.id]


def test_asking_again_replaces_the_answer_and_without_a_nodule_says_so(
    opened: MainWindow, nodule_place: PatientPoint, qtbot: QtBot, quiet: Quiet
) -> None:
    opened.actions_.perform("models.rate_nodule")
    assert "Click a nodule" in opened.messages[-1][1].english()
    click(opened, nodule_place, qtbot)
    qtbot.waitUntil(lambda: bool(runs(opened)), timeout=60_000)
    quiet(opened)
    (first,) = runs(opened)
    opened.actions_.perform("models.rate_nodule")
    qtbot.waitUntil(lambda: runs(opened)[0].id != first.id, timeout=60_000)
    quiet(opened)
    (second,) = runs(opened)
    assert second.findings[0].probability == pytest.approx(first.findings[0].probability)


def test_analysing_the_series_asks_no_model_that_needs_a_click(
    opened: MainWindow, qtbot: QtBot
) -> None:
    place = opened.session.active
    assert place is not None
    assert "nodule" not in [task.model.name for task in opened.session.analyses.offers(place)]
